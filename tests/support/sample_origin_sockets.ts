/** WebSockets of the sample application: echoes, by npm `ws`, that do more when they are told to. */

import { Buffer } from "node:buffer";
import type { Server } from "node:http";
import { type RawData, type WebSocket, WebSocketServer } from "ws";

const MAX_PAYLOAD_BYTES = 128 * 1024 * 1024;

/**
 * Takes upgrades at `/echo`. Texts that begin with `/` are commands: `/ping`, `/fragments`,
 * `/bytes` (received on the connection so far), `/close CODE REASON`.
 */
export function echoWebSockets(server: Server, note: (line: string) => void): void {
  const sockets = new WebSocketServer({
    server,
    path: "/echo",
    maxPayload: MAX_PAYLOAD_BYTES,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => offered.has("second") ? "second" : false,
  });
  sockets.on("connection", (socket, { socket: connection }) => {
    socket.on("message", (data, isBinary) => {
      const text = isBinary ? "" : toText(data);
      if (!text.startsWith("/")) return socket.send(data, { binary: isBinary });
      obey(socket, text, () => connection.bytesRead);
    });
    socket.on("ping", (payload) => note(`ping ${payload}`));
    socket.on("pong", (payload) => note(`pong ${payload}`));
    socket.on("error", (error) => note(`socket failed: ${error.message}`));
    socket.on("close", (code, reason) => {
      note(`closed ${code} "${reason}", ${sockets.clients.size} left`);
    });
  });
}

function obey(socket: WebSocket, command: string, readBytes: () => number): void {
  const [name, code, ...reason] = command.split(" ");
  switch (name) {
    case "/ping":
      return socket.ping("from the origin");
    case "/fragments":
      socket.send("one ", { fin: false });
      socket.send("two ", { fin: false });
      return socket.send("three", { fin: true });
    case "/bytes":
      return socket.send(String(readBytes()));
    case "/close":
      return socket.close(Number(code), reason.join(" "));
  }
}

function toText(data: RawData): string {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Uint8Array);
  return bytes.toString();
}
