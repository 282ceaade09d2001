/** The local web applications that a server's configuration file names. */

import { ConfigError, type ConfigPlace } from "../base/errors.ts";
import { resolveOptions } from "./given.ts";
import { type PlacedTable, readKeys, readTables } from "./keys.ts";
import { ORIGIN_OPTIONS } from "./server_options.ts";

/** A local web application, as the configuration has it. */
export interface OriginEntry {
  /** Begins and ends with `/`. */
  readonly path: string;
  /** Checked; `parseOriginUrl` takes it apart. */
  readonly url: string;
  readonly stripPrefix: boolean;
  /** "preserve", "origin", or an authority. */
  readonly hostHeader: string;
  readonly caFile: string | undefined;
  readonly insecure: boolean;
  readonly connectTimeoutMs: number;
  /** 0 for no limit. */
  readonly silenceTimeoutMs: number;
}

/**
 * `[[origins]]`.
 *
 * @throws {ConfigError} for two of the same path, among other faults.
 */
export function readOrigins(root: PlacedTable): readonly OriginEntry[] {
  const first = new Map<string, ConfigPlace>();
  return readTables(root, "origins").map((entry) => {
    const keys = readKeys(entry, { options: ORIGIN_OPTIONS });
    const { values } = resolveOptions(ORIGIN_OPTIONS, [keys], {
      label: "[[origins]]",
      place: entry.place,
    });
    const { connectTimeout, silenceTimeout, ...rest } = values;
    const path = `/${values.path.replace(/^\/|\/$/g, "")}/`.replace("//", "/");
    const place = keys.get("path")?.place ?? entry.place;
    const line = first.get(path)?.line;
    if (line !== undefined) {
      throw new ConfigError(
        `Cannot use [[origins]]: path "${path}" is given twice, first in line ${line}`,
        place,
      );
    }
    first.set(path, place);
    return {
      ...rest,
      path,
      connectTimeoutMs: connectTimeout * 1000,
      silenceTimeoutMs: silenceTimeout * 1000,
    };
  });
}

/** The one at `/` that is given by an option. */
export function toOnlyOrigin(url: string): OriginEntry {
  const { values } = resolveOptions({ ...ORIGIN_OPTIONS }, [
    new Map([
      ["path", { value: "/", label: "path", place: {} }],
      ["url", { value: url, label: 'option "--origin"', place: {} }],
    ]),
  ]);
  const { connectTimeout, silenceTimeout, ...rest } = values;
  return {
    ...rest,
    connectTimeoutMs: connectTimeout * 1000,
    silenceTimeoutMs: silenceTimeout * 1000,
  };
}
