/** Messages over polls and POSTs (docs/protocol.md, "Long poll"), the server's end. */

import { Buffer } from "node:buffer";
import { type Clock, pause } from "../base/clock.ts";
import { ProtocolError, toMessage } from "../base/errors.ts";
import {
  CHANNEL_SILENCE_MS,
  CLOSE_TIMEOUT_MS,
  MAX_BATCH_BYTES,
  MAX_RESPONSE_REPLY_BYTES,
  MODERN_PARK_MS,
  QUICK_ANSWER_MS,
  WELCOME_TIMEOUT_MS,
} from "../base/limits.ts";
import { toRetryDelay } from "../base/backoff.ts";
import { API_KEY_HEADER } from "../wire/classic.ts";
import { MODERN_HEADER, MODERN_VERSION, PROCESS_HEADER } from "../wire/modern.ts";
import type { Channel, ChannelOptions, ChannelRefusal, ChannelSink } from "./channel.ts";
import type { RelayClient } from "./relay_client.ts";
import { toRefusal } from "./relay_refusal.ts";
import type { RelayAnswer, RelayRequest } from "./relay_request.ts";
import { toModernUrl } from "./relay_url.ts";

export interface PollOptions extends ChannelOptions {
  readonly client: Pick<RelayClient, "request">;
  readonly clock: Clock;
  /** 0 to 1, as Math.random. */
  readonly random: () => number;
  /** Ends the opening. */
  readonly signal: AbortSignal;
}

/** Opens a session by long poll; the welcome is handed on when it starts. */
export async function openPollChannel(
  options: PollOptions,
): Promise<PollChannel | ChannelRefusal> {
  const { baseUrl, name, apiKey, process, client, signal } = options;
  const url = toModernUrl(baseUrl, "session", name);
  try {
    const answer = await client.request({
      method: "POST",
      url,
      headers: [
        ...["Host", url.host, API_KEY_HEADER, apiKey],
        ...[PROCESS_HEADER, process, MODERN_HEADER, MODERN_VERSION],
      ],
      body: null,
      bodyLength: null,
      signal,
      answerTimeoutMs: WELCOME_TIMEOUT_MS,
      maxAnswerBytes: MAX_BATCH_BYTES,
    });
    return answer.status === 200 ? new PollChannel(options, answer.body) : toRefusal(answer);
  } catch (error) {
    return { kind: "trouble", reason: toMessage(error) };
  }
}

export class PollChannel implements Channel {
  readonly transport = "long poll";
  readonly #options: PollOptions;
  readonly #welcome: Uint8Array;
  readonly #over = new AbortController();
  #session = "";
  #sink: ChannelSink | undefined;
  #records: Uint8Array[] = [];
  #length = 0;
  /** The end of what is being sent. */
  #sending: Promise<void> = Promise.resolve();
  #isSending = false;
  #sent = 0;
  /** Why the last request came to nothing. */
  #reason = "";

  constructor(options: PollOptions, welcome: Uint8Array) {
    this.#options = options;
    this.#welcome = welcome;
  }

  get backlog(): number {
    return this.#length;
  }

