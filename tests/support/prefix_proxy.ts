/** A reverse proxy that has the relay below a path, as nginx's `location /p/ { proxy_pass …/; }`. */

import { createServer, type IncomingMessage, request as openRequest } from "node:http";
import { connect, type Socket } from "node:net";

export interface PrefixProxy extends AsyncDisposable {
  readonly port: number;
  /** Targets that it passed on, in order. */
  readonly targets: readonly string[];
}

/** Passes what is below `prefix` to a port of this computer; all else is 404. */
export function startPrefixProxy(prefix: string, relayPort: number): Promise<PrefixProxy> {
  const targets: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const target = incoming.url ?? "";
    if (!target.startsWith(`${prefix}/`)) {
      incoming.resume();
      outgoing.writeHead(404).end();
      return;
    }
    targets.push(target);
    const upstream = openRequest({
      host: "127.0.0.1",
      port: relayPort,
      agent: false,
      method: incoming.method ?? "GET",
      path: target.slice(prefix.length),
      headers: incoming.rawHeaders,
    });
    upstream.on("response", (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
      answer.on("error", () => outgoing.destroy());
    });
    upstream.on("error", () => outgoing.destroy());
    outgoing.on("close", () => upstream.destroy());
    incoming.pipe(upstream);
  });
  server.on("upgrade", (incoming: IncomingMessage, socket: Socket, head: Uint8Array) => {
    const target = incoming.url ?? "";
    targets.push(target);
    const upstream = connect(relayPort, "127.0.0.1");
    const fields: string[] = [];
    for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
      fields.push(`${incoming.rawHeaders[i]}: ${incoming.rawHeaders[i + 1]}\r\n`);
    }
    upstream.write(`GET ${target.slice(prefix.length)} HTTP/1.1\r\n${fields.join("")}\r\n`);
    upstream.write(head);
    socket.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
    upstream.on("error", () => socket.destroy()).on("close", () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  const closed = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") throw new TypeError("Not a TCP server");
      resolve({ port: address.port, targets, [Symbol.asyncDispose]: closed });
    })
  );
}
