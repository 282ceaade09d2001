/** Values that the user gave, with the place of each, and how they become a program's options. */

import { ConfigError, type ConfigPlace } from "../base/errors.ts";
import { type Option, type OptionSet, type OptionValues, type RawValue, toKey } from "./option.ts";

/** One checked value of one option. */
export interface Given {
  readonly value: unknown;
  /** What the user wrote it as: `key "port"`, `option "--port"`. */
  readonly label: string;
  readonly place: ConfigPlace;
}

/** By the name of the option's declaration. */
export type Givens = ReadonlyMap<string, Given>;

/**
 * Checks one value.
 *
 * @throws {ConfigError} that says what was wanted, and what was given if that is not text.
 */
export function decodeGiven(
  option: Option<unknown>,
  raw: RawValue,
  origin: {
    readonly label: string;
    readonly place: ConfigPlace;
    readonly placeOfElement?: (index: number) => ConfigPlace;
  },
): Given {
  const decoded = option.decode(raw);
  if (decoded.ok) return { value: decoded.value, label: origin.label, place: origin.place };
  const { wanted, current, index } = decoded;
  const which = index === undefined ? "" : `value ${index + 1} `;
  const instead = current === undefined ? "" : `: current value is ${current}`;
  const place = index === undefined ? undefined : origin.placeOfElement?.(index);
  throw new ConfigError(
    `Cannot use ${origin.label}: ${which}must be ${wanted}${instead}`,
    withHint(place ?? origin.place, option.hint),
  );
}

/** The values of all options: of each the last layer that gives it, else its default. */
export function resolveOptions<O extends OptionSet>(
  options: O,
  layers: readonly Givens[],
  /** Names what lacks a value that has to be given. */
  whole: { readonly label: string; readonly place: ConfigPlace } = { label: "options", place: {} },
): { readonly values: OptionValues<O>; readonly given: Givens } {
  const given = new Map(layers.flatMap((layer) => [...layer]));
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) {
    const chosen = given.get(name) ?? option.fallback;
    if (chosen === undefined) {
      throw new ConfigError(
        `Cannot use ${whole.label}: "${toKey(name)}" is missing`,
        withHint(whole.place, option.hint),
      );
    }
    values[name] = chosen.value;
  }
  // Each value came out of its own option's decode or fallback.
  return { values: values as OptionValues<O>, given };
}

function withHint(place: ConfigPlace, hint: string | undefined): ConfigPlace {
  return hint === undefined ? place : { ...place, hint };
}
