/** Messages over a WebSocket (docs/protocol.md, "Control channel"), the server's end. */

import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Clock, Timer } from "../base/clock.ts";
import { ProtocolError, toMessage } from "../base/errors.ts";
import {
  CHANNEL_SILENCE_MS,
  INLINE_ANSWER_BYTES,
  MAX_BATCH_BYTES,
  PING_INTERVAL_MS,
  WELCOME_TIMEOUT_MS,
} from "../base/limits.ts";
import { headerValue } from "../http/headers.ts";
import { freeChunk, freeMemory } from "../http/owned_chunks.ts";
import { SilenceWatch, type Watching } from "../http/silence_watch.ts";
import { Batch } from "../wire/batch.ts";
import { API_KEY_HEADER } from "../wire/classic.ts";
import { CONTROL_PROTOCOL, PROCESS_HEADER, SUCCESSOR_HEADER } from "../wire/modern.ts";
import { encodePing } from "../wire/modern_messages.ts";
import {
  CLOSE_NORMAL,
  CLOSE_PROTOCOL_ERROR,
  encodeClose,
  encodeMessage,
  encodeWebSocketPong,
  toAcceptKey,
  WebSocketReader,
} from "../wire/websocket.ts";
import type { Channel, ChannelOptions, ChannelRefusal, ChannelSink } from "./channel.ts";
import type { RelayClient } from "./relay_client.ts";
import { toRefusal } from "./relay_refusal.ts";
import { toModernUrl } from "./relay_url.ts";

export interface ControlOptions extends ChannelOptions {
  readonly client: Pick<RelayClient, "open">;
  readonly clock: Clock;
  /** Ends the opening. */
  readonly signal: AbortSignal;
}

/** Opens a control channel; nothing has come on it yet. */
export async function openControlChannel(
  options: ControlOptions,
): Promise<ControlChannel | ChannelRefusal> {
  const { baseUrl, name, apiKey, process, successorOf, client, clock, signal } = options;
  const url = toModernUrl(baseUrl, "control", name);
  const key = randomBytes(16).toString("base64");
  try {
    const answer = await client.open({
      url,
      headers: [
        ...["Host", url.host, "Connection", "Upgrade", "Upgrade", "websocket"],
        ...["Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", key],
        ...["Sec-WebSocket-Protocol", CONTROL_PROTOCOL],
        ...[API_KEY_HEADER, apiKey, PROCESS_HEADER, process],
        ...successorOf === undefined ? [] : [SUCCESSOR_HEADER, successorOf],
      ],
      allowsSwitch: true,
      signal,
      answerTimeoutMs: WELCOME_TIMEOUT_MS,
    });
    const { headers, body, switched } = answer;
    if (switched === null) {
      body.destroy();
      return toRefusal(answer);
    }
    const { socket, head } = switched;
    const isOurs = headerValue(headers, "sec-websocket-accept") === toAcceptKey(key) &&
      headerValue(headers, "sec-websocket-protocol") === CONTROL_PROTOCOL;
    if (isOurs) return new ControlChannel(socket, head, clock);
    socket.destroy();
    return { kind: "blocked", reason: "what answers is no WebSocket of a relay" };
  } catch (error) {
    return { kind: "blocked", reason: toMessage(error) };
  }
}

/** The memory of frames from this size on is used again, and not left to the collector. */
const LONG_FRAME_BYTES = 8 * 1024;

/** Room for a whole inline answer, and what is sent with it. */
const MAX_SPARE_BYTES = 2 * INLINE_ANSWER_BYTES;

export class ControlChannel implements Channel {
  readonly transport = "control channel";
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #head: Uint8Array;
  readonly #silence: SilenceWatch;
  #watching: Watching | undefined;
  readonly #batch: Batch;
  #pingTimer: Timer | undefined;
  #bytesReceived = 0;
  #isOver = false;
  #sink: ChannelSink | undefined;
  /** Memory of a frame that has been written. */
  #spare: ArrayBuffer | undefined;

