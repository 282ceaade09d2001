/** Turns of the event loop, for work that comes in many pieces and would leave no room for others. */

import { setImmediate } from "node:timers";
import { Chain, type ChainLink } from "./chain.ts";

/** A place among those that wait. */
export type LoopTurn = ChainLink<() => void>;

/**
 * Of the whole process, as its event loop is. While anything is busy, the runtime asks the system
 * for news in every 61st turn of the loop only: so a turn has one piece of such work, and all that
 * have more take it in turns.
 */
const waiting = new Chain<() => void>();
let isTurnDue = false;

/** Has a piece of work, as moving up to 256 KiB, done in a turn of its own. */
export function awaitLoopTurn(work: () => void): LoopTurn {
  const place = waiting.add(work);
  if (!isTurnDue) {
    isTurnDue = true;
    setImmediate(giveTurn);
  }
  return place;
}

/** Gives a place up; harmless once its turn has come. */
export function leaveLoopTurn(place: LoopTurn): void {
  waiting.remove(place);
}

function giveTurn(): void {
  const { first } = waiting;
  if (first !== undefined) {
    waiting.remove(first);
    first.value();
  }
  isTurnDue = waiting.size > 0;
  if (isTurnDue) setImmediate(giveTurn);
}
