/**
 * A web application that has a bit of everything, as a program of its own. What happens to it is a
 * line each on standard output.
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import process from "node:process";
import { Readable } from "node:stream";
import { echoWebSockets } from "./sample_origin_sockets.ts";

type Handle = (
  request: IncomingMessage,
  response: ServerResponse,
  query: string,
) => Promise<void> | void;

const PIECE_BYTES = 256 * 1024;
const MUCH = "much ".repeat(2_000_000);

function note(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What the test has said by `/say?WORD` and nobody has heard yet, and who listens. */
const said: string[] = [];
let listen: ((word: string) => void) | undefined;

/** The next word of the test, unless the visitor leaves before it. */
function hear(response: ServerResponse): Promise<string> {
  const word = said.shift();
  if (word !== undefined) return Promise.resolve(word);
  return new Promise((resolve) => {
    const own = (next: string): void => {
      listen = undefined;
      resolve(next);
    };
    listen = own;
    response.once("close", () => {
      if (listen === own) own("end");
    });
  });
}

const HANDLERS: Readonly<Record<string, Handle>> = {
  "/say": (_request, response, query) => {
    if (listen === undefined) said.push(query);
    else listen(query);
    response.end();
  },

  /** `?LENGTH`: so many bytes, or a range of them. */
  "/bytes": (request, response, query) => {
    const length = Number(query);
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const [from, to] = range === null ? [0, length] : [Number(range[1]), Number(range[2]) + 1];
    response.writeHead(range === null ? 200 : 206, {
      "Content-Type": "application/octet-stream",
      "Accept-Ranges": "bytes",
      "Content-Length": to - from,
      ...(range === null ? {} : { "Content-Range": `bytes ${from}-${to - 1}/${length}` }),
    });
    if (request.method === "HEAD") response.end();
    else Readable.from(toPieces(from, to), { objectMode: false }).pipe(response);
  },

  /** SHA-256 and framing of the body. */
  "/digest": async (request, response) => {
    const hash = createHash("sha256");
    let length = 0;
    for await (const chunk of request) {
      hash.update(chunk);
      length += chunk.length;
    }
    const framing = request.headers["transfer-encoding"] ?? request.headers["content-length"];
    response.end(`${hash.digest("hex")} ${length} ${framing}`);
  },

  "/echo": (request, response) => void request.pipe(response),

  /** Asks for the body when the test says so, then as `/digest`. */
  "/held": async (request, response, query) => {
    note("holds a body");
    await hear(response);
    response.writeContinue();
    await HANDLERS["/digest"]?.(request, response, query);
  },

  "/refuse": (_request, response) => {
    response.writeHead(413, { "Content-Type": "text/plain" });
    response.end("too much");
  },

  "/cookies": (_request, response, query) => {
    response.setHeader("Set-Cookie", [`a=${query}; Path=/`, `b=${query}; HttpOnly`]);
    response.end(query);
  },

  /** What came, as JSON. */
  "/request": async (request, response) => {
    const chunks: Uint8Array[] = await Array.fromAsync(request);
    const { method, url, httpVersion, rawHeaders } = request;
    const body = Buffer.concat(chunks).toString();
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ method, url, httpVersion, rawHeaders, body }));
  },

  /** Of a length that is known: a half at once, a half when the test says a word. */
  "/halves": async (_request, response) => {
    response.writeHead(200, { "Content-Length": 14 });
    response.write("first\n");
    await hear(response);
    response.end("second\n".padStart(8));
  },

  /** An event of each word that the test says; "end" ends the stream, "much" makes it long. */
  "/events": async (request, response) => {
    const last = Number(request.headers["last-event-id"] ?? 0);
    note(`events after ${last}`);
    response.once("close", () => note(`events after ${last} are over`));
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write("retry: 10\n\n");
    for (let id = last + 1; !response.closed; id++) {
      const word = await hear(response);
      if (word === "end") return void response.end();
      response.write(`id: ${id}\ndata: ${word === "much" ? MUCH : word}\n\n`);
    }
  },

  "/page": (_request, response) => {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(PAGE);
  },
};

/** Shows the events. */
const PAGE = `<!doctype html><title>Events</title><link rel="icon" href="data:,"><ol></ol><script>
const source = new EventSource("events");
source.onmessage = ({ data }) => {
  document.querySelector("ol").append(Object.assign(document.createElement("li"), { textContent: data }));
};
</script>`;

/** Bytes of which no two stretches are alike, so that a misplaced one shows. */
function* toPieces(from: number, to: number): Generator<Uint8Array> {
  const words = new Uint32Array(PIECE_BYTES / 4).map((_, at) => Math.imul(at + 1, 0x9e3779b1));
  for (let at = from - from % PIECE_BYTES; at < to; at += PIECE_BYTES) {
    const piece = words.slice();
    piece[0] = at / PIECE_BYTES;
    const start = Math.max(from - at, 0);
    yield new Uint8Array(piece.buffer).subarray(start, Math.min(to - at, PIECE_BYTES));
  }
}

function handle(request: IncomingMessage, response: ServerResponse): void {
  const [path = "", query = ""] = (request.url ?? "").split("?");
  const handler = HANDLERS[path];
  if (handler === undefined) response.writeHead(404).end("There is no such thing\n");
  else {Promise.resolve(handler(request, response, query)).catch((error) =>
      note(`failed: ${error}`)
    );}
}

const server = createServer(handle);
// It is for the handlers to say 100.
server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
  if (!["/held", "/refuse"].includes(request.url ?? "")) response.writeContinue();
  handle(request, response);
});
echoWebSockets(server, note);
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("Not a TCP server");
  note(`listening ${address.port}`);
});
