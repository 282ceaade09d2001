/** A request that came on a connection, as the seam shows it. */

import type { Readable } from "node:stream";
import { ClosedError } from "../base/errors.ts";
import type { Delivery, HttpRequest, RawHeaders } from "./message.ts";
import type { RequestHead } from "./request_head.ts";

export interface IncomingRequestOptions {
  readonly remoteAddress: string;
  readonly body: Readable | null;
  /** Whether `body` is what comes on a connection whose peer asks to switch protocols. */
  readonly asksToSwitch: boolean;
  /** Sends an interim answer, where that is still possible. */
  readonly inform: (status: number, headers: RawHeaders) => void;
}

export class IncomingRequest implements HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: RawHeaders;
  readonly httpVersion: "1.0" | "1.1";
  readonly remoteAddress: string;
  readonly bodyLength: number | null;
  readonly body: Readable | null;
  readonly upgrade: string | null;
  readonly #inform: IncomingRequestOptions["inform"];
  #trailers: RawHeaders = NO_FIELDS;
  #controller: AbortController | undefined;
  #finished: PromiseWithResolvers<Delivery> | undefined;
  #delivery: Delivery | undefined;

  constructor(head: RequestHead, options: IncomingRequestOptions) {
    this.method = head.method;
    this.target = head.target;
    this.headers = head.headers;
    this.httpVersion = head.httpVersion;
    this.remoteAddress = options.remoteAddress;
    this.bodyLength = head.bodyLength;
    this.body = options.body;
    this.upgrade = options.asksToSwitch ? head.upgrade : null;
    this.#inform = options.inform;
  }

  get trailers(): RawHeaders {
    return this.#trailers;
  }

  // Both are made on demand: most requests are answered without anybody asking for them.
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#delivery === "cut") this.#controller.abort(leftError());
    }
    return this.#controller.signal;
  }

  get finished(): Promise<Delivery> {
    if (this.#finished === undefined) {
      this.#finished = Promise.withResolvers();
      if (this.#delivery !== undefined) this.#finished.resolve(this.#delivery);
    }
    return this.#finished.promise;
  }

  inform(status: number, headers: RawHeaders): void {
    if (this.httpVersion === "1.1" && this.#delivery === undefined) this.#inform(status, headers);
  }

  /** The body has come to its end, with these fields behind it. */
  takeTrailers(trailers: RawHeaders): void {
    this.#trailers = trailers;
  }

  /** The exchange is over; only the first call counts. */
  finish(delivery: Delivery): void {
    if (this.#delivery !== undefined) return;
    this.#delivery = delivery;
    this.#finished?.resolve(delivery);
    if (delivery === "cut") this.#controller?.abort(leftError());
  }
}

const NO_FIELDS: RawHeaders = [];

function leftError(): ClosedError {
  return new ClosedError("The peer left before it had its answer");
}
