/** One direction of a connection through a faulty network: late, slow or wrong, but in order. */

import type { Socket } from "node:net";

/** More than this is not taken from the sender while it cannot go on. */
const MAX_QUEUED_BYTES = 256 * 1024;
/** A slow link passes so many pieces a second. */
const PIECES_PER_SECOND = 20;

/** How a network is now; shared by all connections through it. */
export interface NetworkCondition {
  /** Passes nothing on, and says nothing. */
  isFrozen: boolean;
  /** On top of what the computer itself takes. */
  delayMs: number;
  /** In each direction of each connection; Infinity for no limit. */
  bytesPerSecond: number;
  /** May change what passes. */
  corrupt: ((chunk: Uint8Array) => void) | undefined;
}

interface Queued {
  /** Undefined for the end of what the sender has to say. */
  readonly bytes: Uint8Array | undefined;
  readonly dueAt: number;
}

export class FaultPipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #condition: NetworkCondition;
  readonly #queue: Queued[] = [];
  #queuedBytes = 0;
  /** When a slow link can take the next piece. */
  #freeAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isFull = false;
  #isStopped = false;
  #isSenderGone = false;

  constructor(from: Socket, to: Socket, condition: NetworkCondition) {
    this.#from = from;
    this.#to = to;
    this.#condition = condition;
    from.on("data", (chunk: Uint8Array) => {
      condition.corrupt?.(chunk);
      this.#push(chunk);
    });
    from.on("end", () => this.#push(undefined));
    to.on("drain", () => {
      this.#isFull = false;
      this.update();
    });
    to.once("close", () => this.stop());
  }

  /** Goes by the condition as it is now. */
  update(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pump();
    const isHeld = this.#isStopped || this.#condition.isFrozen || this.#isFull ||
      this.#queuedBytes > MAX_QUEUED_BYTES;
    if (isHeld) this.#from.pause();
    else this.#from.resume();
  }

  /** Passes nothing on any more, whatever the condition. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#from.pause();
  }

  /** Ends what goes this way, in good order, though the sender has not. */
  end(): void {
    this.#to.end();
  }

  /** The sender has gone in good order: what is on the way arrives, and then the receiver is let go. */
  finish(): void {
    this.#isSenderGone = true;
    if (this.#isStopped) this.#to.destroy();
    else this.update();
  }

  #push(bytes: Uint8Array | undefined): void {
    this.#queue.push({ bytes, dueAt: performance.now() + this.#condition.delayMs });
    this.#queuedBytes += bytes?.length ?? 0;
    this.update();
  }

  #pump(): void {
    if (this.#isStopped || this.#condition.isFrozen) return;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (this.#isFull) return;
      const now = performance.now();
      const waitMs = Math.max(next.dueAt, this.#freeAt) - now;
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.update(), Math.ceil(waitMs));
        return;
      }
      this.#pass(next, now);
    }
    if (this.#isSenderGone) this.#to.destroy();
  }

  #pass({ bytes, dueAt }: Queued, now: number): void {
    this.#queue.shift();
    if (bytes === undefined) return void this.#to.end();
    const { bytesPerSecond } = this.#condition;
    const most = Math.max(1, Math.floor(bytesPerSecond / PIECES_PER_SECOND));
    const piece = bytes.subarray(0, most);
    if (piece.length < bytes.length) {
      this.#queue.unshift({ bytes: bytes.subarray(piece.length), dueAt });
    }
    this.#queuedBytes -= piece.length;
    this.#freeAt = now + piece.length / bytesPerSecond * 1000;
    if (this.#to.writable && !this.#to.write(piece)) this.#isFull = true;
  }
}
