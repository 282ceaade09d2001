/**
 * Serves a folder, read only. Knows HTTP and a file system; nothing of tunnels, sockets and mounts:
 * whoever calls it has cut the mount's prefix from the path.
 */

import { METHODS } from "node:http";
import type { Clock } from "../base/clock.ts";
import { MAX_OPEN_ATTEMPTS } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { evaluatePreconditions } from "../http/conditional.ts";
import { errorAnswer } from "../http/error_answer.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { parseTarget } from "../http/target.ts";
import {
  type ChangedFault,
  Confinement,
  type ConfinementOptions,
  type RefusedFault,
} from "./confinement.ts";
import { answerFile } from "./file_answer.ts";
import { type FileFault, isFault } from "./file_system.ts";
import { answerListing } from "./listing_answer.ts";
import { ListingCache } from "./listing_cache.ts";
import { resolvePath } from "./resolve_path.ts";

export interface FileServerOptions extends ConfinementOptions {
  readonly clock: Clock;
  readonly log: Logger;
}

/** What the file server reads of a request; of `target` only the query. */
export type FileRequest = Pick<HttpRequest, "method" | "target" | "headers">;

export interface FileServer {
  /**
   * Answers a request.
   *
   * @param rawPath the request's path below the mount, as sent: `""` and `"/"` are the root, all
   * else begins with `/`
   * @param form `json`: folders only, always as JSON; `auto` (default): by Accept
   */
  answer(request: FileRequest, rawPath: string, form?: "auto" | "json"): Promise<HttpAnswer>;
}

const ALLOW = ["Allow", "GET, HEAD, OPTIONS"] as const;

/**
 * A file server for one folder.
 *
 * @throws {Error} where the root is not a folder that can be found
 */
export function createFileServer(options: FileServerOptions): FileServer {
  const confinement = new Confinement(options);
  const cache = new ListingCache();
  const { clock, fileSystem, log } = options;

  async function answer(
    request: FileRequest,
    rawPath: string,
    form: "auto" | "json" = "auto",
  ): Promise<HttpAnswer> {
    const { method, headers: requestHeaders } = request;
    if (method === "OPTIONS") return { status: 204, headers: [...ALLOW], body: null };
    if (method !== "GET" && method !== "HEAD") {
      const status = METHODS.includes(method) ? 405 : 501;
      return errorAnswer(status, { requestHeaders, headers: ALLOW });
    }
    const resolved = resolvePath(rawPath, fileSystem.platform);
    if (resolved.kind === "refused") {
      log.debug("Path was refused", { path: rawPath, reason: resolved.reason });
      return errorAnswer(resolved.status, { requestHeaders });
    }
    for (let attempt = 1;; attempt++) {
      const outcome = await answerPath(request, { ...resolved, form });
      if (!isFault(outcome)) return outcome;
      if (outcome.fault === "changed" && attempt < MAX_OPEN_ATTEMPTS) continue;
      log.debug("File was not served", { path: rawPath, reason: outcome.fault });
      return answerFault(outcome, request);
    }
  }

  async function answerPath(
    request: FileRequest,
    path: {
      readonly segments: readonly string[];
      readonly hasTrailingSlash: boolean;
      readonly form: "auto" | "json";
    },
  ): Promise<HttpAnswer | FileFault | RefusedFault | ChangedFault> {
    const { segments, hasTrailingSlash, form } = path;
    const now = clock.now();
    const located = confinement.locate(segments);
    if (isFault(located)) return located;
    const name = segments.at(-1) ?? "";
    if (located.stat.kind === "file") {
      if (hasTrailingSlash || form === "json") return { fault: "missing" };
      return answerFile(request, located, { confinement, clock, name });
    }
    const query = queryOf(request.target);
    if (!hasTrailingSlash) return redirectToFolder(name, query);
    const verdict = evaluatePreconditions(request, NO_VALIDATORS, now);
    if (verdict === "not_modified") return { status: 304, headers: LISTING_STATE, body: null };
    if (verdict === "precondition_failed") {
      return errorAnswer(412, { requestHeaders: request.headers });
    }
    const source = { fileSystem, confinement, directory: located };
    return await answerListing(request, { ...source, segments, query, form, cache, now });
  }

  return { answer };
}

/** A listing has no tag and no date; `*` in a precondition still means that it exists. */
const NO_VALIDATORS = { etag: undefined, lastModified: undefined };
const LISTING_STATE = ["Cache-Control", "no-cache", "Vary", "Accept"];

/**
 * The relative place of a folder: right behind any prefix, host and scheme. Permanent, since no
 * file can take the folder's name.
 */
function redirectToFolder(name: string, query: string): HttpAnswer {
  const location = `./${encodeURIComponent(name)}/${query}`;
  return {
    status: 308,
    headers: [
      "Location",
      location,
      "Cache-Control",
      "no-cache",
      "X-Content-Type-Options",
      "nosniff",
    ],
    body: null,
  };
}

function answerFault(
  { fault }: FileFault | RefusedFault | ChangedFault,
  { headers }: FileRequest,
): HttpAnswer {
  switch (fault) {
    case "missing":
    case "refused": // that it is there is nobody's business
      return errorAnswer(404, { requestHeaders: headers });
    case "denied":
      return errorAnswer(403, { requestHeaders: headers });
    case "busy":
    case "changed":
      return errorAnswer(503, { requestHeaders: headers, headers: ["Retry-After", "1"] });
  }
}

function queryOf(target: string): string {
  const parsed = parseTarget(target);
  return parsed.kind === "origin" || parsed.kind === "absolute" ? parsed.query : "";
}
