/** The answer to a request for a folder as one file: `?archive=zip` or `?archive=tar`. */

import { Readable } from "node:stream";
import type { ArchiveEntry } from "../archive/entry.ts";
import { tarLength, writeTar } from "../archive/tar.ts";
import { isStored, storedZipLength, writeZip } from "../archive/zip.ts";
import { LimitError } from "../base/errors.ts";
import { FILE_PIECE_BYTES } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { attachment } from "../http/content_disposition.ts";
import { errorAnswer } from "../http/error_answer.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { toArchiveEntry } from "./archive_entries.ts";
import { type LengthRules, planArchive } from "./archive_plan.ts";
import type { ListedName, ListingSource } from "./directory_listing.ts";
import { type FileFault, isFault } from "./file_system.ts";
import type { FolderNames } from "./folder_names.ts";
import { walkFolder } from "./walk_folder.ts";

export interface ArchiveAnswerOptions extends ListingSource {
  /** Names from the root down to the folder. */
  readonly segments: readonly string[];
  /**
   * The request's query with its `?`: `archive`, and any number of `entry`, each the name of an
   * entry of the folder; without one the archive holds them all.
   */
  readonly query: string;
  readonly folderNames: FolderNames;
  /** Milliseconds since 1970, when the folder was located. */
  readonly now: number;
  readonly log: Logger;
  /** Aborts when nobody waits for the archive any more. */
  readonly signal: AbortSignal | undefined;
}

interface ArchiveFormat extends LengthRules {
  readonly mediaType: string;
  readonly write: (entries: AsyncIterable<ArchiveEntry>) => AsyncGenerator<Uint8Array>;
}

const FORMATS: ReadonlyMap<string, ArchiveFormat> = new Map([
  ["zip", {
    mediaType: "application/zip",
    write: writeZip,
    isLengthKnown: isStored,
    lengthOf: storedZipLength,
  }],
  ["tar", {
    mediaType: "application/x-tar",
    write: writeTar,
    isLengthKnown: () => true,
    lengthOf: tarLength,
  }],
]);

/** What the root, which has no name, is called in its archive. */
const ROOT_NAME = "files";

/** Whether a query asks for an archive. */
export function isArchiveQuery(query: string): boolean {
  return query.includes("archive=") && new URLSearchParams(query).has("archive");
}

/**
 * Archives what can be listed below a folder, read while it is sent. Stops reading, and closes what
 * is open, when its body is destroyed.
 */
export async function answerArchive(
  { method, headers: requestHeaders }: Pick<HttpRequest, "method" | "headers">,
  options: ArchiveAnswerOptions,
): Promise<HttpAnswer | FileFault> {
  const query = new URLSearchParams(options.query);
  const extension = query.get("archive") ?? "";
  const format = FORMATS.get(extension);
  if (format === undefined) {
    return errorAnswer(400, { requestHeaders, message: "An archive is either zip or tar" });
  }
  const names = await options.folderNames.read(options, options.now);
  if (isFault(names)) return names;
  const chosen = chooseNames(names, new Set(query.getAll("entry")), options);
  if (chosen === undefined) return errorAnswer(404, { requestHeaders });
  const top = options.segments.at(-1) ?? ROOT_NAME;
  const walk = walkEntries(chosen, { ...options, top });
  try {
    const { length, entries } = await planArchive(walk, { ...format, signal: options.signal });
    const headers = ["Content-Type", format.mediaType];
    if (length !== undefined) headers.push("Content-Length", String(length));
    headers.push("Content-Disposition", attachment(`${top}.${extension}`));
    headers.push("Accept-Ranges", "none", "Cache-Control", "no-cache");
    headers.push("X-Content-Type-Options", "nosniff");
    if (method === "HEAD") return { status: 200, headers, body: null };
    const body = Readable.from(format.write(entries), {
      objectMode: false,
      highWaterMark: FILE_PIECE_BYTES,
    });
    return { status: 200, headers, body };
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    options.log.debug("Folder was not archived", { reason: error.message });
    return errorAnswer(403, { requestHeaders, message: "The folder is too deep for an archive" });
  }
}

/** The names that were asked for; undefined where one of them cannot be served. */
function chooseNames(
  names: readonly ListedName[],
  asked: ReadonlySet<string>,
  { confinement }: ListingSource,
): readonly ListedName[] | undefined {
  if (asked.size === 0) return names;
  const chosen = names.filter(({ entry: { name } }) =>
    (asked.has(name) || asked.has(toFormValue(name))) && confinement.isServable(name)
  );
  return chosen.length === asked.size ? chosen : undefined;
}

/** A name as a form sends it: every line break becomes CR LF (HTML, "constructing the entry list"). */
function toFormValue(name: string): string {
  return name.replace(/\r\n?|\n/g, "\r\n");
}

async function* walkEntries(
  names: readonly ListedName[],
  options: ArchiveAnswerOptions & { readonly top: string },
): AsyncGenerator<ArchiveEntry> {
  const { mtime } = options.directory.stat;
  yield { kind: "directory", path: [options.top], mtime };
  for await (const walked of walkFolder(names, options)) yield toArchiveEntry(walked, options);
}
