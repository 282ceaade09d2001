/**
 * An exchange that was given to a process that speaks modern: how its answer comes and its body
 * goes (docs/protocol.md, "Streams", "Paths").
 */

import type { Readable } from "node:stream";
import type { Clock } from "../base/clock.ts";
import { ProtocolError } from "../base/errors.ts";
import { MAX_INTERIM_BYTES } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { ownsChunks } from "../http/owned_chunks.ts";
import type { SilenceWatch } from "../http/silence_watch.ts";
import { textAnswer } from "../http/text_answer.ts";
import { type ModernHead, weighInform } from "../wire/modern_messages.ts";
import { RecordStream } from "../wire/record_stream.ts";
import { feed, StreamDecoder } from "../wire/stream_decoder.ts";
import { AnswerSegments } from "./answer_segments.ts";
import { BodySegments } from "./body_segments.ts";
import type { Exchange } from "./exchange.ts";
import { toServerTrailers } from "./forwarding.ts";
import { STREAM_HEADERS, toReply } from "./stream_answer.ts";
import { toVisitorAnswer, toVisitorHints } from "./visitor_answer.ts";

export interface ModernExchangeOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** The server's name, for the log. */
  readonly server: string;
  /** The process broke the protocol. */
  readonly onViolation: (reason: string) => void;
}

/** A stream on a connection of its own. */
interface WholeStream {
  /** True while bytes of the server are waited for. */
  isWaitingForServer(): boolean;
  /** Bytes that have moved. */
  progress(): number;
  cut(): void;
}

export class ModernExchange {
  readonly #exchange: Exchange;
  readonly #options: ModernExchangeOptions;
  #answerStream: StreamDecoder | undefined;
  #answerSegments: AnswerSegments | undefined;
  #bodyStream: RecordStream | undefined;
  #bodySegments: BodySegments | undefined;
  #whole: WholeStream[] = [];
  /** True when all of the answer has come. */
  #isAnswered = false;
  #interimBytes = 0;

  constructor(exchange: Exchange, options: ModernExchangeOptions) {
    this.#exchange = exchange;
    this.#options = options;
  }

  /** True while the process has not sent all of its answer. */
  get isServerAtWork(): boolean {
    return !this.#isAnswered && this.#answerStream?.isOver !== true;
  }

