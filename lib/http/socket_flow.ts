/** Reading from sockets, so that no fast one keeps the others waiting. */

import type { Socket } from "node:net";
import { type LoopTurn, type LoopTurns, loopTurns } from "../base/loop_turns.ts";

/** What flows: a socket, as far as that goes. */
type Flowing = Pick<Socket, "pause" | "resume" | "destroyed">;

/**
 * A socket's flow, which stops for two reasons: nobody has room for more, or others have not had
 * their turn. Its socket is to be paused and resumed by this alone.
 *
 * The runtime reads up to 2 MiB of each busy socket in one turn of its event loop: beside eight
 * downloads a small request waited for a third of a second. So a turn reads a bounded number of
 * bytes, of one socket; all that have more take it in turns.
 */
export class SocketFlow {
  readonly #socket: Flowing;
  readonly #turns: LoopTurns;
  #isPaused = false;
  /** Bytes since its last turn. */
  #takenBytes = 0;
  /** True where the last piece was a large one, as of a download, so that more will be there. */
  #isBulk = false;
  /** Its place among those that wait for their turn. */
  #place: LoopTurn | undefined;

  constructor(socket: Flowing, turns: LoopTurns = loopTurns) {
    this.#socket = socket;
    this.#turns = turns;
  }

  /** To be told of what has been read. */
  took({ length }: Uint8Array): void {
    if (this.#place !== undefined) return;
    this.#takenBytes += length;
    this.#isBulk = length >= BULK_PIECE_BYTES;
    const isFull = this.#isBulk && this.#turns.move(length);
    if (isFull || this.#takenBytes >= TURN_BYTES) this.#awaitTurn();
  }

  /** Nobody has room for more. */
  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  /** There is room. */
  resume(): void {
    this.#isPaused = false;
    if (this.#place !== undefined) return;
    // A thousand that may go on at once, as when their readers leave, would be one turn.
    if (this.#isBulk && this.#turns.move(BULK_PIECE_BYTES)) this.#awaitTurn();
    else this.#socket.resume();
  }

  /** The socket is somebody else's, or gone. */
  release(): void {
    if (this.#place !== undefined) this.#turns.leave(this.#place);
    this.#place = undefined;
  }

  #awaitTurn(): void {
    this.#takenBytes = 0;
    this.#socket.pause();
    this.#place = this.#turns.add(() => this.#proceed());
  }

  #proceed(): void {
    this.release();
    if (!this.#isPaused && !this.#socket.destroyed) this.#socket.resume();
  }
}

/** How much of one socket is read in a turn: less takes more turns, more makes others wait. */
const TURN_BYTES = 128 * 1024;

/** From when a piece is a large one: what TLS has in a record. */
const BULK_PIECE_BYTES = 16 * 1024;
