/** P4 and P5 of modern: has a request answered, and carries the answer to the relay. */

import { Readable } from "node:stream";
import type { Clock } from "../base/clock.ts";
import { ClosedError, toMessage } from "../base/errors.ts";
import {
  INLINE_ANSWER_BYTES,
  INLINE_GATHER_MS,
  INLINE_WAIT_MS,
  MAX_CHANNEL_BACKLOG_BYTES,
  MAX_INTERIM_BYTES,
} from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { headerValue } from "../http/headers.ts";
import type { Delivery, Handler, HttpAnswer, HttpRequest, RawHeaders } from "../http/message.ts";
import { destroyBody, isBodyless } from "../http/send_answer.ts";
import { gatherSmallBody } from "../http/small_body.ts";
import {
  encodeAnswerHead,
  encodeFail,
  encodeInform,
  encodeStreamHead,
  type ModernRequest,
  weighInform,
} from "../wire/modern_messages.ts";
import { encodeWholeStream, RecordStream } from "../wire/record_stream.ts";
import type { StreamBody } from "../wire/stream_decoder.ts";
import { AnswerUpload } from "./answer_upload.ts";
import { callHandler } from "./call_handler.ts";
import type { Channel } from "./channel.ts";
import type { Path } from "./path.ts";
import type { RelayClient } from "./relay_client.ts";
import { openRemoteBody } from "./remote_body.ts";
import { throttle } from "./throttle.ts";

export interface ModernExchangeOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly session: string;
  readonly handler: Handler;
  readonly client: Pick<RelayClient, "request" | "open">;
  readonly channel: Channel;
  readonly path: Path;
  readonly clock: Clock;
  readonly log: Logger;
  readonly throttleUpload: boolean;
}

const NO_BODY = new Uint8Array();

export class ModernExchange {
  readonly #request: ModernRequest;
  readonly #options: ModernExchangeOptions;
  /** Ends all of it. */
  readonly #over = new AbortController();
  readonly #finished = Promise.withResolvers<Delivery>();
  /** True once the answer travels on a connection of its own. */
  #isIndependent = false;
  #hasBegun = false;
  #isCancelled = false;
  /** The request's body, where it is fetched from the relay. */
  #body: StreamBody | undefined;
  #interimBytes = 0;

  constructor(request: ModernRequest, options: ModernExchangeOptions) {
    this.#request = request;
    this.#options = options;
  }

  /** Resolves when nothing of it goes on any more. */
  get over(): Promise<unknown> {
    return this.#finished.promise;
  }

  /** Carries it through: what fails here is logged, and the relay is told. */
  run(): void {
    void this.#run();
  }

