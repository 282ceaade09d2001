/** TLS in front of a relay: takes it off, and passes the bytes on. */

import { connect, type Socket } from "node:net";
import { createServer } from "node:tls";
import { readTlsOptions } from "./tls_files.ts";

export interface TlsFront extends AsyncDisposable {
  readonly port: number;
}

/** Shows the certificate of "localhost". */
export function startTlsFront(relayPort: number): Promise<TlsFront> {
  // Those below TLS: a TLS socket whose handshake was spoilt need not tell that it has closed.
  const transports = new Set<Socket>();
  const server = createServer({ ...readTlsOptions("localhost"), allowHalfOpen: true });
  server.on("connection", (transport: Socket) => {
    transports.add(transport);
    transport.on("error", () => {});
    transport.once("close", () => transports.delete(transport));
  });
  server.on("secureConnection", (socket: Socket) => {
    const upstream: Socket = connect({
      ...{ port: relayPort, host: "127.0.0.1" },
      ...{ allowHalfOpen: true, noDelay: true },
    });
    socket.on("error", () => socket.destroy());
    upstream.on("error", () => {});
    upstream.once("close", () => socket.destroy());
    socket.once("close", () => upstream.destroy());
    transports.add(upstream);
    upstream.once("close", () => transports.delete(upstream));
    socket.pipe(upstream).pipe(socket);
  });
  server.on("tlsClientError", () => {});
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") throw new TypeError("Not a TCP server");
      resolve({
        port: address.port,
        [Symbol.asyncDispose]: async (): Promise<void> => {
          const closed = new Promise<void>((resolve) => server.close(() => resolve()));
          const gone = [...transports].map((transport) =>
            new Promise<void>((resolve) => transport.once("close", () => resolve()))
          );
          for (const transport of transports) transport.destroy();
          await Promise.all([closed, ...gone]);
        },
      });
    })
  );
}
