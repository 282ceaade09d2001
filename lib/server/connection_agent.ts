/** node:http's pool of connections to one host, which it opens in our way. */

import { Agent, type ClientRequest, type ClientRequestArgs } from "node:http";
import { Socket } from "node:net";
import { IDLE_CONNECTION_MS } from "../base/limits.ts";

/** What a request tells the pool beside node:http's own options. */
export interface AgentOptions extends ClientRequestArgs {
  /** Ends the connecting; node:http keeps its own `signal` to itself. */
  readonly connectSignal: AbortSignal;
}

/** Opens a connection: one that is about to be ready for a request, or a promise of a ready one. */
export type OpenConnection = (signal: AbortSignal) => Socket | Promise<Socket>;

/**
 * A pool that keeps idle connections for `idleMs`, less where the other end says so; 0 keeps none.
 * Default: IDLE_CONNECTION_MS.
 */
export function createAgent(
  open: OpenConnection,
  { idleMs = IDLE_CONNECTION_MS }: { readonly idleMs?: number } = {},
): Agent {
  // Beyond the timeout, the agent heeds `Keep-Alive: timeout=` and the connection's end.
  const options = {
    keepAlive: idleMs > 0,
    ...idleMs > 0 ? { timeout: idleMs } : {},
    // Else NODE_USE_ENV_PROXY makes node:http write targets for a proxy that we do not go through.
    proxyEnv: {},
  };
  const agent = new Agent(options);
  // Not a subclass: its declared type allows no connection that comes later.
  return Object.assign(agent, {
    keepSocketAlive(socket: Socket): ReturnType<Agent["keepSocketAlive"]> {
      // What comes unasked would be taken for the answer to the next request.
      socket.once("data", refuse);
      return Agent.prototype.keepSocketAlive.call(agent, socket);
    },
    reuseSocket(socket: Socket, request: ClientRequest): void {
      socket.off("data", refuse);
      Agent.prototype.reuseSocket.call(agent, socket, request);
      // Else Deno's node:http sends the request once more, unasked, when the connection is closed
      // or destroyed: even a POST, even one that was given up (denoland/deno#36786).
      request.reusedSocket = false;
    },
    createConnection(
      { connectSignal }: AgentOptions,
      callback: (error: unknown, socket?: Socket) => void,
    ): Socket | undefined {
      const opened = open(connectSignal);
      if (opened instanceof Socket) return opened;
      opened.then((socket) => callback(null, socket), callback);
      return undefined;
    },
  });
}

function refuse(this: Socket): void {
  this.destroy();
}
