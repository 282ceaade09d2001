/** Writes one answer to a socket: its head together with the first bytes, then piece by piece. */

import type { Socket } from "node:net";
import { MAX_PIECE_BYTES } from "../base/limits.ts";
import { CHUNK_END, toChunkStart } from "./chunk_text.ts";
import { encodeLatin1 } from "../base/latin1.ts";
import { writePart } from "./write_part.ts";

/** An answer on its way. */
export interface Ongoing {
  /** True where nothing more is needed of whoever gave it. */
  readonly isAllHere: boolean;
  /** The connection is gone. */
  abandon(): void;
}

export interface AnswerWriterOptions {
  /** Everything up to the body. */
  readonly head: string;
  readonly isChunked: boolean;
  /** There is room again, after {@linkcode AnswerWriter.write} has said that there is none. */
  readonly drained: () => void;
  /** All of the answer has been handed to the network; called once, never if that fails. */
  readonly handedOver: () => void;
}

/**
 * No more than a piece is on its way at a time: then the silence watch sees a slow reader move, and
 * others have a turn. What the socket says is not enough, since it takes any number of bytes as long
 * as the system does.
 */
export class AnswerWriter implements Ongoing {
  readonly isAllHere = true;
  readonly #socket: Socket;
  readonly #options: AnswerWriterOptions;
  /** The head until it is written, then nothing. */
  #head: string;
  /** What is left of the bytes given last. */
  #rest: Uint8Array | undefined;
  /** Those bytes, where their memory is to be given back once they are written. */
  #owned: Uint8Array | undefined;
  /** What comes behind the body, once that has ended. */
  #tail: string | undefined;
  #isEnded = false;
  /** Bytes that have not been handed to the network. */
  #pendingBytes = 0;
  #isFull = false;

  constructor(socket: Socket, options: AnswerWriterOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#head = options.head;
  }

  /** Sends the head, if the body has not taken it along. */
  flushHead(): void {
    if (this.#head !== "") this.#writeText(this.#head);
    this.#head = "";
  }

  /**
   * Some of the body, not empty; false if no more may be given before there is room again. `isOwned`
   * for what nobody else holds: its memory is given back.
   */
  write(bytes: Uint8Array, isOwned: boolean): boolean {
    this.#rest = bytes;
    this.#owned = isOwned ? bytes : undefined;
    this.#writeRest();
    this.#isFull = this.#pendingBytes >= MAX_PIECE_BYTES;
    return !this.#isFull;
  }

  /** The body has ended; `tail` is what chunked coding has behind it. */
  end(tail: string): void {
    this.#tail = tail;
    if (this.#rest === undefined) this.#writeTail();
  }

  abandon(): void {
    this.#rest = undefined;
  }

  #writeRest(): void {
    while (this.#rest !== undefined && this.#pendingBytes < MAX_PIECE_BYTES) {
      const rest: Uint8Array = this.#rest;
      const isLast = rest.length <= MAX_PIECE_BYTES;
      this.#rest = isLast ? undefined : rest.subarray(MAX_PIECE_BYTES);
      if (isLast) this.#writePiece(rest, this.#owned);
      else this.#writePiece(rest.subarray(0, MAX_PIECE_BYTES), undefined);
    }
  }

  /** `owned` is what has been written whole with this piece. */
  #writePiece(bytes: Uint8Array, owned: Uint8Array | undefined): void {
    const { isChunked } = this.#options;
    const { length } = bytes;
    // RFC 9112 §7.1: a chunk's size, itself, and a line's end.
    const before = isChunked ? this.#head + toChunkStart(length) : this.#head;
    this.#head = "";
    this.#pendingBytes += length;
    const written = (error?: Error | null): void => this.#written(length, error);
    writePart(this.#socket, { before, bytes, after: isChunked ? CHUNK_END : "", owned, written });
  }

  #writeTail(): void {
    const text = this.#head + this.#tail;
    this.#head = "";
    this.#tail = undefined;
    this.#isEnded = true;
    if (text !== "") this.#writeText(text);
    else if (this.#pendingBytes === 0) this.#options.handedOver();
  }

  #writeText(text: string): void {
    this.#pendingBytes += text.length;
    this.#socket.write(encodeLatin1(text), (error) => this.#written(text.length, error));
  }

  #written(bytes: number, error: Error | null | undefined): void {
    // The close event tells of it.
    if (error !== undefined && error !== null) return;
    this.#pendingBytes -= bytes;
    if (this.#isEnded) {
      if (this.#pendingBytes === 0) this.#options.handedOver();
      return;
    }
    this.#writeRest();
    if (this.#rest === undefined && this.#tail !== undefined) this.#writeTail();
    if (!this.#isFull || this.#pendingBytes >= MAX_PIECE_BYTES) return;
    this.#isFull = false;
    this.#options.drained();
  }
}
