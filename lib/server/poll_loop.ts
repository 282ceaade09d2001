/**
 * P1 and P3 seen from the server: asks the relay for work, for ever, by classic polls; a relay that
 * answers one by saying that it speaks modern is spoken to so for as long as that goes. A relay that
 * is down, restarts or refuses the key is asked again, never in a tight loop.
 */

import { spread, toRetryDelay } from "../base/backoff.ts";
import { type Clock, pause } from "../base/clock.ts";
import { toMessage } from "../base/errors.ts";
import {
  CONTROL_RETRY_MS,
  MAX_CONTROL_RETRY_MS,
  MAX_POLL_BODY_BYTES,
  MAX_RETRY_AFTER_MS,
  POLL_TIMEOUT_MS,
  QUICK_ANSWER_MS,
  REFUSED_RETRY_MS,
} from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { API_KEY_HEADER } from "../wire/classic.ts";
import type { ClassicRequest } from "../wire/http_serde.ts";
import { MODERN_HEADER, MODERN_VERSION } from "../wire/modern.ts";
import type { PathKind } from "./path.ts";
import { type PollOutcome, toPollOutcome } from "./poll_outcome.ts";
import type { RelayClient } from "./relay_client.ts";
import { toBaseUrls, toPollUrl } from "./relay_url.ts";
import { TroubleMemory } from "./trouble_memory.ts";

export interface PollLoopOptions {
  readonly name: string;
  readonly apiKey: string;
  readonly relayUrl: string;
  readonly client: Pick<RelayClient, "request">;
  readonly clock: Clock;
  readonly log: Logger;
  /** 0 to 1, as Math.random. */
  readonly random: () => number;
  /** Takes one request; its answer goes to the relay at `baseUrl`. */
  readonly onRequest: (request: ClassicRequest, baseUrl: string) => void;
  /** Resolves when there is room for more requests. */
  readonly whenRoom: () => Promise<void>;
  /** Called when the relay has taken the first poll, or the first session is open. */
  readonly onConnected: (baseUrl: string, connection: Connection) => void;
  /**
   * Speaks modern to the relay at `baseUrl` until that ends, or `signal` aborts; calls `onOpen` when
   * a session is open, again when one has taken the place of another.
   */
  readonly runModern: (
    baseUrl: string,
    options: { readonly signal: AbortSignal; readonly onOpen: (connection: Connection) => void },
  ) => Promise<ModernEnd>;
}

/** How a server is connected. */
export interface Connection {
  /** As people are told. */
  readonly transport: "control channel" | "long poll" | "classic poll";
  /** The visitors' host name of the server, where the relay has one for it. */
  readonly host?: string | undefined;
  /** How bodies travel, once that has been found out; undefined for classic polls. */
  readonly path?: Promise<PathKind> | undefined;
}

/** Why modern is not spoken any more. */
export type ModernEnd =
  /** A session was open. */
  | { readonly kind: "lost"; readonly reason: string }
  /** Neither way to open one gets through. */
  | { readonly kind: "blocked"; readonly reason: string }
  | Extract<PollOutcome, { readonly kind: "refused" | "trouble" }>;

type Failure = Exclude<PollOutcome, { readonly kind: "requests" | "modern" }>;

export class PollLoop {
  readonly #options: PollLoopOptions;
  readonly #baseUrls: readonly [string, string];
  #baseIndex: 0 | 1 = 0;
  /** True on the spelling of the URL that was turned to for want of an answer at the other one. */
  #isGuess = false;
  #wasConnected = false;
  #transport: Connection["transport"] | undefined;
  /** Since when the relay does not do its work, on the monotonic clock. */
  #outageSince: number | undefined;
  #trouble: TroubleMemory;
  /** Until when modern is not tried, on the monotonic clock, and for how long the next time. */
  #classicUntil = 0;
  #classicPauseMs = CONTROL_RETRY_MS;
  #quickSessions = 0;

  constructor(options: PollLoopOptions) {
    this.#options = options;
    this.#trouble = new TroubleMemory(options.clock);
    this.#baseUrls = toBaseUrls(options.relayUrl);
  }