  async #run(): Promise<void> {
    const { handler, log, channel } = this.#options;
    let delivery: Delivery = "cut";
    try {
      const { signal } = this.#over;
      const answer = await callHandler(this.#toHttpRequest(), { handler, log, signal });
      delivery = await this.#deliver(answer);
    } catch (error) {
      if (!this.#over.signal.aborted) {
        log.warn("Answer was cut", { id: this.#request.id, reason: toMessage(error) });
      }
    }
    this.#finished.resolve(delivery);
    // A relay that knows it already ignores it.
    if (delivery === "cut" && !this.#isCancelled) channel.send(encodeFail(this.#request.id));
    if (delivery === "cut") this.cancel();
    else this.#body?.destroy();
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    this.#isCancelled = true;
    this.#over.abort(new ClosedError("The visitor left before it had its answer"));
  }

  /** The server gives up what is still in flight. */
  giveUp(): void {
    this.#over.abort(new ClosedError("The server is stopping"));
  }

  /** The session is over: what depends on it ends. */
  loseSession(): void {
    if (!this.#isIndependent) this.#over.abort(new ClosedError("The session was lost"));
  }

  #toHttpRequest(): HttpRequest {
    const { id, body } = this.#request;
    const { signal } = this.#over;
    const stream = body instanceof Uint8Array
      ? undefined
      : openRemoteBody({ ...this.#options, id, signal });
    this.#body = stream;
    return new TunnelledRequest(this.#request, {
      stream,
      signal,
      finished: this.#finished.promise,
      inform: (status, headers) => this.#inform(status, headers),
    });
  }

  #inform(status: number, headers: RawHeaders): void {
    if (this.#hasBegun) return;
    const { channel, log } = this.#options;
    const { id } = this.#request;
    try {
      const head = { status, headers };
      this.#interimBytes += weighInform(head);
      // The relay would take more for a breach of the protocol.
      if (this.#interimBytes <= MAX_INTERIM_BYTES) channel.send(encodeInform(id, head));
    } catch (error) {
      // Past the bounds of a record. The answer itself may well fit.
      log.debug("Interim answer was left out", { id, reason: toMessage(error) });
    }
  }

  async #deliver(answer: HttpAnswer): Promise<Delivery> {
    const { status } = answer;
    this.#over.signal.addEventListener("abort", () => destroyBody(answer.body), { once: true });
    if (isBodyless(status, this.#request.method === "HEAD")) {
      destroyBody(answer.body);
      return this.#answerInline(withLength(answer), NO_BODY);
    }
    const small = status === 101 ? undefined : await this.#gather(answer);
    if (small instanceof Uint8Array) return this.#answerInline(answer, small);
    return await this.#upload(small === undefined ? answer : { ...answer, body: small });
  }

  /** The whole body, where it is small and there at once; else the body. */
  async #gather({ headers, body, trailers }: HttpAnswer): Promise<Uint8Array | Readable> {
    if (body === null) return NO_BODY;
    if (body instanceof Uint8Array) {
      return body.length <= INLINE_ANSWER_BYTES
        ? body
        : Readable.from([body], { objectMode: false });
    }
    const declared = headerValue(headers, "content-length");
    if (declared !== undefined && Number(declared) > INLINE_ANSWER_BYTES) return body;
    const gathered = await gatherSmallBody(body, {
      clock: this.#options.clock,
      // Where no length is declared, the body may be one that never ends.
      waitMs: declared === undefined ? INLINE_GATHER_MS : INLINE_WAIT_MS,
      maxBytes: INLINE_ANSWER_BYTES,
    });
    if (!(gathered instanceof Uint8Array)) return gathered;
    const hasTrailers = (trailers?.() ?? []).length > 0;
    const isWhole = declared === undefined || Number(declared) === gathered.length;
    if (!isWhole) throw new ClosedError("The body is not as long as its Content-Length");
    return hasTrailers ? Readable.from([gathered], { objectMode: false }) : gathered;
  }

  async #answerInline(answer: HttpAnswer, body: Uint8Array): Promise<Delivery> {
    const { channel } = this.#options;
    const { status, headers } = answer;
    if (body.length > 0 && channel.backlog > MAX_CHANNEL_BACKLOG_BYTES) {
      return await this.#upload({ ...answer, body });
    }
    this.#hasBegun = true;
    const record = encodeAnswerHead(this.#request.id, { status, headers }, body.length);
    channel.send(record, body);
    return "delivered";
  }

  async #upload(answer: HttpAnswer): Promise<Delivery> {
    const { path, clock, throttleUpload, log } = this.#options;
    const { status, headers, trailers } = answer;
    const { signal } = this.#over;
    const { up } = await path.kind;
    const declared = headerValue(headers, "content-length");
    this.#hasBegun = true;
    const head = encodeStreamHead({ status, headers });
    // Else a HEAD record without end would stand for a body that has failed.
    const body = throttleUpload ? throttle(answer.body, { clock, signal }) : answer.body;
    const toStream = (): RecordStream =>
      new RecordStream({
        head,
        body,
        length: declared === undefined ? null : Number(declared),
        trailers,
        clock,
      });
    const isSmall = body instanceof Uint8Array && body.length <= INLINE_ANSWER_BYTES &&
      (declared === undefined || Number(declared) === body.length);
    this.#isIndependent = up === "streams";
    const upload = new AnswerUpload({ ...this.#options, id: this.#request.id, signal });
    const outcome = up === "segments"
      ? await upload.segments(toStream())
      : await upload.whole(isSmall ? encodeWholeStream(head, body) : toStream());
    if (outcome.kind === "refused") {
      if (outcome.isByProxy) path.distrust(outcome.reason);
      log.warn("Answer refused by the relay", { id: this.#request.id, reason: outcome.reason });
      return "cut";
    }
    return outcome.kind;
  }
}

/**
 * A visitor's request as handlers see it. A class, since an object that is written with a getter in
 * it gets a shape of its own, which keeps it alive until the next full collection.
 */
class TunnelledRequest implements HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: RawHeaders;
  readonly httpVersion = "1.1";
  readonly remoteAddress: string;
  readonly bodyLength: number | null;
  readonly body: Readable | null;
  readonly upgrade: string | null;
  readonly signal: AbortSignal;
  readonly finished: Promise<Delivery>;
  readonly inform: HttpRequest["inform"];
  readonly #stream: StreamBody | undefined;

  constructor(
    { method, target, address, headers, body, wantsUpgrade }: ModernRequest,
    { stream, signal, finished, inform }:
      & Pick<HttpRequest, "signal" | "finished" | "inform">
      & { readonly stream: StreamBody | undefined },
  ) {
    this.method = method;
    this.target = target;
    this.headers = headers;
    this.remoteAddress = address;
    this.#stream = stream;
    if (body instanceof Uint8Array) {
      const isEmpty = body.length === 0;
      this.bodyLength = isEmpty ? null : body.length;
      this.body = isEmpty ? null : Readable.from([body], { objectMode: false });
    } else {
      this.bodyLength = body.streamLength;
      this.body = stream ?? null;
    }
    this.upgrade = wantsUpgrade ? headerValue(headers, "upgrade") ?? "" : null;
    this.signal = signal;
    this.finished = finished;
    this.inform = inform;
  }

  get trailers(): RawHeaders {
    return this.#stream?.trailers ?? [];
  }
}

/** RFC 9110 §9.3.2: a HEAD may tell the length that a GET would have. */
function withLength(answer: HttpAnswer): HttpAnswer {
  const { status, headers, body } = answer;
  const isTold = status === 204 || status === 304 || !(body instanceof Uint8Array) ||
    headerValue(headers, "content-length") !== undefined;
  return isTold
    ? answer
    : { ...answer, headers: [...headers, "Content-Length", String(body.length)] };
}
