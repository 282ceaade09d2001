/** Writes one answer to a socket: its head together with the first bytes, then piece by piece. */

import type { Socket } from "node:net";
import { MAX_PIECE_BYTES } from "../base/limits.ts";
import { encodeChunk } from "./encode_chunk.ts";
import { encodeLatin1, joinLatin1 } from "./latin1.ts";
import { freeChunk } from "./owned_chunks.ts";

/** An answer on its way. */
export interface Ongoing {
  /** True where nothing more is needed of whoever gave it. */
  readonly isAllHere: boolean;
  /** The socket has room again. */
  drain(): void;
  /** The connection is gone. */
  abandon(): void;
}

export interface AnswerWriterOptions {
  /** Everything up to the body. */
  readonly head: string;
  readonly isChunked: boolean;
  /** All of the answer has been handed to the network; called once, never if that fails. */
  readonly handedOver: () => void;
}

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
  /** Writes that have not been handed to the network. */
  #writing = 0;
  /** What comes behind the body, once that has ended. */
  #tail: string | undefined;
  #isEnded = false;

  constructor(socket: Socket, options: AnswerWriterOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#head = options.head;
  }

  /** Sends the head, if the body has not taken it along. */
  flushHead(): void {
    if (this.#head === "") return;
    this.#write(encodeLatin1(this.#head));
    this.#head = "";
  }

  /**
   * Some of the body, not empty; false if no more should be given before {@linkcode drain} says so.
   * `isOwned` for what nobody else holds: its memory is given back.
   */
  write(bytes: Uint8Array, isOwned: boolean): boolean {
    this.#rest = bytes;
    this.#owned = isOwned ? bytes : undefined;
    return this.#writeRest();
  }

  /** The body has ended; `tail` is what chunked coding has behind it. */
  end(tail: string): void {
    this.#tail = tail;
    if (this.#rest === undefined) this.#writeTail();
  }

  /** The socket has room again; true if the answer's next bytes may be given. */
  drain(): boolean {
    if (!this.#writeRest()) return false;
    if (this.#tail !== undefined) this.#writeTail();
    return true;
  }

  abandon(): void {
    this.#rest = undefined;
  }

  /** In pieces, each after the one before, so that the silence watch sees a slow reader move. */
  #writeRest(): boolean {
    let hasRoom = true;
    while (hasRoom && this.#rest !== undefined) {
      const rest: Uint8Array = this.#rest;
      const isLast = rest.length <= MAX_PIECE_BYTES;
      this.#rest = isLast ? undefined : rest.subarray(MAX_PIECE_BYTES);
      hasRoom = this.#writePiece(
        isLast ? rest : rest.subarray(0, MAX_PIECE_BYTES),
        isLast ? this.#owned : undefined,
      );
    }
    return hasRoom;
  }

  /** `owned` is what has been written whole with this piece. */
  #writePiece(piece: Uint8Array, owned: Uint8Array | undefined): boolean {
    const head = this.#head;
    this.#head = "";
    if (!this.#options.isChunked && head === "") return this.#write(piece, owned);
    const joined = this.#options.isChunked ? encodeChunk(piece, head) : joinLatin1(head, piece);
    if (owned !== undefined) freeChunk(owned);
    return this.#write(joined, joined);
  }

  #writeTail(): void {
    const text = this.#head + this.#tail;
    this.#head = "";
    this.#tail = undefined;
    this.#isEnded = true;
    if (text !== "") this.#write(encodeLatin1(text));
    else if (this.#writing === 0) this.#options.handedOver();
  }

  #write(bytes: Uint8Array, owned?: Uint8Array): boolean {
    this.#writing++;
    return this.#socket.write(
      bytes,
      owned === undefined ? this.#written : (error) => {
        if (error === undefined || error === null) freeChunk(owned);
        this.#written(error);
      },
    );
  }

  readonly #written = (error?: Error | null): void => {
    if (error !== undefined && error !== null) return;
    this.#writing--;
    if (this.#isEnded && this.#writing === 0) this.#options.handedOver();
  };
}
