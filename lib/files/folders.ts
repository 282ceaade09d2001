/** Answers about folders: a listing, or what the query asks for in its place. */

import { Readable } from "node:stream";
import type { Clock } from "../base/clock.ts";
import {
  MAX_ARCHIVES,
  MAX_BIG_LISTINGS,
  MAX_LISTING_STREAMS,
  MAX_SEARCHES,
  MAX_WAITING_LISTINGS,
} from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { Slots } from "../base/slots.ts";
import { Turns } from "../base/turns.ts";
import { evaluatePreconditions } from "../http/conditional.ts";
import { errorAnswer } from "../http/error_answer.ts";
import type { HttpRequest } from "../http/message.ts";
import { answerArchive, type ArchiveAnswerOptions, isArchiveQuery } from "./archive_answer.ts";
import type { Confinement, Located } from "./confinement.ts";
import { type FileSystem, isFault } from "./file_system.ts";
import { answerListing, type ListingBounds } from "./listing_answer.ts";
import { FolderNames } from "./folder_names.ts";
import type { Outcome } from "./outcome.ts";
import { answerSearch, isSearchQuery } from "./search_answer.ts";
import { answerShare, isShareQuery } from "./share_answer.ts";

export interface FoldersOptions {
  readonly fileSystem: FileSystem;
  readonly confinement: Confinement;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is read of a request; `signal` ends a search that nobody waits for any more. */
export type FolderRequest =
  & Pick<HttpRequest, "method" | "target" | "headers">
  & Partial<Pick<HttpRequest, "signal">>;

export interface AskedFolder {
  readonly located: Located;
  /** Names from the root down to the folder. */
  readonly segments: readonly string[];
  /** The request's query with its `?`, or `""`. */
  readonly query: string;
  /** `json`: nothing but the listing as JSON. */
  readonly form: "auto" | "json";
  /** The request's path below the mount, as sent. */
  readonly rawPath: string;
  /** Milliseconds since 1970, before the folder was located. */
  readonly now: number;
}

/** A listing has no tag and no date; `*` in a precondition still means that it exists. */
const NO_VALIDATORS = { etag: undefined, lastModified: undefined };
const LISTING_STATE = ["Cache-Control", "no-cache", "Vary", "Accept"];

export class Folders {
  readonly #options: FoldersOptions;
  readonly #bounds: ListingBounds = {
    names: new FolderNames(),
    turns: new Turns({ atOnce: MAX_BIG_LISTINGS, maxWaiting: MAX_WAITING_LISTINGS }),
    streams: new Slots(MAX_LISTING_STREAMS),
  };
  readonly #searches = new Slots(MAX_SEARCHES);
  readonly #archives = new Slots(MAX_ARCHIVES);

  constructor(options: FoldersOptions) {
    this.#options = options;
  }

  /** Answers GET and HEAD. */
  async answer(request: FolderRequest, folder: AskedFolder): Promise<Outcome> {
    const { located, segments, query, form, now } = folder;
    const verdict = evaluatePreconditions(request, NO_VALIDATORS, now);
    if (verdict === "not_modified") return { status: 304, headers: LISTING_STATE, body: null };
    if (verdict === "precondition_failed") {
      return errorAnswer(412, { requestHeaders: request.headers });
    }
    const { fileSystem, confinement, log } = this.#options;
    const source = { fileSystem, confinement, directory: located };
    if (form === "auto" && query !== "") {
      if (isArchiveQuery(query)) {
        return await this.#archive(request, {
          ...source,
          segments,
          query,
          folderNames: this.#bounds.names,
          now,
          log,
          signal: request.signal,
        });
      }
      if (isShareQuery(query)) return answerShare(request, { ...folder, isFile: false });
      if (isSearchQuery(query)) return await this.#search(request, folder);
    }
    const { signal } = request;
    const bounds = this.#bounds;
    return await answerListing(request, { ...source, segments, query, form, bounds, now, signal });
  }

  async #search(
    request: FolderRequest,
    { located, segments, query }: AskedFolder,
  ): Promise<Outcome> {
    const release = this.#searches.take();
    if (release === undefined) return { fault: "busy" };
    try {
      const { fileSystem, confinement, clock } = this.#options;
      const source = { fileSystem, confinement, directory: located };
      const { signal } = request;
      return await answerSearch(request, { ...source, segments, query, clock, signal });
    } finally {
      release();
    }
  }

  /** Counted until its body is closed. */
  async #archive(request: FolderRequest, options: ArchiveAnswerOptions): Promise<Outcome> {
    const release = this.#archives.take();
    if (release === undefined) return { fault: "busy" };
    try {
      const answer = await answerArchive(request, options);
      if (!isFault(answer) && answer.body instanceof Readable) answer.body.once("close", release);
      else release();
      return answer;
    } catch (error) {
      release();
      throw error;
    }
  }
}
