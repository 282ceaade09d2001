/** Polling with a deadline: the programs under test give no event to wait for. */

const POLL_INTERVAL_MS = 50;

/** @throws {Error} when `isTrue` has not held within `deadlineMs`, or throws itself */
export async function until(
  what: string,
  deadlineMs: number,
  isTrue: () => Promise<boolean>,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!await isTrue()) {
    if (performance.now() > end) throw new Error(`Not within ${deadlineMs} ms: ${what}`);
    await delay(POLL_INTERVAL_MS);
  }
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
