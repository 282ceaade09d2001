/** Files of the folder that are sent in place of what was asked for. */

import { preferredType } from "../http/accept.ts";
import { errorAnswer } from "../http/error_answer.ts";
import type { HttpAnswer } from "../http/message.ts";
import type { Confinement, RefusedFault } from "./confinement.ts";
import type { FileAnswerRequest } from "./file_answer.ts";
import { type FileFault, isFault } from "./file_system.ts";
import { retryChanged } from "./outcome.ts";
import type { NamedFile, RegularFiles } from "./regular_files.ts";

export interface PageNames {
  /** The file that is shown in place of a folder's listing: `index.html`. Default: null, none. */
  readonly index?: string | null;
  /**
   * A file below the root that is sent, with status 200, to a browser that asks for a page that is
   * not there: the shell of an application that reads the address itself. Default: null, none.
   */
  readonly spaFallback?: string | null;
  /** A file below the root that is sent with every 404. Default: null, a short text of ours. */
  readonly notFoundPage?: string | null;
}

export class StandInPages {
  readonly #confinement: Confinement;
  readonly #files: RegularFiles;
  readonly #index: readonly string[] | undefined;
  readonly #spaFallback: readonly string[] | undefined;
  readonly #notFoundPage: readonly string[] | undefined;

  /** @throws {Error} where a page has a name that is not served */
  constructor(
    { index, spaFallback, notFoundPage }: PageNames,
    source: { readonly confinement: Confinement; readonly regularFiles: RegularFiles },
  ) {
    this.#confinement = source.confinement;
    this.#files = source.regularFiles;
    this.#index = this.#toSegments(index);
    this.#spaFallback = this.#toSegments(spaFallback);
    this.#notFoundPage = this.#toSegments(notFoundPage);
  }

  /** What is shown in place of the listing of a folder, where there is such a file. */
  locateIndex(folder: readonly string[]): NamedFile | undefined {
    if (this.#index === undefined) return undefined;
    const file = this.#locate([...folder, ...this.#index]);
    return isFault(file) ? undefined : file;
  }

  /** Answers where there is nothing, as far as the visitor is to know. */
  async answerMissing(request: FileAnswerRequest): Promise<HttpAnswer> {
    const segments = this.#spaFallback;
    // A script or an image that is missing must not become a page: `*/*` is not enough.
    const isPage = preferredType(request.headers, ["text/plain", "text/html"]) === "text/html";
    if (segments === undefined || !isPage) return await this.answerNotFound(request);
    const outcome = await retryChanged(async () => {
      const file = this.#locate(segments);
      return isFault(file) ? file : await this.#files.answerContent(request, file, ["Accept"]);
    });
    return isFault(outcome) ? await this.answerNotFound(request) : outcome;
  }

  /** Answers 404. */
  async answerNotFound(request: FileAnswerRequest): Promise<HttpAnswer> {
    const segments = this.#notFoundPage;
    if (segments !== undefined) {
      const outcome = await retryChanged(() => {
        const file = this.#locate(segments);
        return isFault(file) ? file : this.#files.answerError(request, file, 404);
      });
      if (!isFault(outcome)) return outcome;
    }
    return errorAnswer(404, { requestHeaders: request.headers });
  }

  #locate(segments: readonly string[]): NamedFile | FileFault | RefusedFault {
    const located = this.#confinement.locate(segments);
    if (isFault(located)) return located;
    return located.stat.kind === "file" ? { located, segments } : { fault: "missing" };
  }

  #toSegments(page: string | null | undefined): readonly string[] | undefined {
    if (page === null || page === undefined) return undefined;
    const segments = page.split("/");
    if (segments.every((name) => this.#confinement.isServable(name))) return segments;
    throw new Error(`Cannot use page "${page}": it is not the path of a file that is served`);
  }
}
