/** Servers of TCP connections, or with a certificate of TLS connections. */

import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, Server as TlsServer } from "node:tls";

/** A certificate, followed by those that lead to an authority, and its key; PEM. */
export interface TlsIdentity {
  readonly cert: string;
  /** The secret. */
  readonly key: string;
}

// A peer may end its side before it has its answer; and small answers are not to wait for more.
const OPTIONS = { allowHalfOpen: true, noDelay: true };

/** `handshakeTimeoutMs` is for TLS. */
export function createTransport(
  tls: TlsIdentity | undefined,
  handshakeTimeoutMs: number,
): Server {
  if (tls === undefined) return createServer(OPTIONS);
  return createTlsServer({
    ...OPTIONS,
    ...tls,
    handshakeTimeout: handshakeTimeoutMs,
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
