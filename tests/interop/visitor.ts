/** A visitor: plain HTTP/1.1 with the target as given, one connection per request. */

import { Buffer } from "node:buffer";
import { type IncomingHttpHeaders, request } from "node:http";
import { toSha256 } from "./tree.ts";

export interface VisitOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds until the whole answer has to be there; default 20,000. */
  readonly timeoutMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * Sends one request to 127.0.0.1 and reads the whole answer. node:http keeps the raw target, where
 * fetch would collapse `..`, and decodes no content.
 *
 * @throws {Error} the connection broke, the body was cut, or the time was up
 */
export function visit(port: number, target: string, options: VisitOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: "127.0.0.1",
      port,
      path: target,
      method: options.method ?? "GET",
      headers: { ...options.headers },
      agent: false,
    });
    const timeoutMs = options.timeoutMs ?? 20_000;
    const timer = setTimeout(() => {
      outgoing.destroy(new Error(`no whole answer to ${target} within ${timeoutMs} ms`));
    }, timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    outgoing.on("error", fail);
    outgoing.on("response", (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", fail);
      incoming.on("aborted", () => fail(new Error(`the answer to ${target} was cut`)));
      incoming.on("end", () => {
        clearTimeout(timer);
        const body = new Uint8Array(Buffer.concat(chunks));
        resolve({ status: incoming.statusCode ?? 0, headers: toHeaders(incoming.headers), body });
      });
    });
    outgoing.end();
  });
}

/** The SHA-256 of an answer's body, lower-case hex. */
export function bodySha256(answer: Answer): Promise<string> {
  return toSha256(answer.body);
}

export function bodyText(answer: Answer): string {
  return new TextDecoder().decode(answer.body);
}

/**
 * Asks for a target over a raw connection and leaves reading to the caller, who closes it: for
 * visitors that read slowly or leave.
 */
export async function openVisit(port: number, target: string): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  return connection;
}

function toHeaders(incoming: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming)) {
    for (const value of [values ?? []].flat()) headers.append(name, value);
  }
  return headers;
}
