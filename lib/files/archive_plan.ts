/**
 * How long an archive will be, where that can be known before it is sent: then a download shows how
 * far it is, and one that was cut is never taken for whole.
 */

import type { ArchiveEntry } from "../archive/entry.ts";
import { MAX_PLANNED_ENTRIES } from "../base/limits.ts";
import { Pacer } from "../base/pacer.ts";
import { withAnnouncedSize } from "./archive_entries.ts";

export interface ArchivePlan {
  /** In bytes; undefined where there are too many entries, or one whose length is not known. */
  readonly length: number | undefined;
  readonly entries: AsyncIterable<ArchiveEntry>;
}

export interface PlanOptions extends LengthRules {
  /** Aborts when nobody waits for the plan any more: then it is none of all entries. */
  readonly signal: AbortSignal | undefined;
}

export interface LengthRules {
  readonly isLengthKnown: (entry: ArchiveEntry) => boolean;
  /** The length in bytes of an archive of entries whose length is known. */
  readonly lengthOf: (entries: readonly ArchiveEntry[]) => number;
}

/**
 * Looks ahead as far as is of use. Files that cannot be opened now are left out; once a length is
 * announced, one that cannot be read whole fails the archive.
 */
export async function planArchive(
  walk: AsyncGenerator<ArchiveEntry>,
  { isLengthKnown, lengthOf, signal }: PlanOptions,
): Promise<ArchivePlan> {
  const planned: ArchiveEntry[] = [];
  while (planned.length < MAX_PLANNED_ENTRIES && signal?.aborted !== true) {
    const { value: entry, done } = await walk.next();
    if (done === true) return announced(planned, lengthOf(planned));
    if (isLengthKnown(entry) && !isReadable(entry)) continue;
    planned.push(entry);
    if (!isLengthKnown(entry)) break;
  }
  return { length: undefined, entries: chain(planned, walk) };
}

function isReadable(entry: ArchiveEntry): boolean {
  if (entry.kind === "directory") return true;
  const file = entry.open();
  file?.close();
  return file !== undefined;
}

function announced(planned: readonly ArchiveEntry[], length: number): ArchivePlan {
  const entries = planned.map((entry) => entry.kind === "file" ? withAnnouncedSize(entry) : entry);
  return { length, entries: chain(entries, []) };
}

async function* chain(
  first: Iterable<ArchiveEntry>,
  rest: AsyncIterable<ArchiveEntry> | Iterable<ArchiveEntry>,
): AsyncGenerator<ArchiveEntry> {
  const pacer = new Pacer();
  // Whoever looked them up gave the others their turns then; opening them takes long too.
  for (const entry of first) {
    if (pacer.isDue()) await pacer.giveTurn();
    yield entry;
  }
  yield* rest;
}
