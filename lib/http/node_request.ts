/** node:http's request as the seam shows it. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { ClosedError } from "../base/errors.ts";
import { encodeHead } from "./encode_head.ts";
import { headerValue } from "./headers.ts";
import { IncomingBody } from "./incoming_body.ts";
import type { Delivery, HttpRequest, RawHeaders } from "./message.ts";

export class NodeRequest implements HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: RawHeaders;
  readonly httpVersion: "1.0" | "1.1";
  readonly remoteAddress: string;
  readonly bodyLength: number | null;
  readonly body: Readable | null;
  readonly upgrade: string | null;
  readonly finished: Promise<Delivery>;
  readonly #incoming: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #incomingBody: IncomingBody | undefined;
  readonly #resolve: (delivery: Delivery) => void;
  #controller: AbortController | undefined;
  #delivery: Delivery | undefined;

  /** `connection` is what comes on a connection whose peer asks to switch protocols. */
  constructor(incoming: IncomingMessage, response: ServerResponse, connection?: Readable) {
    this.#incoming = incoming;
    this.#response = response;
    this.method = incoming.method ?? "";
    this.target = incoming.url ?? "";
    this.headers = incoming.rawHeaders;
    this.httpVersion = incoming.httpVersion === "1.0" ? "1.0" : "1.1";
    // On a listener for both families an IPv4 address comes mapped (RFC 4291 §2.5.5.2).
    this.remoteAddress = incoming.socket.remoteAddress?.replace(/^::ffff:(?=[0-9.]+$)/, "") ?? "";
    // The parser has refused every Content-Length that is not a plain number.
    const length = headerValue(this.headers, "content-length");
    this.bodyLength = length === undefined ? null : Number(length);
    this.upgrade = connection === undefined ? null : headerValue(this.headers, "upgrade") ?? "";
    this.#incomingBody = connection === undefined ? this.#openBody() : undefined;
    this.body = connection ?? this.#incomingBody ?? null;
    ({ promise: this.finished, resolve: this.#resolve } = Promise.withResolvers<Delivery>());
    let isFlushed = false;
    // Not `writableFinished`: that is true as well when the socket was destroyed with the answer
    // still in its buffer.
    response.once("finish", () => isFlushed = !incoming.socket.destroyed);
    response.once("close", () => this.finish(isFlushed ? "delivered" : "cut"));
  }

  get trailers(): RawHeaders {
    return this.#incoming.rawTrailers;
  }

  // Made on demand: most requests are answered without anybody asking for it.
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#delivery === "cut") this.#controller.abort(leftError());
    }
    return this.#controller.signal;
  }

  /** True while somebody waits for bytes of the body that the peer has not sent. */
  get isWanting(): boolean {
    return this.#incomingBody?.isWanting === true;
  }

  /** True if the answer comes though nobody has begun to read the body, or has given it up. */
  get isLeftUnread(): boolean {
    return this.#incomingBody !== undefined && !this.#incoming.complete &&
      !this.#incomingBody.isBeingRead;
  }

  inform(status: number, headers: RawHeaders): void {
    const { socket } = this.#incoming;
    if (this.httpVersion === "1.0" || this.#response.headersSent || socket.destroyed) return;
    socket.write(encodeHead(status, headers));
  }

  /** The exchange is over; only the first call counts. */
  finish(delivery: Delivery): void {
    if (this.#delivery !== undefined) return;
    this.#delivery = delivery;
    this.#resolve(delivery);
    if (delivery === "cut") this.#controller?.abort(leftError());
  }

  #openBody(): IncomingBody | undefined {
    const hasBody = headerValue(this.headers, "transfer-encoding") !== undefined ||
      (this.bodyLength ?? 0) > 0;
    if (!hasBody) return undefined;
    const expectsContinue = headerValue(this.headers, "expect")?.toLowerCase() === "100-continue" &&
      this.httpVersion === "1.1";
    return new IncomingBody(this.#incoming, () => {
      // RFC 9110 §10.1.1: not until the body is wanted, and never after the final answer.
      if (expectsContinue && !this.#response.headersSent) this.#response.writeContinue();
    });
  }
}

function leftError(): ClosedError {
  return new ClosedError("The peer left before it had its answer");
}
