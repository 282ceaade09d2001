/**
 * The WebSocket wire format (RFC 6455 §5), as far as a control channel needs it: binary messages,
 * no extensions. Pure; the opening handshake is HTTP and stands elsewhere.
 */

import { Buffer } from "node:buffer";
import { createHash, randomFillSync } from "node:crypto";
import { ProtocolError } from "../base/errors.ts";
import { MAX_FRAGMENTS } from "../base/limits.ts";
import { readUint16, writeLength, writeUint16 } from "./records.ts";

/** Close codes in use (RFC 6455 §7.4.1). */
export const CLOSE_NORMAL = 1000;
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_PROTOCOL_ERROR = 1002;
export const CLOSE_POLICY = 1008;

const CONTINUATION = 0x0;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

const FINAL_BIT = 0x80;
const MASK_BIT = 0x80;
const MAX_CONTROL_BYTES = 125;

/** Who gets what comes. */
export interface WebSocketSink {
  /** A whole message; may share the memory of what was pushed. */
  message(bytes: Uint8Array): void;
  /** To be answered by a pong of the same payload. */
  ping(payload: Uint8Array): void;
  /** The last thing that comes. `code` is 1005 where the peer gives none (RFC 6455 §7.1.5). */
  close(code: number, reason: string): void;
}

export interface WebSocketReaderOptions {
  /** True for what comes from a client: its frames are masked, those of a server are not. */
  readonly isMasked: boolean;
  /** Longest message, in bytes. */
  readonly maxMessageBytes: number;
}

interface FrameHead {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly length: number;
  /** Offset of the mask in the head, where there is one. */
  readonly maskAt: number;
}

/** Takes frames out of bytes that come in any pieces. */
export class WebSocketReader {
  readonly #options: WebSocketReaderOptions;
  readonly #sink: WebSocketSink;
  /** The longest head: 2 bytes, a length of 8, a mask of 4. */
  readonly #head = new Uint8Array(14);
  #headLength = 0;
  #frame: FrameHead | undefined;
  /** The frame's payload, as far as it has come, where that was not all at once. */
  #payload: Uint8Array | undefined;
  #payloadLength = 0;
  /** Payloads of the message's frames before this one. */
  #fragments: Uint8Array[] | undefined;
  #fragmentsLength = 0;
  #isClosed = false;

  constructor(options: WebSocketReaderOptions, sink: WebSocketSink) {
    this.#options = options;
    this.#sink = sink;
  }

