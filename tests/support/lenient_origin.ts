/**
 * An application that reads requests as carelessly as some do: bare line feeds, folded lines, space
 * before colons, any spelling of a coding or a length. What it takes for a request of its own shows
 * whether anything ambiguous was passed on.
 */

import { Buffer } from "node:buffer";
import { createServer, type Server, type Socket } from "node:net";

/** Which of two framings it goes by. */
export type Preference = "length" | "chunks";

export interface LenientRequest {
  readonly method: string;
  readonly target: string;
  /** Lower-case names and values, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** One character per byte. */
  readonly body: string;
  /** All of it as it came, one character per byte. */
  readonly bytes: string;
}

export class LenientOrigin implements AsyncDisposable {
  readonly port: number;
  readonly preference: Preference;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** In the order of their ends. */
  readonly requests: LenientRequest[] = [];

  private constructor(server: Server, port: number, preference: Preference) {
    this.#server = server;
    this.port = port;
    this.preference = preference;
    server.on("connection", (socket: Socket) => this.#serve(socket));
  }

  static start(preference: Preference): Promise<LenientOrigin> {
    const server = createServer({ noDelay: true });
    return new Promise((resolve) =>
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        if (address === null || typeof address === "string") throw new TypeError("Not TCP");
        resolve(new LenientOrigin(server, address.port, preference));
      })
    );
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
    let received = "";
    socket.on("data", (chunk: Uint8Array) => {
      received += Buffer.from(chunk).toString("latin1");
      for (;;) {
        const found = readRequest(received, this.preference);
        if (found === undefined) return;
        received = found.rest;
        this.requests.push(found.request);
        socket.write(Buffer.from(toAnswer(found.request), "latin1"));
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** What it answers with: what it was asked. */
export function toText(
  { method, target, body }: Pick<LenientRequest, "method" | "target" | "body">,
): string {
  return `${method} ${target}, ${body.length} bytes`;
}

function toAnswer(request: LenientRequest): string {
  const text = toText(request);
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n`;
  return request.method === "HEAD" ? `${head}X-Asked: ${text}\r\n\r\n` : `${head}\r\n${text}`;
}

/** The first request in what has come; undefined while it is not all there. */
function readRequest(
  received: string,
  preference: Preference,
): { readonly request: LenientRequest; readonly rest: string } | undefined {
  const text = received.replace(/^(?:\r?\n)+/, "");
  const end = /\r?\n\r?\n/.exec(text);
  if (end === null) return undefined;
  const [line = "", ...lines] = text.slice(0, end.index).replace(/\r?\n[ \t]+/g, " ")
    .split(/\r?\n/);
  const fields = lines.map((each) => {
    const colon = each.indexOf(":");
    return [each.slice(0, colon).trim().toLowerCase(), each.slice(colon + 1).trim()] as const;
  });
  const valueOf = (name: string): string | undefined => fields.find(([key]) => key === name)?.[1];
  const [method = "", target = ""] = line.trim().split(/\s+/);
  const rest = text.slice(end.index + end[0].length);
  const length = valueOf("content-length");
  const isChunked = fields.some(([name, value]) =>
    name === "transfer-encoding" && /chunked/i.test(value)
  );
  const byChunks = isChunked && (length === undefined || preference === "chunks");
  const body = byChunks ? readChunks(rest) : readLength(rest, Number.parseInt(length ?? "0", 10));
  if (body === undefined) return undefined;
  const bytes = received.slice(0, received.length - body.rest.length);
  return { request: { method, target, fields, body: body.bytes, bytes }, rest: body.rest };
}

interface ReadBody {
  readonly bytes: string;
  readonly rest: string;
}

function readLength(text: string, length: number): ReadBody | undefined {
  return text.length < length
    ? undefined
    : { bytes: text.slice(0, length), rest: text.slice(length) };
}

function readChunks(text: string): ReadBody | undefined {
  let rest = text;
  let bytes = "";
  for (;;) {
    const [line, digits] = /^\s*([0-9a-f]+)[^\n]*\n/i.exec(rest) ?? [];
    if (line === undefined || digits === undefined) return undefined;
    rest = rest.slice(line.length);
    const size = Number.parseInt(digits, 16);
    if (size === 0) {
      const trailers = /^(?:[^\n]*[^\r\n][^\n]*\n)*\r?\n/.exec(rest)?.[0];
      return trailers === undefined ? undefined : { bytes, rest: rest.slice(trailers.length) };
    }
    if (rest.length < size + 1) return undefined;
    bytes += rest.slice(0, size);
    rest = rest.slice(size).replace(/^\r?\n/, "");
  }
}