  /** Polls until `signal` aborts. Never rejects for anything a relay does. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, onRequest, whenRoom } = this.#options;
    let quickPolls = 0;
    while (!signal.aborted) {
      await whenRoom();
      const startedAt = clock.monotonic();
      const polled = await this.#poll(signal);
      const outcome = polled.kind === "modern" ? await this.#speakModern(signal) : polled;
      if (outcome === undefined) continue;
      if (outcome.kind !== "requests") {
        if (signal.aborted) return;
        await pause(clock, this.#fail(outcome), signal);
        continue;
      }
      this.#succeed({ transport: "classic poll" });
      for (const request of outcome.requests) onRequest(request, this.#baseUrl);
      // A relay answers at once when a server comes back; one that always does is out of order.
      const isQuick = outcome.requests.length === 0 &&
        clock.monotonic() - startedAt < QUICK_ANSWER_MS;
      quickPolls = isQuick ? quickPolls + 1 : 0;
      if (quickPolls > 1) await pause(clock, toRetryDelay(0, this.#options.random()), signal);
    }
  }

  get #baseUrl(): string {
    return this.#baseUrls[this.#baseIndex];
  }

  /** Until modern ends; undefined where the relay may be asked again at once. */
  async #speakModern(signal: AbortSignal): Promise<Failure | undefined> {
    const { clock, runModern, log } = this.#options;
    const outageSince = this.#outageSince;
    const trouble = this.#trouble;
    let openedAt: number | undefined;
    const end = await runModern(this.#baseUrl, {
      signal,
      onOpen: (connection) => {
        openedAt ??= clock.monotonic();
        this.#classicPauseMs = CONTROL_RETRY_MS;
        this.#succeed(connection);
      },
    });
    if (signal.aborted) return undefined;
    switch (end.kind) {
      case "lost": {
        log.info("Connection to the relay lost", { relay: this.#baseUrl, reason: end.reason });
        this.#outageSince ??= clock.monotonic();
        // One may be lost for any reason; when the next is lost at once, there is a fault.
        const isQuick = clock.monotonic() - (openedAt ?? 0) < QUICK_ANSWER_MS;
        this.#quickSessions = isQuick ? this.#quickSessions + 1 : 0;
        if (this.#quickSessions <= 1) return undefined;
        // It has done no work, so the outage goes on.
        this.#outageSince = outageSince ?? this.#outageSince;
        this.#trouble = trouble;
        return { kind: "trouble", reason: end.reason };
      }
      case "blocked":
        log.warn("The network lets only classic polls through", { reason: end.reason });
        this.#classicUntil = clock.monotonic() + this.#classicPauseMs;
        this.#classicPauseMs = Math.min(2 * this.#classicPauseMs, MAX_CONTROL_RETRY_MS);
        return undefined;
      default:
        return end;
    }
  }

  async #poll(signal: AbortSignal): Promise<PollOutcome> {
    const { client, name, apiKey, clock } = this.#options;
    const url = toPollUrl(this.#baseUrl, name);
    const headers = ["Host", url.host, "Accept", "*/*", API_KEY_HEADER, apiKey];
    const offersModern = clock.monotonic() >= this.#classicUntil;
    if (offersModern) headers.push(MODERN_HEADER, MODERN_VERSION);
    try {
      const outcome = toPollOutcome(
        await client.request({
          method: "GET",
          url,
          headers,
          body: null,
          bodyLength: null,
          signal,
          answerTimeoutMs: POLL_TIMEOUT_MS,
          maxAnswerBytes: MAX_POLL_BODY_BYTES,
        }),
      );
      // Nobody was asked; there is no work either.
      const isUnasked = outcome.kind === "modern" && !offersModern;
      return isUnasked ? { kind: "requests", requests: [] } : outcome;
    } catch (error) {
      return { kind: "trouble", reason: toMessage(error) };
    }
  }

  #succeed(connection: Connection): void {
    const { log, onConnected } = this.#options;
    const { transport } = connection;
    if (!this.#wasConnected) onConnected(this.#baseUrl, connection);
    else if (this.#outageSince !== undefined) {
      log.info("Connected again", { relay: this.#baseUrl, transport });
    } else if (this.#transport !== transport) {
      log.info("Connected by another transport", { relay: this.#baseUrl, transport });
    }
    this.#transport = transport;
    this.#wasConnected = true;
    this.#isGuess = false;
    this.#outageSince = undefined;
    this.#trouble = new TroubleMemory(this.#options.clock);
  }

  /** Notes a failure; returns how long to wait before the next try. */
  #fail(failure: Failure): number {
    const { clock, random } = this.#options;
    const now = clock.monotonic();
    this.#outageSince ??= now;
    this.#logTrouble(failure);
    // A guess is left whatever answers there: it may be another application behind the same proxy.
    if (failure.kind === "no_relay" || this.#isGuess) {
      this.#baseIndex = this.#baseIndex === 0 ? 1 : 0;
      this.#isGuess = !this.#isGuess;
    }
    // All servers of a relay may fail at the same moment, by the same answer.
    const chance = random();
    if (failure.kind === "refused") return spread(REFUSED_RETRY_MS, chance);
    const delay = toRetryDelay(now - this.#outageSince, chance);
    if (failure.kind !== "trouble" || failure.retryAfterMs === undefined) return delay;
    // No earlier than it says.
    return Math.max(delay, Math.min(failure.retryAfterMs, MAX_RETRY_AFTER_MS) * (1 + chance / 2));
  }

  /** The same trouble once a minute, another one at once. */
  #logTrouble({ kind, reason }: Failure): void {
    // Both spellings of the URL have to fail before that is worth a line.
    if (kind === "no_relay" && !this.#isGuess) return;
    if (!this.#trouble.isNews(reason)) return;
    this.#options.log.warn(
      kind === "refused" ? "Refused by the relay" : "No connection to the relay",
      { relay: this.#options.relayUrl, reason },
    );
  }
}
