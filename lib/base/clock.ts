/** Time as a parameter, so that tests move it by hand instead of waiting. */

/** A timer that has been set; its clock alone knows what it is. Hand it to {@linkcode Clock.clear}. */
export type Timer = object | number;

export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
  /** Milliseconds that only ever grow, for measuring durations. */
  monotonic(): number;
  /** Calls `fire` once after `ms` milliseconds, unless cleared before. */
  after(ms: number, fire: () => void): Timer;
  /** Cancels a timer; harmless when it has fired. */
  clear(timer: Timer): void;
}

/** The computer's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, fire) => setTimeout(fire, ms),
  clear: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/** Waits `ms` milliseconds; resolves early, without an error, once `signal` aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clock.clear(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.after(ms, done);
    signal.addEventListener("abort", done, { once: true });
  });
}
