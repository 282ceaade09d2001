/** node:http's server, or with a certificate node:https's: the same requests over other sockets. */

import { createServer, type IncomingMessage, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import type { Socket } from "node:net";

/** A certificate, followed by those that lead to an authority, and its key; PEM. */
export interface TlsIdentity {
  readonly cert: string;
  /** The secret. */
  readonly key: string;
}

export interface EngineOptions extends ServerOptions {
  /** Whether a request that asks to switch protocols is an "upgrade" event; else a "request". */
  readonly shouldUpgradeCallback: (incoming: IncomingMessage) => boolean;
}

/** A handshake has the same time as a head: `headersTimeout`. */
export function createEngine(options: EngineOptions, tls: TlsIdentity | undefined): Server {
  if (tls === undefined) return createServer(options);
  const { headersTimeout } = options;
  return createTlsServer({
    ...options,
    ...tls,
    ...(headersTimeout === undefined ? {} : { handshakeTimeout: headersTimeout }),
    // A client that names none of these is refused; old ones name the second alone.
    ALPNProtocols: ["http/1.1", "http/1.0"],
  });
}

/** Shows another certificate on connections to come; for a server that has one. */
export function replaceIdentity(server: Server, tls: TlsIdentity): void {
  if (server instanceof TlsServer) server.setSecureContext(tls);
}

/** TCP connections without a request so far, because a TLS handshake comes first. */
export class Handshakes {
  readonly #opening = new Map<string, Socket>();

  add(transport: Socket): void {
    const peer = toPeer(transport);
    this.#opening.set(peer, transport);
    transport.once("close", () => {
      if (this.#opening.get(peer) === transport) this.#opening.delete(peer);
    });
  }

  /** Takes out the TCP connection below a TLS socket; undefined where there is none. */
  take(socket: Socket): Socket | undefined {
    const peer = toPeer(socket);
    const transport = this.#opening.get(peer);
    this.#opening.delete(peer);
    return transport;
  }

  destroyAll(): void {
    for (const transport of this.#opening.values()) transport.destroy();
  }
}

/** What a TLS socket and the one below it have in common, of all that is public. */
function toPeer({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
