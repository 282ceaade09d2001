/** What a server's requests to its relay come to, without sockets, as the test says. */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { Duplex, Readable } from "node:stream";
import type { AnswerBody } from "../../lib/client/answer_body.ts";
import type { ClientAnswer } from "../../lib/client/client_exchange.ts";
import { UnreachableError } from "../../lib/client/unreachable_error.ts";
import type { RawHeaders } from "../../lib/http/message.ts";
import { destroyBody } from "../../lib/http/send_answer.ts";
import type { RelayClient } from "../../lib/server/relay_client.ts";
import type { RelayAnswer, RelayGet, RelayRequest } from "../../lib/server/relay_request.ts";
import { readServerMessages, type ServerMessage } from "../../lib/wire/modern_messages.ts";
import { encodeMessage, toAcceptKey, WebSocketReader } from "../../lib/wire/websocket.ts";
import { headerValue } from "../../lib/http/headers.ts";
import { turn } from "./turn.ts";

/** How a request that waits for its whole answer ends; "held": not until the test says so. */
export type Reply = Partial<RelayAnswer> | Error | "held";

/** How one ends whose answer is a stream. */
export type OpenReply =
  | { readonly status: number; readonly headers?: RawHeaders; readonly body?: Readable }
  | FakeSocket
  | Error
  | "held";

/** A request that came. */
export interface Asked {
  readonly method: string;
  /** What follows BASE/modern/, or BASE where it is classic; decoded no further. */
  readonly path: string;
  readonly headers: RawHeaders;
  readonly answerTimeoutMs: number;
  /** Declared length of the body. */
  readonly bodyLength: number | null;
  readonly signal: AbortSignal;
  /** The body, as far as it has come. */
  readonly received: () => Uint8Array;
  /** Resolves when the body has come whole; false where it broke off. */
  readonly whole: Promise<boolean>;
  /** Ends it, where it is held. */
  answer(reply: Exclude<Reply, "held">): void;
}

export const DOWN = new UnreachableError("refused", "Cannot reach relay");

export class FakeRelay implements Pick<RelayClient, "request" | "open"> {
  readonly asked: Asked[] = [];
  /** Requests of {@linkcode open}, in order. */
  readonly opened: Pick<Asked, "path" | "headers" | "signal" | "answerTimeoutMs">[] = [];
  reply: (asked: Asked) => Reply = () => "held";
  openReply: (path: string) => OpenReply = () => "held";

  request(request: RelayRequest): Promise<RelayAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<RelayAnswer>();
    const { signal, body } = request;
    const settle = (reply: Exclude<Reply, "held">): void => {
      signal.removeEventListener("abort", abort);
      destroyBody(body);
      if (reply instanceof Error) reject(reply);
      else resolve({ status: 200, headers: [], body: NO_BYTES, isBodySent: true, ...reply });
    };
    const abort = (): void => settle(new UnreachableError("aborted", "Nobody wants it"));
    signal.addEventListener("abort", abort, { once: true });
    const asked: Asked = {
      ...request,
      path: toPath(request.url),
      ...receive(body),
      answer: settle,
    };
    this.asked.push(asked);
    if (signal.aborted) abort();
    else {
      const reply = this.reply(asked);
      if (reply !== "held") settle(reply);
    }
    return promise;
  }

  open(request: RelayGet): Promise<ClientAnswer> {
    const { signal } = request;
    const path = toPath(request.url);
    this.opened.push({ ...request, path });
    const reply = this.openReply(path);
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(new UnreachableError("aborted", "Nobody wants it"));
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) return abort();
      if (reply === "held") return;
      if (reply instanceof Error) return reject(reply);
      if (reply instanceof FakeSocket) return resolve(reply.toOpened(request.headers));
      const { status, headers = [], body = Readable.from([]) } = reply;
      body.on("error", () => {});
      signal.addEventListener("abort", () => body.destroy(), { once: true });
      resolve({ status, headers, body: body as AnswerBody, switched: null });
    });
  }

  /** Requests whose path begins so. */
  of(prefix: string): Asked[] {
    return this.asked.filter(({ path }) => path.startsWith(prefix));
  }
}

const NO_BYTES = new Uint8Array();

function toPath({ pathname }: URL): string {
  return pathname.replace(/^\/7ZSFUKGV\/(?:modern\/)?/, "");
}

/** Reads a body as a relay does whose connection is fast. */
function receive(body: RelayRequest["body"]): Pick<Asked, "received" | "whole"> {
  if (!(body instanceof Readable)) {
    const bytes = body ?? NO_BYTES;
    return { received: () => bytes, whole: Promise.resolve(true) };
  }
  const chunks: Uint8Array[] = [];
  const whole = new Promise<boolean>((resolve) => {
    body.on("data", (chunk: Uint8Array) => chunks.push(new Uint8Array(chunk)));
    body.once("end", () => resolve(true));
    body.once("close", () => resolve(false));
  });
  return { received: () => Buffer.concat(chunks), whole };
}

/** The relay's end of a connection that has switched to a WebSocket, and the server's in one. */
export class FakeSocket extends Duplex {
  /** What the server has said. */
  readonly messages: ServerMessage[] = [];
  /** Whether it is told the right key. */
  acceptsKey = true;
  protocol = "ptth-modern-1";
  /** The close frame of the server. */
  goodbye: { readonly code: number; readonly reason: string } | undefined;
  readonly #reader = new WebSocketReader({ isMasked: true, maxMessageBytes: 1024 * 1024 }, {
    message: (bytes) => readServerMessages(bytes, (message) => this.messages.push(message)),
    ping: () => {},
    close: (code, reason) => this.goodbye = { code, reason },
  });

  constructor() {
    super();
    this.on("error", () => {});
  }

  /** What a client makes of it. */
  toOpened(asked: RawHeaders): ClientAnswer {
    const key = headerValue(asked, "sec-websocket-key") ?? "";
    return {
      status: 101,
      headers: [
        ...["Upgrade", "websocket", "Sec-WebSocket-Protocol", this.protocol],
        ...["Sec-WebSocket-Accept", this.acceptsKey ? toAcceptKey(key) : "no"],
      ],
      body: Readable.from([]) as AnswerBody,
      switched: { socket: this as unknown as Socket, head: NO_BYTES },
    };
  }

  /** Has messages come, in one frame; resolves when they have. */
  async say(...records: readonly Uint8Array[]): Promise<void> {
    await this.send(encodeMessage(records, false));
  }

  /** Has bytes come. */
  async send(bytes: Uint8Array): Promise<void> {
    this.push(bytes);
    await turn();
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.#reader.push(new Uint8Array(chunk));
    done();
  }
}
