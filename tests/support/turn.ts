/** Letting go of the event loop, for code under test that has to react before the test goes on. */

/** Resolves after all that is due by now: reactions to promises, and events of streams. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Turns until a condition is met, which without sockets takes a few; throws where it never is. */
export async function until(isMet: () => boolean): Promise<void> {
  for (let i = 0; !isMet(); i++) {
    if (i === 1_000) throw new Error("Waited in vain");
    await turn();
  }
}
