/** Clients and requests for tests of the relay client. */

import { assertEquals, assertRejects } from "@std/assert";
import { readProxySettings } from "../../lib/server/proxy_settings.ts";
import { RelayClient, type RelayClientOptions } from "../../lib/server/relay_client.ts";
import type { RelayAnswer, RelayRequest } from "../../lib/server/relay_request.ts";
import { UnreachableError, type UnreachableKind } from "../../lib/client/unreachable_error.ts";
import type { ServerConnection } from "./raw_server.ts";

/** A whole answer. */
export const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** A client that is closed at the end of the scope, without a proxy unless told. */
export function createClient(options: Partial<RelayClientOptions> = {}): RelayClient & Disposable {
  const client = new RelayClient({
    proxy: readProxySettings(() => undefined),
    extraCertificates: [],
    ...options,
  });
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

/** A GET of a URL, or of a port of this computer; `changes` make it another request. */
export function toRequest(
  target: number | string,
  changes: Partial<RelayRequest> = {},
): RelayRequest {
  return {
    method: "GET",
    url: new URL(typeof target === "string" ? target : `http://127.0.0.1:${target}/`),
    headers: [],
    body: null,
    bodyLength: null,
    signal: new AbortController().signal,
    answerTimeoutMs: 0,
    maxAnswerBytes: 1000,
    ...changes,
  };
}

export async function assertFails(
  kind: UnreachableKind,
  request: Promise<RelayAnswer>,
): Promise<UnreachableError> {
  const error = await assertRejects(() => request, UnreachableError);
  assertEquals(error.kind, kind, error.message);
  return error;
}

/** Answers every request that has no body. */
export async function answerAll(connection: ServerConnection): Promise<void> {
  for (;;) {
    await connection.readHead();
    connection.send(OK);
  }
}