  /** Begins to poll. `sessionOf` tells the session's id once the sink has had the welcome. */
  start(sink: ChannelSink, sessionOf: () => string): void {
    this.#sink = sink;
    this.#receive(this.#welcome);
    this.#session = sessionOf();
    if (this.#session === "") this.#end("the relay broke the protocol: The welcome is missing");
    if (!this.#over.signal.aborted) void this.#poll();
  }

  send(record: Uint8Array, rest?: Uint8Array): void {
    if (this.#over.signal.aborted) return;
    this.#records.push(rest === undefined ? record : Buffer.concat([record, rest]));
    this.#length += record.length;
    if (!this.#isSending) this.#sendSoon();
  }

  async close(): Promise<void> {
    this.#sink = undefined;
    const late = new AbortController();
    await Promise.race([
      this.#sending,
      pause(this.#options.clock, CLOSE_TIMEOUT_MS, late.signal),
    ]);
    late.abort();
    this.#over.abort();
  }

  async #poll(): Promise<void> {
    const { signal } = this.#over;
    const { clock, random } = this.#options;
    let received = 0;
    while (!signal.aborted) {
      const askedAt = clock.monotonic();
      const answer = await this.#ask({
        method: "GET",
        url: toModernUrl(this.#options.baseUrl, "poll", this.#session, received),
        body: null,
        answerTimeoutMs: MODERN_PARK_MS + CHANNEL_SILENCE_MS,
        maxAnswerBytes: MAX_BATCH_BYTES,
      });
      if (answer === undefined) return;
      if (answer.status === 200) {
        received++;
        this.#receive(answer.body);
        continue;
      }
      if (answer.status !== 204) return this.#end(toSentence(answer));
      // A relay holds a poll; what does not must not make a tight loop.
      const isQuick = clock.monotonic() - askedAt < QUICK_ANSWER_MS;
      if (isQuick) await pause(clock, toRetryDelay(0, random()), signal);
    }
  }

  /** At the end of the turn, so that what is sent in it goes together. */
  #sendSoon(): void {
    this.#isSending = true;
    this.#sending = Promise.resolve().then(async () => {
      await this.#sendAll();
      this.#isSending = false;
      if (this.#records.length > 0 && !this.#over.signal.aborted) this.#sendSoon();
    });
  }

  /** One POST at a time, each with all that has gathered meanwhile. */
  async #sendAll(): Promise<void> {
    while (this.#records.length > 0 && !this.#over.signal.aborted) {
      const answer = await this.#ask({
        method: "POST",
        url: toModernUrl(this.#options.baseUrl, "messages", this.#session, ++this.#sent),
        body: this.#takeBatch(),
        answerTimeoutMs: CHANNEL_SILENCE_MS,
        maxAnswerBytes: MAX_RESPONSE_REPLY_BYTES,
      });
      if (answer === undefined) return;
      if (answer.status !== 204) return this.#end(toSentence(answer));
    }
  }

  /** As many whole records as one POST may have. */
  #takeBatch(): Uint8Array {
    let count = 0;
    let length = 0;
    for (const record of this.#records) {
      if (count > 0 && length + record.length > MAX_BATCH_BYTES) break;
      length += record.length;
      count++;
    }
    this.#length -= length;
    return Buffer.concat(this.#records.splice(0, count));
  }

  /**
   * Sends a request, and sends it again while it comes to nothing: the relay knows by the number
   * whether it has had it. Undefined once the channel is over.
   */
  async #ask(
    request: Pick<
      RelayRequest,
      "method" | "url" | "body" | "answerTimeoutMs" | "maxAnswerBytes"
    >,
  ): Promise<RelayAnswer | undefined> {
    const { client, clock, apiKey, random } = this.#options;
    const { signal } = this.#over;
    let failingSince: number | undefined;
    while (!signal.aborted) {
      try {
        const answer = await client.request({
          ...request,
          headers: ["Host", request.url.host, API_KEY_HEADER, apiKey],
          bodyLength: null,
          signal,
        });
        // What a proxy says while the relay is out of its reach, or slow.
        if (![502, 503, 504].includes(answer.status)) return answer;
        this.#reason = `the answer is ${answer.status}`;
      } catch (error) {
        this.#reason = toMessage(error);
      }
      const now = clock.monotonic();
      failingSince ??= now;
      if (now - failingSince >= CHANNEL_SILENCE_MS) this.#end(this.#reason);
      else await pause(clock, toRetryDelay(0, random()), signal);
    }
    return undefined;
  }

  #receive(bytes: Uint8Array): void {
    try {
      this.#sink?.receive(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end(`the relay broke the protocol: ${error.message}`);
    }
  }

  #end(reason: string): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#sink?.end(reason);
  }
}

function toSentence({ status, body }: RelayAnswer): string {
  const text = Buffer.from(body).toString("latin1").trim();
  // What a relay says of it; other statuses are those of others.
  const isRelay = status === 400 || status === 409 || status === 410;
  return isRelay && text !== "" ? text : `the answer is ${status}`;
}
