/** Reading from sockets, so that no fast one keeps the others waiting. */

import type { Socket } from "node:net";
import { setImmediate } from "node:timers";
import { Chain, type ChainLink } from "../base/chain.ts";

/** What flows: a socket, as far as that goes. */
type Flowing = Pick<Socket, "pause" | "resume" | "destroyed">;

/**
 * A socket's flow, which stops for two reasons: nobody has room for more, or others have not had
 * their turn. Its socket is to be paused and resumed by this alone.
 *
 * While any socket is busy, the runtime asks the system for news of the others in every 61st turn of
 * its event loop only, and in one turn it reads up to 2 MiB of each busy one: beside eight downloads
 * a small request waited for a third of a second. So a turn reads a bounded number of bytes, of one
 * socket; all that have more take it in turns.
 */
export class SocketFlow {
  readonly #socket: Flowing;
  #isPaused = false;
  /** In large pieces, since its last turn. */
  #takenBytes = 0;
  /** Its place among those that wait for their turn. */
  #place: ChainLink<SocketFlow> | undefined;

  constructor(socket: Flowing) {
    this.#socket = socket;
  }

  /** To be told of what has been read. */
  took({ length }: Uint8Array): void {
    if (length < LARGE_BYTES || this.#place !== undefined) return;
    this.#takenBytes += length;
    if (this.#takenBytes < TURN_BYTES) return;
    this.#takenBytes = 0;
    this.#socket.pause();
    this.#place = waiting.add(this);
    if (isTurnDue) return;
    isTurnDue = true;
    setImmediate(giveTurn);
  }

  /** Nobody has room for more. */
  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** There is room. */
  resume(): void {
    this.#isPaused = false;
    if (this.#place === undefined) this.#socket.resume();
  }

  /** Its turn has come. */
  proceed(): void {
    this.release();
    if (!this.#isPaused && !this.#socket.destroyed) this.#socket.resume();
  }

  /** The socket is somebody else's, or gone. */
  release(): void {
    if (this.#place !== undefined) waiting.remove(this.#place);
    this.#place = undefined;
  }
}

/** Half of what the runtime reads at a time. Most messages are smaller, and cost nothing here. */
const LARGE_BYTES = 32 * 1024;

/** How much of one socket is read in a turn: less takes more turns, more makes others wait. */
const TURN_BYTES = 128 * 1024;

/** Of the whole process, as its event loop is. */
const waiting = new Chain<SocketFlow>();
let isTurnDue = false;

function giveTurn(): void {
  waiting.first?.value.proceed();
  isTurnDue = waiting.size > 0;
  if (isTurnDue) setImmediate(giveTurn);
}
