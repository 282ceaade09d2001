/** The files of a folder as entries of an archive, opened when their turn comes. */

import type { ArchiveEntry, ArchiveFile, OpenedFile } from "../archive/entry.ts";
import { MAX_OPEN_ATTEMPTS } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import type { ChangedFault, Confinement, RefusedFault } from "./confinement.ts";
import { type FileFault, isFault } from "./file_system.ts";
import type { WalkedEntry } from "./walk_folder.ts";

export interface EntrySource {
  readonly confinement: Confinement;
  /** Names from the root down to the folder that is archived. */
  readonly segments: readonly string[];
  /** Name of the one folder at the top of the archive: extracting strews nothing about. */
  readonly top: string;
  readonly log: Logger;
}

/**
 * The entry to what was found on a walk. A file that by its turn is gone or may not be read is left
 * out, as it would be from a walk begun later.
 */
export function toArchiveEntry({ path, located }: WalkedEntry, source: EntrySource): ArchiveEntry {
  const { size, mtime, kind } = located.stat;
  const entry = { path: [source.top, ...path], mtime };
  if (kind === "directory") return { ...entry, kind };
  const open = (): OpenedFile | undefined => {
    const opened = openFile([...source.segments, ...path], source.confinement);
    if (!isFault(opened)) return opened;
    if (opened.fault === "busy" || opened.fault === "changed") {
      // It is there and may be read: an archive without it would be taken for whole.
      throw new Error(`Cannot archive file "${path.join("/")}": it is ${opened.fault}`);
    }
    const reason = opened.fault;
    source.log.debug("File was left out of an archive", { path: path.join("/"), reason });
    return undefined;
  };
  return { ...entry, kind: "file", size, open };
}

/** The file with the length that was announced for it: its turn must bring that many bytes. */
export function withAnnouncedSize(file: ArchiveFile): ArchiveFile {
  const { size } = file;
  const open = (): OpenedFile => {
    const opened = file.open();
    if (opened !== undefined && opened.size >= size) return { ...opened, size };
    opened?.close();
    throw new Error(`Cannot archive file "${file.path.join("/")}": it is gone or has shrunk`);
  };
  return { ...file, open };
}

// By its names from the root, as if it were asked for now: what has become a link is seen.
function openFile(
  segments: readonly string[],
  confinement: Confinement,
): OpenedFile | FileFault | RefusedFault | ChangedFault {
  for (let attempt = 1;; attempt++) {
    const located = confinement.locate(segments);
    if (isFault(located)) return located;
    if (located.stat.kind !== "file") return { fault: "missing" };
    const file = confinement.open(located);
    if (!isFault(file)) {
      const { size } = located.stat;
      return { size, read: (buffer) => file.read(buffer), close: () => file.close() };
    }
    if (file.fault !== "changed" || attempt === MAX_OPEN_ATTEMPTS) return file;
  }
}
