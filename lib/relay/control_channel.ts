/** A session's messages over a WebSocket (docs/protocol.md, "Control channel"), the relay's end. */

import { Readable } from "node:stream";
import { ProtocolError } from "../base/errors.ts";
import { MAX_BATCH_BYTES, MAX_CHANNEL_BACKLOG_BYTES } from "../base/limits.ts";
import { headerValue } from "../http/headers.ts";
import type { HttpAnswer, HttpRequest, RawHeaders } from "../http/message.ts";
import { freeChunk } from "../http/owned_chunks.ts";
import type { SilenceWatch, Watched, Watching } from "../http/silence_watch.ts";
import { Batch } from "../wire/batch.ts";
import { CONTROL_PROTOCOL } from "../wire/modern.ts";
import {
  CLOSE_GOING_AWAY,
  CLOSE_NORMAL,
  CLOSE_POLICY,
  CLOSE_PROTOCOL_ERROR,
  encodeClose,
  encodeMessage,
  encodeWebSocketPong,
  toAcceptKey,
  WebSocketReader,
} from "../wire/websocket.ts";
import { type Channel, type Session, type SessionEnd, UNREAD } from "./session.ts";

/** The fields of a 101 to a request for a control channel; undefined where it is none. */
export function toHandshake(request: HttpRequest): RawHeaders | undefined {
  const { headers, upgrade } = request;
  const key = headerValue(headers, "sec-websocket-key") ?? "";
  const protocols = headerValue(headers, "sec-websocket-protocol")?.split(",") ?? [];
  // RFC 6455 §4.2.1: 16 bytes in base64.
  const isHandshake = upgrade?.toLowerCase() === "websocket" && /^[A-Za-z0-9+/]{22}==$/.test(key) &&
    headerValue(headers, "sec-websocket-version") === "13" &&
    protocols.some((protocol) => protocol.trim() === CONTROL_PROTOCOL);
  if (!isHandshake) return undefined;
  return [
    ...["Upgrade", "websocket"],
    ...["Sec-WebSocket-Accept", toAcceptKey(key)],
    ...["Sec-WebSocket-Protocol", CONTROL_PROTOCOL],
  ];
}

/** What goes to the process. Whoever reads it shows by that how fast the connection is. */
class Outgoing extends Readable {
  readonly #onWanted: () => void;

  constructor(onWanted: () => void) {
    super({ highWaterMark: MAX_CHANNEL_BACKLOG_BYTES });
    this.#onWanted = onWanted;
    this.on("error", () => {});
  }

  override _read(): void {
    // Called before what is being read is taken off; and not again before more is pushed.
    queueMicrotask(this.#onWanted);
  }
}

export class ControlChannel implements Channel, Watched {
  readonly transport = "control channel";
  readonly #session: Session;
  readonly #request: HttpRequest;
  readonly #silence: SilenceWatch;
  #watching: Watching | undefined;
  readonly #outgoing: Outgoing;
  readonly #batch: Batch;
  #bytesReceived = 0;
  #wasFull = false;
  #isClosed = false;

  constructor(session: Session, request: HttpRequest, silence: SilenceWatch) {
    this.#session = session;
    this.#request = request;
    this.#silence = silence;
    this.#batch = new Batch((records) => this.#write(encodeMessage(records, false)));
    this.#outgoing = new Outgoing(() => this.#drain());
  }

  get isReady(): boolean {
    const isReady = !this.#isClosed &&
      this.#outgoing.readableLength + this.#batch.byteLength < MAX_CHANNEL_BACKLOG_BYTES;
    if (!isReady) this.#wasFull = true;
    return isReady;
  }

  /** The answer to the handshake; from now on messages come and go. */
  open(handshake: RawHeaders): HttpAnswer {
    const { body } = this.#request;
    const reader = new WebSocketReader({ isMasked: true, maxMessageBytes: MAX_BATCH_BYTES }, {
      message: (bytes) => this.#session.receive(bytes),
      ping: (payload) => this.#write(encodeWebSocketPong(payload, false)),
      close: () => this.#session.end("closed"),
    });
    this.#watching = this.#silence.add(this);
    body?.on("data", (chunk: Uint8Array) => {
      this.#bytesReceived += chunk.length;
      try {
        if (reader.push(chunk)) freeChunk(chunk);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#session.violate(error.message);
      }
    });
    const lose = (): void => this.#session.end("lost");
    body?.once("end", lose);
    body?.once("close", lose);
    void this.#request.finished.then(lose);
    return { status: 101, headers: handshake, body: this.#outgoing };
  }

  send(record: Uint8Array): void {
    if (!this.#isClosed) this.#batch.add(record);
  }

  close(end: SessionEnd, sentence: string): void {
    this.#batch.flush();
    this.#isClosed = true;
    if (this.#watching !== undefined) this.#silence.remove(this.#watching);
    if (end === "silent") {
      // A peer that says nothing reads nothing either.
      this.#outgoing.destroy();
      return;
    }
    this.#outgoing.push(encodeClose(CLOSE_CODES[end], sentence, false));
    this.#outgoing.push(null);
    // What still comes is for nobody.
    this.#request.body?.destroy();
  }

  isWaitingForPeer(): boolean {
    return true;
  }

  progress(): number {
    return this.#bytesReceived;
  }

  cut(): void {
    this.#session.end("silent");
  }

  #write(frame: Uint8Array): void {
    if (this.#isClosed) return;
    this.#outgoing.push(frame);
    if (this.#outgoing.readableLength > MAX_BATCH_BYTES) this.#session.violate(UNREAD);
  }

  #drain(): void {
    if (!this.#wasFull || !this.isReady) return;
    this.#wasFull = false;
    this.#session.becomeReady();
  }
}

const CLOSE_CODES: Readonly<Record<SessionEnd, number>> = {
  lost: CLOSE_NORMAL,
  silent: CLOSE_NORMAL,
  replaced: CLOSE_POLICY,
  revoked: CLOSE_POLICY,
  closed: CLOSE_NORMAL,
  stopped: CLOSE_GOING_AWAY,
  violation: CLOSE_PROTOCOL_ERROR,
};
