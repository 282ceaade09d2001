/** The system's clock put on, so that what a test has just written is settled. */

import { type Clock, systemClock } from "../../lib/base/clock.ts";

export const laterClock: Clock = { ...systemClock, now: () => systemClock.now() + 10_000 };
