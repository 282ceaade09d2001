/** What was asked for does not exist; the message says what does. */
export class UsageError extends Error {
  override name = "UsageError";
}
