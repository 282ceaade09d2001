/**
 * One declaration per option, from which come its key in the configuration file, its command-line
 * flag, its line in `--help`, its row in the README's table and the type of its value.
 */

/** Where an option may be given. Secrets are `key` only: a command line is visible to every user. */
export type OptionSource = "key and flag" | "key" | "flag";

/** A value as it comes from a configuration file or a flag, before it is checked. */
export type RawValue =
  | string
  | number
  | boolean
  | Date
  | readonly RawValue[]
  | ReadonlyMap<string, unknown>;

/** What a check found. */
export type Decoded<T> = { readonly ok: true; readonly value: T } | Refusal;

export interface Refusal {
  readonly ok: false;
  /** What was wanted: "an integer from 0 to 65535". */
  readonly wanted: string;
  /** What was given, as far as it may be shown: never text, which may be a misplaced secret. */
  readonly current?: string;
  /** Which element is meant, counted from 0, where the value is a list. */
  readonly index?: number;
}

export interface Option<T> {
  /** One phrase for people, without a final period. */
  readonly description: string;
  /** One sentence for whoever gave none, or a wrong one. */
  readonly hint: string | undefined;
  readonly source: OptionSource;
  /** What stands for the value in the usage text; undefined for a switch, which takes none. */
  readonly placeholder: string | undefined;
  /** What may be given: "string", "integer from 0 to 65535", "list of strings" … */
  readonly type: string;
  /** The default as it would be written in a file; undefined where there is none. */
  readonly defaultText: string | undefined;
  /** The value where none is given; undefined where one must be. */
  readonly fallback: { readonly value: T } | undefined;
  /** May be given several times as a flag. */
  readonly repeatable: boolean;
  /** Further spellings of the flag, without dashes. */
  readonly aliases: readonly string[];
  /** The value that the text after a flag stands for, not yet checked. */
  readonly parseText: (text: string) => RawValue;
  readonly decode: (raw: RawValue) => Decoded<T>;
}

export type OptionSet = Readonly<Record<string, Option<unknown>>>;

/** The values of a set of options, by the names of their declarations. */
export type OptionValues<O extends OptionSet> = {
  readonly [Name in keyof O]: O[Name] extends Option<infer T> ? T : never;
};

/** `relayUrl` as a key of a configuration file: `relay_url`. */
export function toKey(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** `relayUrl` as a flag, without dashes: `relay-url`. */
export function toFlag(name: string): string {
  return toKey(name).replaceAll("_", "-");
}
