/**
 * Serves a folder, read only. Knows HTTP and a file system; nothing of tunnels, sockets and mounts:
 * whoever calls it has cut the mount's prefix from the path.
 */

import { METHODS } from "node:http";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { allowOrigin, isPreflight, preflightHeaders } from "../http/cors.ts";
import { errorAnswer } from "../http/error_answer.ts";
import { redirectToFolder } from "../http/folder_redirect.ts";
import { headerValue } from "../http/headers.ts";
import type { HttpAnswer } from "../http/message.ts";
import { parseTarget } from "../http/target.ts";
import { answerAsset } from "./assets.ts";
import { Confinement, type ConfinementOptions } from "./confinement.ts";
import type { FileAnswerRequest } from "./file_answer.ts";
import { isFault } from "./file_system.ts";
import { type FolderRequest, Folders } from "./folders.ts";
import { answerFault, type Outcome, retryChanged } from "./outcome.ts";
import { answerPreview, isPreviewQuery } from "./preview_answer.ts";
import { RegularFiles } from "./regular_files.ts";
import { resolvePath } from "./resolve_path.ts";
import { answerShare, isShareQuery } from "./share_answer.ts";
import { type PageNames, StandInPages } from "./stand_in_pages.ts";

export interface FileServerOptions extends ConfinementOptions, PageNames {
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * Sends `app.js.br`, `app.js.zst` or `app.js.gz` in place of `app.js` to who accepts that coding,
   * where it is there and not older. They are listed and served as files of their own, too.
   * Default: false.
   */
  readonly precompressed?: boolean;
  /**
   * The origin whose pages may read the files by script, or `*` for every one; never with cookies
   * or passwords. Default: null, none but the folder's own.
   */
  readonly cors?: string | null;
  /**
   * Lets HTML and SVG files run scripts, with all rights of the address that they are served at:
   * only for folders that nobody else can write to. Default: false.
   */
  readonly trustedContent?: boolean;
}

/** What the file server reads of a request; the path of `target` only for addresses that it shows. */
export type FileRequest = FileAnswerRequest & FolderRequest;

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

/** A path that was asked for, or stands in for one. */
interface AskedPath {
  readonly segments: readonly string[];
  readonly hasTrailingSlash: boolean;
  readonly form: "auto" | "json";
  /** As sent. */
  readonly rawPath: string;
}

const METHODS_ALLOWED = "GET, HEAD, OPTIONS";
const ALLOW = ["Allow", METHODS_ALLOWED] as const;

/**
 * A file server for one folder.
 *
 * @throws {Error} where the root is not a folder that can be found, or a page has a name that is
 * not served
 */
export function createFileServer(options: FileServerOptions): FileServer {
  const confinement = new Confinement(options);
  const { clock, fileSystem, log, cors = null } = options;
  const { precompressed = false, trustedContent = false } = options;
  const regularFiles = new RegularFiles(confinement, { clock, precompressed, trustedContent });
  const folders = new Folders({ fileSystem, confinement, clock, log });
  const pages = new StandInPages(options, { confinement, regularFiles });

  async function answer(
    request: FileRequest,
    rawPath: string,
    form: "auto" | "json" = "auto",
  ): Promise<HttpAnswer> {
    let answered = await answerMethod(request, rawPath, form);
    if (headerValue(request.headers, "authorization") !== undefined) answered = toPrivate(answered);
    return cors === null ? answered : allowOrigin(answered, cors);
  }

  async function answerMethod(
    request: FileRequest,
    rawPath: string,
    form: "auto" | "json",
  ): Promise<HttpAnswer> {
    const { method, headers: requestHeaders } = request;
    if (method === "OPTIONS") {
      const isAsked = cors !== null && isPreflight(requestHeaders);
      const headers = isAsked ? [...ALLOW, ...preflightHeaders(METHODS_ALLOWED)] : [...ALLOW];
      return { status: 204, headers, body: null };
    }
    if (method !== "GET" && method !== "HEAD") {
      const status = METHODS.includes(method) ? 405 : 501;
      return errorAnswer(status, { requestHeaders, headers: ALLOW });
    }
    const asset = form === "auto" ? answerAsset(request, rawPath) : undefined;
    if (asset !== undefined) return asset;
    const resolved = resolvePath(rawPath, fileSystem.platform);
    if (resolved.kind === "refused") {
      log.debug("Path was refused", { path: rawPath, reason: resolved.reason });
      if (resolved.status === 404 && form === "auto") return await pages.answerNotFound(request);
      return errorAnswer(resolved.status, { requestHeaders });
    }
    const outcome = await retryChanged(() => answerPath(request, { ...resolved, form, rawPath }));
    if (!isFault(outcome)) return outcome;
    log.debug("File was not served", { path: rawPath, reason: outcome.fault });
    // That something is there, but never served, is nobody's business.
    const isMissing = outcome.fault === "missing" || outcome.fault === "refused";
    return isMissing && form === "auto"
      ? await pages.answerMissing(request)
      : answerFault(outcome, request);
  }

  async function answerPath(
    request: FileRequest,
    { segments, hasTrailingSlash, form, rawPath }: AskedPath,
  ): Promise<Outcome> {
    const now = clock.now();
    const located = confinement.locate(segments);
    if (isFault(located)) return located;
    if (located.stat.kind === "file") {
      if (hasTrailingSlash || form === "json") return { fault: "missing" };
      const query = request.target.includes("?") ? queryOf(request.target) : "";
      if (isPreviewQuery(query)) return answerPreview(located, { segments, confinement });
      if (isShareQuery(query)) return answerShare(request, { segments, isFile: true, rawPath });
      return await regularFiles.answer(request, { located, segments }, query);
    }
    const query = queryOf(request.target);
    if (!hasTrailingSlash) return redirectToFolder(segments.at(-1) ?? "", query);
    const index = form === "auto" ? pages.locateIndex(segments) : undefined;
    if (index !== undefined) return await regularFiles.answer(request, index, query);
    return await folders.answer(request, { located, segments, query, form, rawPath, now });
  }

  return { answer };
}

/** RFC 9111 §3.5: what was shown to someone with a password is for them alone. */
function toPrivate(answer: HttpAnswer): HttpAnswer {
  const headers = answer.headers.map((value, at) =>
    value === "no-cache" && answer.headers[at - 1] === "Cache-Control" ? "private, no-cache" : value
  );
  return { ...answer, headers };
}

function queryOf(target: string): string {
  const parsed = parseTarget(target);
  return parsed.kind === "origin" || parsed.kind === "absolute" ? parsed.query : "";
}