  /** Takes over a socket whose handshake is done; `head` is what came behind that. */
  constructor(socket: Socket, head: Uint8Array, clock: Clock) {
    this.#socket = socket;
    this.#head = head;
    this.#clock = clock;
    this.#silence = new SilenceWatch(clock, CHANNEL_SILENCE_MS);
    this.#batch = new Batch((records) => this.#write(this.#toFrame(records)));
  }

  get backlog(): number {
    return this.#batch.byteLength + this.#socket.writableLength;
  }

  /** Begins to read. */
  start(sink: ChannelSink): void {
    this.#sink = sink;
    const reader = new WebSocketReader({ isMasked: false, maxMessageBytes: MAX_BATCH_BYTES }, {
      message: (bytes) => sink.receive(bytes),
      ping: (payload) => this.#write(encodeWebSocketPong(payload, true)),
      close: (_code, reason) => this.#end(reason === "" ? "the relay closed it" : reason),
    });
    const read = (chunk: Uint8Array): void => {
      // Until the connection is gone more may come.
      if (this.#isOver) return;
      this.#bytesReceived += chunk.length;
      try {
        if (reader.push(chunk)) freeChunk(chunk);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#write(encodeClose(CLOSE_PROTOCOL_ERROR, error.message, true));
        this.#end(`the relay broke the protocol: ${error.message}`);
      }
    };
    this.#socket.on("data", read);
    this.#socket.once("end", () => this.#end("the connection was closed"));
    this.#socket.once("close", () => this.#end("the connection was lost"));
    this.#watching = this.#silence.add({
      isWaitingForPeer: () => true,
      progress: () => this.#bytesReceived,
      cut: () => {
        this.#end("nothing came for too long");
        this.#socket.destroy();
      },
    });
    this.#ping();
    if (this.#head.length > 0) read(this.#head);
    // Gone before anybody listened.
    if (this.#socket.destroyed) this.#end("the connection was lost");
  }

  send(record: Uint8Array, rest?: Uint8Array): void {
    if (!this.#isOver) this.#batch.add(record, rest);
  }

  close(): Promise<void> {
    if (!this.#isOver) {
      this.#batch.flush();
      this.#write(encodeClose(CLOSE_NORMAL, "", true));
      this.#sink = undefined;
      this.#end("closed");
    }
    return Promise.resolve();
  }

  #ping(): void {
    this.#pingTimer = this.#clock.after(PING_INTERVAL_MS, () => {
      this.send(encodePing());
      this.#ping();
    });
  }

  #toFrame(records: readonly Uint8Array[]): Uint8Array {
    let length = 0;
    for (const record of records) length += record.length;
    if (length < LONG_FRAME_BYTES) return encodeMessage(records, true);
    const memory = this.#spare;
    this.#spare = undefined;
    return encodeMessage(records, true, memory);
  }

  #write(frame: Uint8Array): void {
    if (this.#isOver) return;
    const isLong = frame.length >= LONG_FRAME_BYTES;
    this.#socket.write(frame, isLong ? (error) => this.#reclaim(frame, error) : undefined);
  }

  /** A long frame has been written: its memory is kept for the next one, or else given back. */
  #reclaim(frame: Uint8Array, error: Error | null | undefined): void {
    const { buffer } = frame;
    if ((error !== undefined && error !== null) || !(buffer instanceof ArrayBuffer)) return;
    if (this.#spare === undefined && buffer.byteLength <= MAX_SPARE_BYTES) this.#spare = buffer;
    else freeMemory(frame);
  }

  #end(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#pingTimer !== undefined) this.#clock.clear(this.#pingTimer);
    if (this.#watching !== undefined) this.#silence.remove(this.#watching);
    // A relay that does not close its side is not waited for.
    this.#socket.end(() => this.#socket.destroy());
    this.#sink?.end(reason);
  }
}
