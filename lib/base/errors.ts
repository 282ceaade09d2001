/**
 * The error classes that somebody catches. Everything else throws TypeError (shape), RangeError
 * (bounds) or SyntaxError (text). A message is one sentence without a final period: action, quoted
 * value, colon, reason; it never holds a secret.
 */

/** Where in a configuration file, or on the command line, a fault is. */
export interface ConfigPlace {
  /** The file as the user named it, or undefined for the command line. */
  readonly file?: string;
  /** Line and column, counted from 1. */
  readonly line?: number;
  readonly column?: number;
  /** One sentence that tells the user what to do. */
  readonly hint?: string;
}

/** A configuration file, key or command-line option that cannot be used; exit code 2. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly place: ConfigPlace;
  constructor(message: string, place: ConfigPlace = {}, options?: ErrorOptions) {
    super(message, options);
    this.place = place;
  }
}

/** Bytes from a peer that do not follow the protocol: what was wrong, and where. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** A named bound was passed. */
export class LimitError extends Error {
  override readonly name = "LimitError";
  constructor(readonly limit: string, readonly value: number, message: string) {
    super(message);
  }
}

/** The other side, or our own shutdown, ended what was being waited for. */
export class ClosedError extends Error {
  override readonly name = "ClosedError";
}

/** The message of anything thrown, for a log line. */
export function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
