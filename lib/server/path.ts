/**
 * What the way to the relay lets through: streams, or only whole messages (docs/protocol.md,
 * "Paths"). Found out by trying, once per session, and again where the news was bad.
 */

import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { type Clock, pause } from "../base/clock.ts";
import {
  MAX_RESPONSE_REPLY_BYTES,
  PROBE_HOLD_MS,
  PROBE_RETRY_MS,
  PROBE_TIMEOUT_MS,
} from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { API_KEY_HEADER } from "../wire/classic.ts";
import { DATA, IDLE, NONCE_BYTES, PROBE_LENGTH } from "../wire/modern.ts";
import { encodeRecord } from "../wire/records.ts";
import type { RelayClient } from "./relay_client.ts";
import { toModernUrl } from "./relay_url.ts";

export interface PathOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly session: string;
  readonly client: Pick<RelayClient, "request" | "open">;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when the session is over. */
  readonly signal: AbortSignal;
  /** Has `seen` called when the relay tells of the nonce, in hexadecimal. */
  readonly whenSeen: (nonce: string, seen: () => void) => void;
}

/** How bodies travel in each direction. */
export interface PathKind {
  /** Answers, to the relay. */
  readonly up: "streams" | "segments";
  /** Bodies of requests, from the relay. */
  readonly down: "streams" | "segments";
}

export class Path {
  readonly #options: PathOptions;
  /** What is known; while that is being found out, a promise. */
  #kind: Promise<PathKind>;
  #isDistrusted = false;

  constructor(options: PathOptions) {
    this.#options = options;
    this.#kind = this.#probe();
    void this.#probeAgain();
  }

  /** What the path lets through, as far as it is known by now; waits for the first probe. */
  get kind(): Promise<PathKind> {
    return this.#kind;
  }

  /** A stream did not pass after all, because something on the way refused it: none is tried again. */
  distrust(reason: string): void {
    if (this.#isDistrusted) return;
    this.#isDistrusted = true;
    this.#options.log.warn("Streams do not pass to the relay: answers go in segments", { reason });
    this.#kind = this.#kind.then(({ down }) => ({ up: "segments", down }));
  }

  async #probeAgain(): Promise<void> {
    const { clock, signal } = this.#options;
    for (;;) {
      const { up, down } = await this.#kind;
      if (up === "streams" && down === "streams") return;
      await pause(clock, PROBE_RETRY_MS, signal);
      if (signal.aborted || this.#isDistrusted) return;
      const found = await this.#probe();
      // What has been refused meanwhile is refused, whatever a probe says.
      if (this.#isDistrusted) return;
      this.#kind = Promise.resolve(found);
    }
  }

  async #probe(): Promise<PathKind> {
    const [chunked, long, down] = await Promise.all([
      this.#passesUp(null),
      this.#passesUp(PROBE_LENGTH),
      this.#passesDown(),
    ]);
    const kind: PathKind = {
      up: chunked && long ? "streams" : "segments",
      down: down ? "streams" : "segments",
    };
    const { log, signal } = this.#options;
    if (!signal.aborted && (kind.up === "segments" || kind.down === "segments")) {
      log.warn(
        "A proxy on the way to the relay holds back what it passes on: long bodies are slow",
        {
          answers: kind.up,
          requests: kind.down,
        },
      );
    }
    return kind;
  }

  /** Whether the relay gets the first bytes of a request before its end. */
  async #passesUp(length: number | null): Promise<boolean> {
    const { client, baseUrl, session, apiKey, signal, clock, whenSeen } = this.#options;
    const nonce = randomBytes(NONCE_BYTES);
    const body = new Readable({ read: () => {} });
    body.push(encodeRecord(DATA, nonce));
    const over = new AbortController();
    const url = toModernUrl(baseUrl, "probe", session);
    let isSeen = false;
    whenSeen(nonce.toHex(), () => {
      isSeen = true;
      // A chunked one can end; one that promised far more can only be broken off.
      if (length === null) body.push(null);
      else over.abort();
    });
    const sent = client.request({
      method: "POST",
      url,
      headers: ["Host", url.host, API_KEY_HEADER, apiKey],
      body,
      bodyLength: length,
      signal: AbortSignal.any([over.signal, signal]),
      answerTimeoutMs: PROBE_HOLD_MS,
      maxAnswerBytes: MAX_RESPONSE_REPLY_BYTES,
    }).catch(() => undefined);
    await Promise.race([sent, pause(clock, PROBE_TIMEOUT_MS, over.signal)]);
    if (!isSeen) over.abort();
    const answer = await sent;
    over.abort();
    return isSeen && (answer === undefined || answer.status === 204);
  }

  /** Whether the first bytes of an answer come before its end. */
  async #passesDown(): Promise<boolean> {
    const { client, baseUrl, session, apiKey, signal, clock } = this.#options;
    const url = toModernUrl(baseUrl, "probe", session);
    const over = new AbortController();
    const ended = AbortSignal.any([over.signal, signal]);
    const opened = client.open({
      url,
      headers: ["Host", url.host, API_KEY_HEADER, apiKey],
      signal: ended,
      answerTimeoutMs: PROBE_TIMEOUT_MS,
    }).catch(() => undefined);
    const late = pause(clock, PROBE_TIMEOUT_MS, ended);
    const answer = await opened;
    if (answer === undefined) {
      over.abort();
      return false;
    }
    const first = new Promise<boolean>((resolve) => {
      answer.body.once("data", (chunk: Uint8Array) => resolve(chunk[0] === IDLE));
      answer.body.once("close", () => resolve(false));
    });
    const passes = await Promise.race([first, late.then(() => false)]);
    over.abort();
    answer.body.destroy();
    return passes && answer.status === 200;
  }
}
