/** Letting go of the event loop, for code under test that has to react before the test goes on. */

/** Resolves after all that is due by now: reactions to promises, and events of streams. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
