/** Answers about folders: a listing, or what the query asks for in its place. */

import type { Clock } from "../base/clock.ts";
import { MAX_SEARCHES } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { evaluatePreconditions } from "../http/conditional.ts";
import { errorAnswer } from "../http/error_answer.ts";
import type { HttpRequest } from "../http/message.ts";
import { answerArchive, isArchiveQuery } from "./archive_answer.ts";
import type { Confinement, Located } from "./confinement.ts";
import type { FileSystem } from "./file_system.ts";
import { answerListing } from "./listing_answer.ts";
import { ListingCache } from "./listing_cache.ts";
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
  readonly #cache = new ListingCache();
  #searchCount = 0;

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
        return await answerArchive(request, { ...source, segments, query, log });
      }
      if (isShareQuery(query)) return answerShare(request, { ...folder, isFile: false });
      if (isSearchQuery(query)) return await this.#search(request, folder);
    }
    const cache = this.#cache;
    return await answerListing(request, { ...source, segments, query, form, cache, now });
  }

  async #search(
    request: FolderRequest,
    { located, segments, query }: AskedFolder,
  ): Promise<Outcome> {
    if (this.#searchCount >= MAX_SEARCHES) return { fault: "busy" };
    this.#searchCount++;
    try {
      const { fileSystem, confinement, clock } = this.#options;
      const source = { fileSystem, confinement, directory: located };
      const { signal } = request;
      return await answerSearch(request, { ...source, segments, query, clock, signal });
    } finally {
      this.#searchCount--;
    }
  }
}
