/** A session's messages over polls and POSTs (docs/protocol.md, "Long poll"), the relay's end. */

import { Buffer } from "node:buffer";
import type { Clock } from "../base/clock.ts";
import { MAX_BATCH_BYTES, MAX_CHANNEL_BACKLOG_BYTES, MODERN_PARK_MS } from "../base/limits.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { readAtMost } from "../http/read_at_most.ts";
import type { SilenceWatch, Watched, Watching } from "../http/silence_watch.ts";
import { textAnswer } from "../http/text_answer.ts";
import { type Channel, type Session, type SessionEnd, UNREAD } from "./session.ts";
import { NOTHING_YET, STREAM_HEADERS } from "./stream_answer.ts";

interface Waiting {
  readonly record: Uint8Array;
  /** The exchange that is given by it. */
  readonly given: string | undefined;
}

export class PollChannel implements Channel, Watched {
  readonly transport = "long poll";
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #silence: SilenceWatch;
  readonly #watching: Watching;
  /** What waits for a poll. */
  #waiting: Waiting[] = [];
  #length = 0;
  #isScheduled = false;
  #held: ((answer: HttpAnswer) => void) | undefined;
  /** Polls that were answered by 200. */
  #sent = 0;
  /** What was in the last of those. */
  #last: readonly Waiting[] = [];
  /** The number of the last POST of messages. */
  #received = 0;
  /** How often a poll has come, or was answered. */
  #moves = 0;
  #end: string | undefined;

  constructor(session: Session, { clock, silence }: { clock: Clock; silence: SilenceWatch }) {
    this.#session = session;
    this.#clock = clock;
    this.#silence = silence;
    this.#watching = silence.add(this);
  }

  get isReady(): boolean {
    return this.#held !== undefined && this.#length < MAX_CHANNEL_BACKLOG_BYTES;
  }

  send(record: Uint8Array, given?: string): void {
    this.#waiting.push({ record, given });
    this.#length += record.length;
    if (this.#length > MAX_BATCH_BYTES) return this.#session.violate(UNREAD);
    this.#flushSoon();
  }

  close(_end: SessionEnd, sentence: string): void {
    this.#end = sentence;
    this.#silence.remove(this.#watching);
    this.#held?.(this.#overAnswer());
  }

  /** The welcome, which is the answer to the request that opens the session. */
  takeWelcome(): HttpAnswer {
    const answer = this.#takeAnswer();
    this.#sent = 0;
    return answer;
  }

  /** A poll: resolves when there is something to say, or after a while. `received` is its number. */
  poll(request: HttpRequest, received: number): Promise<HttpAnswer> | HttpAnswer {
    if (this.#end !== undefined) return this.#overAnswer();
    this.#moves++;
    if (received === this.#sent - 1) this.#repeatLast();
    else if (received !== this.#sent) {
      this.#session.violate("A poll is out of step");
      return textAnswer(409, "The poll is out of step");
    }
    this.#last = [];
    this.#held?.(NOTHING_YET);
    const { promise, resolve } = Promise.withResolvers<HttpAnswer>();
    const settle = (answer: HttpAnswer): void => {
      this.#held = undefined;
      this.#moves++;
      this.#clock.clear(timer);
      request.signal.removeEventListener("abort", leave);
      resolve(answer);
    };
    const leave = (): void => {
      settle(NOTHING_YET);
      // Nobody comes back, so its place need not be kept until it has been silent for long enough.
      if (this.#session.isLeaving && this.#session.load === 0) this.#session.end("closed");
    };
    const timer = this.#clock.after(MODERN_PARK_MS, () => settle(NOTHING_YET));
    request.signal.addEventListener("abort", leave);
    this.#held = settle;
    if (request.signal.aborted) leave();
    else if (this.#waiting.length > 0) this.#flushSoon();
    this.#session.becomeReady();
    return promise;
  }

  /** A POST of messages. */
  async take(request: HttpRequest, index: number): Promise<HttpAnswer> {
    const bytes = await readAtMost(request.body, MAX_BATCH_BYTES);
    if (this.#end !== undefined) return this.#overAnswer();
    if (bytes === "too_long") {
      const reason = `Messages are over ${MAX_BATCH_BYTES} bytes`;
      this.#session.violate(reason);
      return textAnswer(400, reason);
    }
    if (index === this.#received && index > 0) return NOTHING_YET;
    if (index !== this.#received + 1) {
      this.#session.violate("Messages are out of step");
      return textAnswer(409, "The messages are out of step");
    }
    this.#received++;
    this.#session.receive(bytes);
    // Nothing else that comes in messages ends a session.
    return this.#end === undefined ? NOTHING_YET : textAnswer(400, this.#end);
  }

  isWaitingForPeer(): boolean {
    return this.#held === undefined;
  }

  progress(): number {
    return this.#moves;
  }

  cut(): void {
    this.#session.end("silent");
  }

  /**
   * The last answer was lost on the way. Exchanges in it may have reached the process: whoever waits
   * for those is told so. The rest is said again.
   */
  #repeatLast(): void {
    const last = this.#last;
    this.#sent--;
    for (const waiting of last.toReversed()) {
      if (waiting.given !== undefined) continue;
      this.#waiting.unshift(waiting);
      this.#length += waiting.record.length;
    }
    for (const { given } of last) if (given !== undefined) this.#session.find(given)?.lose();
  }

  #flushSoon(): void {
    if (this.#held === undefined || this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (this.#held !== undefined && this.#waiting.length > 0) this.#held(this.#takeAnswer());
    });
  }

  /** As many whole records as one answer may have. */
  #takeAnswer(): HttpAnswer {
    let count = 0;
    let length = 0;
    for (const { record } of this.#waiting) {
      if (count > 0 && length + record.length > MAX_BATCH_BYTES) break;
      length += record.length;
      count++;
    }
    const taken = this.#waiting.splice(0, count);
    this.#length -= length;
    this.#last = taken;
    this.#sent++;
    const body = Buffer.concat(taken.map(({ record }) => record));
    return { status: 200, headers: STREAM_HEADERS, body };
  }

  #overAnswer(): HttpAnswer {
    return textAnswer(410, this.#end ?? "");
  }
}
