/** Archive entries whose content is in memory, counting what is opened and closed. */

import type { ArchiveEntry, ArchiveFile, ArchiveFolder } from "../../lib/archive/entry.ts";

export const MTIME = Date.UTC(2026, 0, 2, 3, 4, 6);

export class MemoryEntries {
  opened = 0;
  closed = 0;
  isReading = false;

  /** A file that is announced with `size` bytes; default: as many as there are. */
  file(name: string, content: Uint8Array | string, size?: number): ArchiveFile {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const announced = size ?? bytes.length;
    return {
      kind: "file",
      path: name.split("/"),
      mtime: MTIME,
      size: announced,
      open: () => {
        this.opened++;
        let at = 0;
        return {
          size: announced,
          read: async (buffer) => {
            this.isReading = true;
            await new Promise((resolve) => setImmediate(resolve));
            this.isReading = false;
            const part = bytes.subarray(at, at + buffer.length);
            buffer.set(part);
            at += part.length;
            return part.length;
          },
          close: () => {
            if (this.isReading) throw new Error("closed under a read");
            this.closed++;
          },
        };
      },
    };
  }

  folder(name: string): ArchiveFolder {
    return { kind: "directory", path: name.split("/"), mtime: MTIME };
  }
}

/** Entries as a walk gives them. */
export async function* streamOf(entries: Iterable<ArchiveEntry>): AsyncGenerator<ArchiveEntry> {
  for (const entry of entries) yield await Promise.resolve(entry);
}

/** All bytes of a stream. */
export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: BlobPart[] = [];
  for await (const piece of pieces) parts.push(piece.slice());
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
