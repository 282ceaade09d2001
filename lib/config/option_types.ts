/** Makers of options, one per type of value. */

import type { Decoded, Option, OptionSource, RawValue, Refusal } from "./option.ts";

/** What every option says of itself; the rest follows from its type. */
interface Spec {
  readonly description: string;
  readonly hint?: string;
  readonly source?: OptionSource;
  readonly placeholder?: string;
  /** In place of the default as it would be written, where that says too little. */
  readonly defaultText?: string;
  readonly aliases?: readonly string[];
}

/** What is wanted in place of `value`; undefined where it is right. */
export type Check<T> = (value: T) => string | undefined;

interface Kind<T> {
  readonly type: string;
  readonly placeholder: string | undefined;
  readonly fallback: { readonly value: T } | undefined;
  readonly repeatable?: boolean;
  readonly parseText: (text: string) => RawValue;
  readonly decode: (raw: RawValue) => Decoded<T>;
}

/** Text; "" is refused, since no option has a use for it. */
export function stringOption<D extends string | undefined>(
  spec: Spec & { readonly default: D; readonly check?: Check<string> },
): Option<string | D> {
  return createOption<string | D>(spec, {
    ...stringKind(spec.check),
    fallback: { value: spec.default },
  });
}

/** Text that has to be given. */
export function requiredStringOption(
  spec: Spec & { readonly check?: Check<string> },
): Option<string> {
  return createOption<string>(spec, { ...stringKind(spec.check), fallback: undefined });
}

/** One of a few words. */
export function choiceOption<const C extends string>(
  spec: Spec & { readonly default: NoInfer<C>; readonly choices: readonly C[] },
): Option<C> {
  const wanted = `one of ${spec.choices.join(", ")}`;
  return createOption<C>(spec, {
    type: wanted,
    placeholder: "WORD",
    fallback: { value: spec.default },
    parseText: (text) => text,
    decode: (raw) => {
      const value = spec.choices.find((choice) => choice === raw);
      return value === undefined ? refuse(wanted, raw) : { ok: true, value };
    },
  });
}

/** True or false; as a flag it needs no value. */
export function switchOption(spec: Spec & { readonly default?: boolean }): Option<boolean> {
  return createOption<boolean>(spec, {
    type: "true or false",
    placeholder: undefined,
    fallback: { value: spec.default ?? false },
    parseText: (text) => text === "true" || (text === "false" ? false : text),
    decode: (raw) =>
      typeof raw === "boolean" ? { ok: true, value: raw } : refuse("true or false", raw),
  });
}

/** A TCP port; 0 means any free one. */
export function portOption(spec: Spec & { readonly default: number }): Option<number> {
  const wanted = "an integer from 0 to 65535";
  return createOption<number>(spec, {
    type: wanted,
    placeholder: "PORT",
    fallback: { value: spec.default },
    parseText: parseNumber,
    decode: (raw) => isPort(raw) ? { ok: true, value: raw } : refuseNumber(wanted, raw),
  });
}

/** A TCP port, or false for no listener at all. */
export function portOrFalseOption(
  spec: Spec & { readonly default: number | false },
): Option<number | false> {
  const wanted = "an integer from 0 to 65535, or false";
  return createOption<number | false>(spec, {
    type: wanted,
    placeholder: "PORT|false",
    fallback: { value: spec.default },
    parseText: (text) => text === "false" ? false : parseNumber(text),
    decode: (raw) =>
      raw === false || isPort(raw) ? { ok: true, value: raw } : refuseNumber(wanted, raw),
  });
}

/** A duration in seconds, whole or not. */
export function secondsOption<D extends number | undefined>(
  spec: Spec & { readonly default: D; readonly max: number },
): Option<number | D> {
  const wanted = `a number of seconds from 0 to ${spec.max}`;
  return createOption<number | D>(spec, {
    type: wanted,
    placeholder: "SECONDS",
    fallback: { value: spec.default },
    parseText: parseNumber,
    decode: (raw) =>
      typeof raw === "number" && raw >= 0 && raw <= spec.max
        ? { ok: true, value: raw }
        : refuseNumber(wanted, raw),
  });
}

/** How many there may be. */
export function countOption(
  spec: Spec & { readonly default: number; readonly max: number },
): Option<number> {
  const wanted = `an integer from 1 to ${spec.max}`;
  return createOption<number>(spec, {
    type: wanted,
    placeholder: "COUNT",
    fallback: { value: spec.default },
    parseText: parseNumber,
    decode: (raw) =>
      typeof raw === "number" && Number.isInteger(raw) && raw >= 1 && raw <= spec.max
        ? { ok: true, value: raw }
        : refuseNumber(wanted, raw),
  });
}

