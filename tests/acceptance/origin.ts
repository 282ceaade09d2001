/** A local web application for measurements; prints its port. */

import { createServer, type ServerResponse } from "node:http";
import { setInterval } from "node:timers";

const PIECE = new Uint8Array(256 * 1024).fill(97);
const SMALL = new Uint8Array(1024).fill(98);
const GIB = 2 ** 30;

const server = createServer((incoming, outgoing) => {
  const url = new URL(incoming.url ?? "/", "http://origin");
  switch (url.pathname) {
    case "/events":
      return sendEvents(outgoing, Number(url.searchParams.get("ms")));
    case "/slow":
      return sendSlowly(outgoing);
    case "/gib":
      return sendGib(outgoing);
    case "/sink": {
      let length = 0;
      incoming.on("data", (chunk: Uint8Array) => length += chunk.length);
      incoming.on("end", () => outgoing.end(String(length)));
      return;
    }
    default:
      outgoing.writeHead(200, { "Content-Length": SMALL.length });
      outgoing.end(SMALL);
  }
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("Not a TCP server");
  Deno.stdout.writeSync(new TextEncoder().encode(`${address.port}\n`));
});

/** Events whose data is the time at which they were sent, in ms since 1970. */
function sendEvents(outgoing: ServerResponse, intervalMs: number): void {
  outgoing.writeHead(200, { "Content-Type": "text/event-stream" });
  outgoing.flushHeaders();
  const timer = setInterval(() => {
    outgoing.write(`data: ${performance.timeOrigin + performance.now()}\n\n`);
  }, intervalMs);
  outgoing.on("close", () => clearInterval(timer));
}

/** A byte every 100 ms, without end. */
function sendSlowly(outgoing: ServerResponse): void {
  outgoing.writeHead(200);
  const timer = setInterval(() => outgoing.write("."), 100);
  outgoing.on("close", () => clearInterval(timer));
}

function sendGib(outgoing: ServerResponse): void {
  outgoing.writeHead(200, { "Content-Length": GIB });
  let left = GIB;
  const send = (): void => {
    while (left > 0) {
      left -= PIECE.length;
      if (!outgoing.write(PIECE)) return;
    }
    outgoing.end();
  };
  outgoing.on("drain", send);
  send();
}
