/** A position in the text of a TOML document, and errors that name it without quoting the text. */

import { ConfigError } from "../base/errors.ts";

/** Line and column counted from 1; columns are UTF-16 code units, as editors count them. */
export interface TomlPlace {
  readonly line: number;
  readonly column: number;
}

export class TomlCursor {
  /** Offset of the next character, counted from 0. */
  offset = 0;
  readonly #text: string;
  readonly #file: string;
  readonly #lineStarts: readonly number[];

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
    const starts = [0];
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) {
      starts.push(at + 1);
    }
    this.#lineStarts = starts;
  }

  get isAtEnd(): boolean {
    return this.offset >= this.#text.length;
  }

  /** Whether the text goes on with `literal`. */
  sees(literal: string): boolean {
    return this.#text.startsWith(literal, this.offset);
  }

  /** Passes `literal` if the text goes on with it. */
  take(literal: string): boolean {
    if (!this.sees(literal)) return false;
    this.offset += literal.length;
    return true;
  }

  /** Passes and gives what the sticky `regexp` matches here; undefined where it does not. */
  match(regexp: RegExp): string | undefined {
    regexp.lastIndex = this.offset;
    const found = regexp.exec(this.#text)?.[0];
    if (found !== undefined) this.offset += found.length;
    return found;
  }

  placeOf(offset: number): TomlPlace {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 };
  }

  /** The error to throw for a fault at `offset`. `reason` is ours: never text of the document. */
  error(reason: string, offset = this.offset): ConfigError {
    return new ConfigError(`Cannot parse TOML: ${reason}`, {
      file: this.#file,
      ...this.placeOf(offset),
    });
  }
}