/** A list of texts; as a flag it is repeated, once per element. */
export function listOption(
  spec: Spec & { readonly check?: Check<string> },
): Option<readonly string[]> {
  const element = stringKind(spec.check);
  return createOption<readonly string[]>(spec, {
    type: "list of strings",
    placeholder: "TEXT",
    fallback: { value: [] },
    repeatable: true,
    parseText: (text) => text,
    decode: (raw) => {
      if (!Array.isArray(raw)) return refuse("a list of strings", raw);
      const values: string[] = [];
      for (const [index, each] of raw.entries()) {
        const decoded = element.decode(each);
        if (!decoded.ok) return { ...decoded, index };
        values.push(decoded.value);
      }
      return { ok: true, value: values };
    },
  });
}

// RFC 3339 §5.6; the date is checked by reading it back.
const INSTANT_REGEXP =
  /^(\d{4}-\d{2}-\d{2})[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** A point in time that has to be given: RFC 3339 text, or a TOML date-time with an offset. */
export function requiredInstantOption(spec: Spec): Option<Date> {
  const wanted = "a time with its zone, as 2026-11-01T00:00:00Z";
  return createOption<Date>(spec, {
    type: "time (RFC 3339)",
    placeholder: "TIME",
    fallback: undefined,
    parseText: (text) => text,
    decode: (raw) => {
      const value = raw instanceof Date ? raw : parseInstant(raw);
      return value === undefined ? refuse(wanted, raw) : { ok: true, value };
    },
  });
}

function parseInstant(raw: RawValue): Date | undefined {
  const day = typeof raw === "string" ? INSTANT_REGEXP.exec(raw)?.[1] : undefined;
  if (typeof raw !== "string" || day === undefined) return undefined;
  const isRealDay = new Date(`${day}T00:00:00Z`).getUTCDate() === Number(day.slice(8));
  const value = new Date(raw.toUpperCase().replace(" ", "T"));
  return isRealDay && !Number.isNaN(value.getTime()) ? value : undefined;
}

function stringKind(check?: Check<string>): Omit<Kind<string>, "fallback"> {
  return {
    type: "string",
    placeholder: "TEXT",
    parseText: (text) => text,
    decode: (raw) => {
      if (typeof raw !== "string") return refuse("a string", raw);
      const wanted = raw === "" ? "a string that is not empty" : check?.(raw);
      return wanted === undefined ? { ok: true, value: raw } : { ok: false, wanted };
    },
  };
}

/** Says of what type the value is, and no more. */
function refuse(wanted: string, raw: RawValue): Refusal {
  if (typeof raw === "string") return { ok: false, wanted };
  const type = Array.isArray(raw)
    ? "list"
    : raw instanceof Date
    ? "time"
    : typeof raw === "object"
    ? "table"
    : typeof raw;
  return { ok: false, wanted, current: `a ${type}` };
}

/** Shows a number that is none of those wanted. */
function refuseNumber(wanted: string, raw: RawValue): Refusal {
  if (typeof raw === "string") return { ok: false, wanted, current: "a string" };
  return typeof raw === "number"
    ? { ok: false, wanted, current: String(raw) }
    : refuse(wanted, raw);
}

function isPort(raw: RawValue): raw is number {
  return typeof raw === "number" && Number.isInteger(raw) && raw >= 0 && raw <= 65535;
}

/** A decimal number, or the text itself, which no check for a number passes. */
function parseNumber(text: string): RawValue {
  return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
}

function createOption<T>(spec: Spec, kind: Kind<T>): Option<T> {
  return {
    description: spec.description,
    hint: spec.hint,
    source: spec.source ?? "key and flag",
    placeholder: kind.placeholder === undefined ? undefined : spec.placeholder ?? kind.placeholder,
    type: kind.type,
    defaultText: spec.defaultText ?? toDefaultText(kind.fallback?.value),
    fallback: kind.fallback,
    repeatable: kind.repeatable ?? false,
    aliases: spec.aliases ?? [],
    parseText: kind.parseText,
    decode: kind.decode,
  };
}

function toDefaultText(value: unknown): string | undefined {
  return value === undefined || (Array.isArray(value) && value.length === 0)
    ? undefined
    : String(value);
}