  /**
   * Takes some bytes; those of a masked frame are changed in place. Without effect after a close.
   * True if the sink has been given none of them, so that their memory is the caller's again.
   *
   * @throws {ProtocolError} for what is no such frame, or too long a message.
   */
  push(bytes: Uint8Array): boolean {
    let at = 0;
    let isOnlyCopied = true;
    while (!this.#isClosed && (at < bytes.length || this.#frame?.length === 0)) {
      if (this.#frame === undefined) {
        at = this.#takeHead(bytes, at);
        continue;
      }
      const end = Math.min(bytes.length, at + this.#frame.length - this.#payloadLength);
      const part = bytes.subarray(at, end);
      at = end;
      if (part.length === this.#frame.length) {
        isOnlyCopied = false;
        this.#finish(this.#frame, part);
        continue;
      }
      this.#payload ??= new Uint8Array(this.#frame.length);
      this.#payload.set(part, this.#payloadLength);
      this.#payloadLength += part.length;
      if (this.#payloadLength === this.#frame.length) this.#finish(this.#frame, this.#payload);
    }
    return isOnlyCopied;
  }

  /** Takes bytes of a head one by one: it is short, and tells its own length as it comes. */
  #takeHead(bytes: Uint8Array, at: number): number {
    while (at < bytes.length) {
      this.#head[this.#headLength++] = bytes[at++] ?? 0;
      if (this.#headLength < 2) continue;
      if (this.#headLength === 2) this.#checkMask();
      if (this.#headLength < this.#wantedHeadLength()) continue;
      this.#frame = this.#readHead();
      return at;
    }
    return at;
  }

  #wantedHeadLength(): number {
    const length = (this.#head[1] ?? 0) & 0x7f;
    const mask = this.#options.isMasked ? 4 : 0;
    return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + mask;
  }

  /** At once: without a mask that is due, the head would be shorter than what is waited for. */
  #checkMask(): void {
    const isMasked = ((this.#head[1] ?? 0) & MASK_BIT) !== 0;
    if (isMasked !== this.#options.isMasked) {
      throw new ProtocolError(isMasked ? "A frame is masked" : "A frame is not masked");
    }
  }

  #readHead(): FrameHead {
    const [first = 0, second = 0] = this.#head;
    if ((first & 0x70) !== 0) throw new ProtocolError("A frame has a reserved bit set");
    const short = second & 0x7f;
    let length = short;
    if (short === 126) length = readUint16(this.#head, 2);
    if (short === 127) {
      if (readUint16(this.#head, 2) !== 0) throw new ProtocolError("A frame is far too long");
      length = 0;
      for (let i = 4; i < 10; i++) length = length * 256 + (this.#head[i] ?? 0);
    }
    const opcode = first & 0x0f;
    const frame: FrameHead = {
      opcode,
      isFinal: (first & FINAL_BIT) !== 0,
      length,
      maskAt: this.#headLength - 4,
    };
    this.#check(frame);
    return frame;
  }

  #check({ opcode, isFinal, length }: FrameHead): void {
    if (opcode >= CLOSE) {
      const isKnown = opcode === CLOSE || opcode === PING || opcode === PONG;
      if (!isKnown) throw new ProtocolError(`A frame has the unknown opcode ${opcode}`);
      if (!isFinal || length > MAX_CONTROL_BYTES) {
        throw new ProtocolError("A control frame is fragmented or too long");
      }
      return;
    }
    if (opcode !== BINARY && opcode !== CONTINUATION) {
      throw new ProtocolError("A message is not binary");
    }
    if ((opcode === CONTINUATION) !== (this.#fragments !== undefined)) {
      throw new ProtocolError("A fragment is out of place");
    }
    const { maxMessageBytes } = this.#options;
    if (length + this.#fragmentsLength > maxMessageBytes) {
      throw new ProtocolError(`A message is over ${maxMessageBytes} bytes`);
    }
    if (this.#fragments !== undefined && this.#fragments.length >= MAX_FRAGMENTS) {
      throw new ProtocolError(`A message has more than ${MAX_FRAGMENTS} fragments`);
    }
  }

  #finish(frame: FrameHead, payload: Uint8Array): void {
    if (this.#options.isMasked) {
      applyMask(payload, this.#head.subarray(frame.maskAt, frame.maskAt + 4));
    }
    this.#payload = undefined;
    this.#payloadLength = 0;
    this.#headLength = 0;
    this.#frame = undefined;
    if (frame.opcode >= CLOSE) return this.#finishControl(frame.opcode, payload);
    if (!frame.isFinal) {
      // Copied: small ones would keep alive all of what they came in.
      (this.#fragments ??= []).push(new Uint8Array(payload));
      this.#fragmentsLength += payload.length;
      return;
    }
    const message = this.#fragments === undefined
      ? payload
      : Buffer.concat([...this.#fragments, payload]);
    this.#fragments = undefined;
    this.#fragmentsLength = 0;
    this.#sink.message(message);
  }

  #finishControl(opcode: number, payload: Uint8Array): void {
    if (opcode === PING) return this.#sink.ping(payload);
    if (opcode !== CLOSE) return;
    this.#isClosed = true;
    if (payload.length === 0) return this.#sink.close(1005, "");
    if (payload.length === 1) throw new ProtocolError("A close frame has half a code");
    const reason = new TextDecoder().decode(payload.subarray(2));
    this.#sink.close(readUint16(payload, 0), reason);
  }
}

/**
 * A whole message in one frame. `masked`: as a client sends it. `memory` is where it is put, if there
 * is room; what is in there is of no use any more.
 */
export function encodeMessage(
  parts: readonly Uint8Array[],
  masked: boolean,
  memory?: ArrayBuffer,
): Uint8Array {
  return encodeFrame(BINARY, parts, { masked, memory });
}

export function encodeWebSocketPong(payload: Uint8Array, masked: boolean): Uint8Array {
  return encodeFrame(PONG, [payload], { masked });
}

/** `reason` is cut to what a control frame holds. */
export function encodeClose(code: number, reason: string, masked: boolean): Uint8Array {
  const payload = new Uint8Array(MAX_CONTROL_BYTES);
  writeUint16(payload, 0, code);
  // Writes whole characters only; half of one would be no UTF-8 (RFC 6455 §5.5.1).
  const { written } = new TextEncoder().encodeInto(reason, payload.subarray(2));
  return encodeFrame(CLOSE, [payload.subarray(0, 2 + written)], { masked });
}

/** What a server proves with that it has read the handshake (RFC 6455 §4.2.2). */
export function toAcceptKey(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

function encodeFrame(
  opcode: number,
  parts: readonly Uint8Array[],
  { masked, memory }: { readonly masked: boolean; readonly memory?: ArrayBuffer | undefined },
): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const extra = length < 126 ? 0 : length < 0x1_0000 ? 2 : 8;
  const headLength = 2 + extra + (masked ? 4 : 0);
  // So that the payload begins at a multiple of four: then it is masked a word at a time.
  const lead = -headLength & 3;
  const size = headLength + length;
  const bytes = memory !== undefined && memory.byteLength >= lead + size
    ? new Uint8Array(memory, lead, size)
    : new Uint8Array(lead + size).subarray(lead);
  bytes[0] = FINAL_BIT | opcode;
  bytes[1] = (masked ? MASK_BIT : 0) | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) writeUint16(bytes, 2, length);
  // The memory may have been used before: no byte may be left as it was.
  if (extra === 8) writeLength(bytes, writeUint16(bytes, 2, 0), length);
  let at = headLength;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  if (masked) {
    const mask = takeMask();
    bytes.set(mask, headLength - 4);
    applyMask(bytes.subarray(headLength), mask);
  }
  return bytes;
}

/** Random bytes for many masks: a call for each one costs more than a small frame. */
const maskPool = new Uint8Array(4096);
let maskPoolAt = maskPool.length;

function takeMask(): Uint8Array {
  if (maskPoolAt === maskPool.length) {
    randomFillSync(maskPool);
    maskPoolAt = 0;
  }
  maskPoolAt += 4;
  return maskPool.subarray(maskPoolAt - 4, maskPoolAt);
}

/** RFC 6455 §5.3, in place. */
function applyMask(bytes: Uint8Array, mask: Uint8Array): void {
  let at = 0;
  if ((bytes.byteOffset & 3) === 0 && bytes.length >= 32) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
    const [word = 0] = new Uint32Array(mask.slice().buffer, 0, 1);
    for (let i = 0; i < words.length; i++) words[i] = (words[i] ?? 0) ^ word;
    at = words.length * 4;
  }
  for (; at < bytes.length; at++) bytes[at] = (bytes[at] ?? 0) ^ (mask[at & 3] ?? 0);
}
