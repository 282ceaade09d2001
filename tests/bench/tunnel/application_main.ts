/**
 * A web application for measurements, on node:http: small files in memory, uploads, events, slow
 * answers, and echoing WebSockets. `ADDRESS PORT`.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setInterval, setTimeout } from "node:timers";
import { echoWebSockets } from "../../support/sample_origin_sockets.ts";
import { SMALL_SIZES } from "./sample_files.ts";

const FILES = new Map<string, Uint8Array>(
  Object.entries(SMALL_SIZES)
    .map(([name, size]) => [`/${name}`, new Uint8Array(size).fill(120)] as const),
);

function handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const file = FILES.get(incoming.url ?? "");
  if (file !== undefined) {
    outgoing.writeHead(200, { "Content-Length": file.length });
    return void outgoing.end(file);
  }
  const { pathname, searchParams } = new URL(incoming.url ?? "/", "http://origin");
  const ms = Number(searchParams.get("ms"));
  switch (pathname) {
    case "/sink":
      return void incoming.resume().on("end", () => outgoing.end());
    case "/events":
      return sendEvents(outgoing, ms);
    case "/slow":
      return void setTimeout(() => outgoing.end("slow"), ms);
    default:
      outgoing.writeHead(404).end();
  }
}

/** Events whose data is the time at which they were sent, in ms since 1970. */
function sendEvents(outgoing: ServerResponse, intervalMs: number): void {
  outgoing.writeHead(200, { "Content-Type": "text/event-stream" });
  outgoing.flushHeaders();
  const timer = setInterval(() => {
    outgoing.write(`data: ${performance.timeOrigin + performance.now()}\n\n`);
  }, intervalMs);
  outgoing.on("close", () => clearInterval(timer));
}

const server = createServer(handle);
echoWebSockets(server, () => {});
const [hostname, port] = Deno.args;
server.listen(Number(port), hostname);
