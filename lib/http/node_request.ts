/** node:http's request as the seam shows it. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { ClosedError } from "../base/errors.ts";
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
  readonly body: IncomingBody | null;
  readonly finished: Promise<Delivery>;
  #controller: AbortController | undefined;
  #delivery: Delivery | undefined;

  constructor(incoming: IncomingMessage, response: ServerResponse) {
    this.method = incoming.method ?? "";
    this.target = incoming.url ?? "";
    this.headers = incoming.rawHeaders;
    this.httpVersion = incoming.httpVersion === "1.0" ? "1.0" : "1.1";
    // On a listener for both families an IPv4 address comes mapped (RFC 4291 §2.5.5.2).
    this.remoteAddress = incoming.socket.remoteAddress?.replace(/^::ffff:(?=[0-9.]+$)/, "") ?? "";
    // The parser has refused every Content-Length that is not a plain number.
    const length = headerValue(this.headers, "content-length");
    this.bodyLength = length === undefined ? null : Number(length);
    const hasBody = headerValue(this.headers, "transfer-encoding") !== undefined ||
      (this.bodyLength ?? 0) > 0;
    const expectsContinue = headerValue(this.headers, "expect")?.toLowerCase() === "100-continue" &&
      this.httpVersion === "1.1";
    this.body = hasBody
      ? new IncomingBody(incoming, () => {
        // RFC 9110 §10.1.1: not until the body is wanted, and never after the final answer.
        if (expectsContinue && !response.headersSent) response.writeContinue();
      })
      : null;
    this.finished = new Promise((resolve) => {
      let isFlushed = false;
      // Not `writableFinished`: that is true as well when the socket was destroyed with the answer
      // still in its buffer.
      response.once("finish", () => isFlushed = !incoming.socket.destroyed);
      response.once("close", () => {
        this.#delivery = isFlushed ? "delivered" : "cut";
        resolve(this.#delivery);
        if (this.#delivery === "cut") this.#controller?.abort(leftError());
      });
    });
  }

  // Made on demand: most requests are answered without anybody asking for it.
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#delivery === "cut") this.#controller.abort(leftError());
    }
    return this.#controller.signal;
  }
}

function leftError(): ClosedError {
  return new ClosedError("The peer left before it had its answer");
}
