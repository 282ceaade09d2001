/** Origins that are raw servers, and requests to them as an engine would make them. */

import { Readable } from "node:stream";
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { type Logger, silentLogger } from "../../lib/base/log.ts";
import { parseOriginUrl } from "../../lib/base/origin_url.ts";
import type { RawHeaders } from "../../lib/http/message.ts";
import { createOrigin, type Origin } from "../../lib/server/origin.ts";
import type { OriginConfig } from "../../lib/server/origin_config.ts";
import { createFakeRequest, type FakeRequest, type FakeRequestOptions } from "./fake_request.ts";
import type { ServerConnection } from "./raw_server.ts";
import { turn } from "./turn.ts";

export interface OriginOptions extends Partial<OriginConfig> {
  readonly clock?: Clock;
  readonly log?: Logger;
}

/** The origin at a URL, or at a port of this computer, for all paths; closed at the end of the scope. */
export function openOrigin(
  target: number | string,
  { clock = systemClock, log = silentLogger, ...changes }: OriginOptions = {},
): Origin & Disposable {
  const url = typeof target === "string" ? target : `http://127.0.0.1:${target}/`;
  const address = parseOriginUrl(url);
  if (address === undefined) throw new TypeError(`Cannot open origin "${url}": malformed`);
  const origin = createOrigin({
    path: "/",
    address,
    stripsPath: true,
    host: "preserve",
    certificates: [],
    isInsecure: false,
    connectTimeoutMs: 5000,
    silenceTimeoutMs: 0,
    ...changes,
  }, { clock, log });
  return Object.assign(origin, { [Symbol.dispose]: () => origin.close() });
}

/** Takes the heads of requests without bodies, and sends `answer` to each. */
export function answering(
  answer: string,
  heads: string[] = [],
): (connection: ServerConnection) => Promise<void> {
  return async (connection) => {
    for (;;) {
      heads.push(await connection.readHead());
      connection.send(answer);
    }
  };
}

export interface UploadOptions extends FakeRequestOptions {
  readonly trailers?: RawHeaders;
}

/** A request whose body comes by a stream; of unknown length unless `bodyLength` tells it. */
export function createUpload(
  target: string,
  body: Readable,
  { bodyLength = null, trailers = [], ...options }: UploadOptions = {},
): FakeRequest {
  const request = createFakeRequest(target, { method: "POST", ...options });
  return { ...request, body, bodyLength, trailers };
}

/** A request to switch protocols; `body` is what the peer sends once that is done. */
export function createUpgrade(body: Readable | null, upgrade = "websocket"): FakeRequest {
  const headers = ["Host", "relay.test", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="];
  return { ...createFakeRequest("/chat", { upgrade, headers }), body };
}

/** A stream that gives what it is given by hand. */
export function openStream(...chunks: readonly string[]): Readable {
  const stream = new Readable({ read: (): void => {} });
  for (const chunk of chunks) stream.push(chunk);
  return stream;
}

/** A stream that never ends by itself, and counts what it was asked for. */
export class EndlessBody extends Readable {
  produced = 0;
  override _read(): void {
    this.produced += 65536;
    // Bounded, so that a missing back-pressure fails the test instead of the machine.
    this.push(this.produced > 200_000_000 ? null : new Uint8Array(65536));
  }
}

/** Waits until a count does not grow any more while everybody has had many turns. */
export async function untilSteady(count: () => number): Promise<number> {
  let before = -1;
  for (let quiet = 0; quiet < 200; quiet++) {
    if (count() !== before) quiet = 0;
    before = count();
    await turn();
  }
  return before;
}

/** Waits for a condition that nothing but the event loop brings about. */
export async function until(isMet: () => boolean): Promise<void> {
  while (!isMet()) await turn();
}

/** Resolves when a stream is closed. */
export function closed(stream: Readable): Promise<void> {
  return new Promise((resolve) =>
    stream.closed ? resolve() : stream.once("close", () => resolve())
  );
}

/** The field lines of a head, as `Name: value`, without the request line. */
export function fieldsOf(head: string): string[] {
  return head.split("\r\n").slice(1).filter((line) => line !== "");
}