  /** ANSWER: a whole answer. */
  answer(head: ModernHead, body: Uint8Array): void {
    if (this.#isAnswered || this.#answerStream !== undefined) {
      return this.#violate("A second answer to an exchange");
    }
    if (!this.#exchange.isUnanswered) return;
    this.#isAnswered = true;
    this.#begin(head, { body: head.status === 101 ? null : body });
  }

  /** INFORM: an interim answer. */
  inform({ status, headers }: ModernHead): void {
    if (!this.#exchange.isUnanswered) return;
    this.#interimBytes += weighInform({ status, headers });
    if (this.#interimBytes > MAX_INTERIM_BYTES) {
      return this.#violate("Interim answers without end");
    }
    const fields = toVisitorHints(headers, this.#exchange.request);
    if (fields !== undefined) this.#exchange.visitor.inform(status, fields);
  }

  /** FAIL: there is no answer, or it cannot be completed. */
  fail(): void {
    this.#isAnswered = true;
    this.#exchange.fail("server_gave_up");
    this.#answerStream?.breakOff();
  }

  /** The request has not reached the process. */
  lose(): void {
    this.#exchange.fail("server_lost");
  }

  /** An answer stream on a connection of its own; resolves when the visitor has everything, or left. */
  async takeAnswer(request: HttpRequest): Promise<HttpAnswer> {
    if (!this.#mayAnswer) return this.#refuseAnswer();
    const { body } = request;
    if (body === null) {
      this.#violate("An answer stream is empty");
      return textAnswer(400, "The stream is empty");
    }
    const decoder = this.#openAnswer(body);
    let violation: string | undefined;
    feed(decoder, body, ({ message }) => {
      violation = message;
      this.#violate(message);
    });
    this.#whole.push({
      isWaitingForServer: () => !decoder.isOver && !decoder.isFull,
      progress: () => decoder.bytesTaken,
      cut: () => decoder.breakOff(),
    });
    const delivery = await this.#exchange.delivery;
    if (violation !== undefined) return textAnswer(400, violation);
    return toReply(this.#exchange, delivery);
  }

  /** A segment of an answer stream. */
  async takeAnswerSegment(request: HttpRequest, index: number): Promise<HttpAnswer> {
    if (this.#answerSegments === undefined) {
      if (!this.#mayAnswer) return this.#refuseAnswer();
      this.#answerSegments = new AnswerSegments({
        clock: this.#options.clock,
        open: (onWanted) => this.#openAnswer(onWanted),
        exchange: this.#exchange,
        onViolation: (reason) => this.#violate(reason),
      });
    }
    return await this.#answerSegments.take(request, index);
  }

  /** The body as a stream on a connection of its own; once. */
  openBody(): HttpAnswer {
    const stream = this.#openBody();
    if (stream === undefined) return textAnswer(409, "The body was asked for before");
    const { byteLength } = stream;
    return {
      status: 200,
      headers: [
        ...STREAM_HEADERS,
        ...byteLength === null ? [] : ["Content-Length", String(byteLength)],
      ],
      body: stream,
    };
  }

  /** A segment of the body. */
  async nextBodySegment(request: HttpRequest, index: number): Promise<HttpAnswer> {
    if (this.#bodySegments === undefined) {
      const stream = this.#openBody();
      if (stream === undefined) return textAnswer(409, "The body was asked for before");
      this.#bodySegments = new BodySegments(stream, this.#options.clock);
    }
    const answer = await this.#bodySegments.take(request, index);
    return answer ?? this.#stepOut();
  }

  /** The session is over; `watch` looks after streams that go on. */
  loseSession(watch: SilenceWatch): void {
    this.#exchange.fail("server_lost");
    if (this.#answerSegments !== undefined) this.#answerStream?.breakOff();
    if (this.#bodySegments !== undefined) this.#bodyStream?.destroy();
    for (const stream of this.#whole) {
      const watched = {
        isWaitingForPeer: () => stream.isWaitingForServer(),
        progress: () => stream.progress(),
        cut: () => stream.cut(),
      };
      const watching = watch.add(watched);
      void this.#exchange.delivery.then(() => watch.remove(watching));
    }
  }

  /** The visitor has its answer, or is gone: nothing of the exchange goes on. */
  finish(): void {
    this.#answerStream?.body.destroy();
    this.#bodyStream?.destroy();
  }

  get #mayAnswer(): boolean {
    return this.#exchange.isUnanswered && this.#answerStream === undefined;
  }

  #refuseAnswer(): HttpAnswer {
    return this.#answerStream === undefined
      ? textAnswer(410, "The visitor has left")
      : textAnswer(409, "The answer has begun already");
  }

  /** `source` is a body that brings the stream, or is called when more of it is wanted. */
  #openAnswer(source: Readable | (() => void)): StreamDecoder {
    const isBody = typeof source !== "function";
    const decoder: StreamDecoder = new StreamDecoder({
      onHead: (head) => {
        const { body } = decoder;
        if (!this.#begin(head, { body, trailers: () => body.trailers })) body.destroy();
      },
      onWanted: () => isBody ? source.resume() : source(),
      // What is still to come is not read: the reply tells the server why.
      onClosed: () => isBody ? source.destroy() : source(),
      ownsChunks: isBody && ownsChunks(source),
    });
    decoder.body.once("close", () => {
      // It broke off before it told anything of the answer.
      if (this.#exchange.isUnanswered) this.#exchange.fail("server_lost");
    });
    this.#answerStream = decoder;
    return decoder;
  }

  #openBody(): RecordStream | undefined {
    const { body, bodyLength } = this.#exchange.request;
    if (body instanceof Uint8Array || this.#bodyStream !== undefined) return undefined;
    this.#bodyStream = new RecordStream({
      body,
      length: bodyLength,
      trailers: () => toServerTrailers(this.#exchange.visitor.trailers),
      clock: this.#options.clock,
    });
    return this.#bodyStream;
  }

  /** True if the answer has begun; else its body is nobody's. */
  #begin(
    { status, headers }: ModernHead,
    rest: Pick<HttpAnswer, "body" | "trailers">,
  ): boolean {
    if (status >= 100 && status < 200 && status !== 101) {
      throw new ProtocolError(`An answer has the status ${status}`);
    }
    const answer = toVisitorAnswer({ status, headers, ...rest }, this.#exchange.request);
    if (!(answer instanceof ProtocolError)) return this.#exchange.begin(answer);
    this.#options.log.warn("Answer cannot be carried", {
      server: this.#options.server,
      reason: answer.message,
    });
    this.#exchange.fail("bad_answer");
    return false;
  }

  #stepOut(): HttpAnswer {
    this.#violate("A segment is out of step");
    return textAnswer(409, "The segment is out of step");
  }

  #violate(reason: string): void {
    this.#options.onViolation(reason);
  }
}
