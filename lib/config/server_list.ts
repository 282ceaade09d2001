/** The servers that a relay's configuration file names, in its newer and its older form. */

import { ConfigError, type ConfigPlace } from "../base/errors.ts";
import { escapeControls } from "../base/log.ts";
import { checkServerName } from "../base/server_name.ts";
import { decodeGiven, resolveOptions } from "./given.ts";
import { type PlacedTable, placeOf, readKeys, readTable, readTables, toRaw } from "./keys.ts";
import { SERVER_ENTRY_OPTIONS } from "./relay_options.ts";

/** A server that may connect to the relay. */
export interface ServerEntry {
  readonly name: string;
  /** Base64 of the BLAKE3 hash of the server's key. */
  readonly tripcode: string;
  /** What people see; the name where the file gives nothing else. */
  readonly displayName: string;
}

interface PlacedServer {
  readonly server: ServerEntry;
  readonly place: ConfigPlace;
}

/**
 * `[[servers]]`, then `[server_tripcodes]`.
 *
 * @throws {ConfigError} for two names that are equal ignoring case, among other faults.
 */
export function readServerList(root: PlacedTable): readonly ServerEntry[] {
  const all = [...readEntries(root), ...readTripcodes(root)];
  const first = new Map<string, ConfigPlace>();
  for (const { server, place } of all) {
    const name = server.name.toLowerCase();
    const line = first.get(name)?.line;
    if (line !== undefined) {
      throw new ConfigError(
        `Cannot use server "${server.name}": name given twice, first in line ${line}`,
        place,
      );
    }
    first.set(name, place);
  }
  return all.map(({ server }) => server);
}

function readEntries(root: PlacedTable): PlacedServer[] {
  return readTables(root, "servers").map((entry) => {
    const keys = readKeys(entry, { options: SERVER_ENTRY_OPTIONS });
    const { values } = resolveOptions(SERVER_ENTRY_OPTIONS, [keys], {
      label: "[[servers]]",
      place: entry.place,
    });
    const { name, tripcode, displayName = name } = values;
    return {
      server: { name, tripcode, displayName },
      place: keys.get("name")?.place ?? entry.place,
    };
  });
}

function readTripcodes(root: PlacedTable): PlacedServer[] {
  const section = readTable(root, "server_tripcodes");
  if (section === undefined) return [];
  return [...section.table].map(([name, entry]) => {
    const place = placeOf(entry, section.place);
    const wanted = checkServerName(name);
    const label = `key "${escapeControls(name)}"`;
    if (wanted !== undefined) {
      throw new ConfigError(`Cannot use ${label}: a server's name must be ${wanted}`, place);
    }
    const { tripcode: option } = SERVER_ENTRY_OPTIONS;
    const tripcode = String(decodeGiven(option, toRaw(entry.value), { label, place }).value);
    return { server: { name, tripcode, displayName: name }, place };
  });
}
