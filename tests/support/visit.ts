/** Visits by raw bytes: nothing is tidied on the way out, nothing hidden on the way in. */

import { exchangeBytes } from "./raw_connection.ts";

export interface Visit {
  readonly status: number;
  /** Status line and fields, as received. */
  readonly head: string;
  /** One character per byte, without the head; chunks as they stand. */
  readonly body: string;
  /** True if all of the body came that the head announces. */
  readonly isComplete: boolean;
}

export interface VisitOptions {
  readonly method?: string;
  readonly host?: string;
  /** Lines without their ends. */
  readonly headers?: readonly string[];
}

/** A request as a visitor's program writes it. */
export function toRequestText(
  target: string,
  { method = "GET", host = "relay.test", headers = [] }: VisitOptions = {},
): string {
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...headers];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** One request on a connection of its own, read until the relay closes. */
export async function visit(
  port: number,
  target: string,
  options: VisitOptions = {},
): Promise<Visit> {
  const headers = [...options.headers ?? [], "Connection: close"];
  const bytes = await exchangeBytes(port, toRequestText(target, { ...options, headers }));
  return parseVisit(bytes, options.method);
}

/** Takes the bytes of one answer apart. */
export function parseVisit(bytes: string, method = "GET"): Visit {
  const end = bytes.indexOf("\r\n\r\n") + 4;
  if (end < 4) throw new Error(`Cannot parse answer: no head in ${JSON.stringify(bytes)}`);
  const head = bytes.slice(0, end);
  const body = bytes.slice(end);
  const status = Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(head)?.[1]);
  return { status, head, body, isComplete: isComplete({ status, head, body, method }) };
}

function isComplete(
  { status, head, body, method }: {
    readonly status: number;
    readonly head: string;
    readonly body: string;
    readonly method: string;
  },
): boolean {
  if (method === "HEAD" || status === 204 || status === 304) return body === "";
  const length = /^content-length: ([0-9]+)\r$/im.exec(head)?.[1];
  if (length !== undefined) return body.length === Number(length);
  return body.endsWith("\r\n0\r\n\r\n") || body === "0\r\n\r\n";
}

/** The value of a field in a head, or undefined. */
export function fieldOf({ head }: Visit, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)\r$`, "im").exec(head)?.[1];
}
