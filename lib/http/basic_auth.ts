/** Basic authentication (RFC 7617): names and passwords with every request. */

import { Buffer } from "node:buffer";
import { errorAnswer } from "./error_answer.ts";
import { headerValues } from "./headers.ts";
import type { Handler, HttpAnswer, HttpRequest, RawHeaders } from "./message.ts";

/** What a request says of its visitor. */
export interface Credentials {
  /** Without a colon. */
  readonly name: string;
  readonly password: string;
}

/** What became of credentials. */
export type AuthVerdict =
  | { readonly kind: "right" | "wrong" | "busy" }
  | { readonly kind: "blocked"; readonly waitMs: number };

export interface BasicAuthOptions {
  /** What the password is for, as browsers show it: ASCII without quotes. */
  readonly realm: string;
  readonly check: (credentials: Credentials & { address: string }) => Promise<AuthVerdict>;
  /** Told who has sent a request, before that is answered. */
  readonly identified: (request: HttpRequest, name: string) => void;
}

/** `handler`, for requests with a right name and password; 401 for all others, whatever they ask. */
export function requireUser(
  handler: Handler,
  { realm, check, identified }: BasicAuthOptions,
): Handler {
  const challenge = ["WWW-Authenticate", `Basic realm="${realm}", charset="UTF-8"`];
  return async (request) => {
    const credentials = parseCredentials(request.headers);
    if (credentials === undefined) return refuse(request, 401, challenge);
    const verdict = await check({ ...credentials, address: request.remoteAddress });
    switch (verdict.kind) {
      case "right":
        identified(request, credentials.name);
        return await handler(request);
      case "wrong":
        return refuse(request, 401, challenge);
      case "blocked":
        return refuse(request, 429, ["Retry-After", String(Math.ceil(verdict.waitMs / 1000))]);
      case "busy":
        return refuse(request, 503, ["Retry-After", "1"]);
    }
  };
}

/** Undefined where a request has none, or malformed ones, or several. */
export function parseCredentials(headers: RawHeaders): Credentials | undefined {
  const [value = "", ...more] = headerValues(headers, "authorization");
  const [, encoded] = /^basic +([\w+/=-]+)$/i.exec(value) ?? [];
  if (encoded === undefined || more.length > 0) return undefined;
  const text = decodeUtf8(Buffer.from(encoded, "base64"));
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon < 0) return undefined;
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // Another encoding than the challenge has named.
  }
}

function refuse({ headers }: HttpRequest, status: number, fields: RawHeaders): HttpAnswer {
  return errorAnswer(status, { requestHeaders: headers, headers: fields });
}
