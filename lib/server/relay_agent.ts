/** node:http's pool of connections to one relay, which it opens in our way. */

import { Agent, type ClientRequestArgs } from "node:http";
import type { Socket } from "node:net";
import { IDLE_CONNECTION_MS } from "../base/limits.ts";
import { toAbortError } from "./relay_unreachable_error.ts";

/** What a request tells the pool beside node:http's own options. */
export interface RelayAgentOptions extends ClientRequestArgs {
  /** Ends the connecting; node:http keeps its own `signal` to itself. */
  readonly connectSignal: AbortSignal;
}

/** Opens a connection that is ready for a request. */
export type OpenConnection = (signal: AbortSignal) => Promise<Socket>;

/** A pool that keeps idle connections for a while, less where the relay says so. */
export function createRelayAgent(open: OpenConnection): Agent {
  // Beyond the timeout, the agent heeds `Keep-Alive: timeout=` and the connection's end.
  const agent = new Agent({ keepAlive: true, timeout: IDLE_CONNECTION_MS, scheduling: "lifo" });
  // Not a subclass: its declared type allows no connection that is only ready later.
  return Object.assign(agent, {
    createConnection(
      { connectSignal }: RelayAgentOptions,
      callback: (error: unknown, socket?: Socket) => void,
    ): void {
      open(connectSignal).then((socket) => {
        if (!connectSignal.aborted) return callback(null, socket);
        socket.destroy();
        callback(toAbortError(connectSignal.reason, "a relay"));
      }, callback);
    },
  });
}
