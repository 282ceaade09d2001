/** Everything about a file that can be asked for by its path and query. */

import { attachment } from "../http/content_disposition.ts";
import { errorAnswer } from "../http/error_answer.ts";
import type { HttpAnswer } from "../http/message.ts";
import { mediaType } from "../http/media_type.ts";
import type { ChangedFault, Confinement, Located } from "./confinement.ts";
import { answerDigest } from "./digest_answer.ts";
import {
  answerErrorPage,
  answerFile,
  type FileAnswerOptions,
  type FileAnswerRequest,
} from "./file_answer.ts";
import { FileDigests } from "./file_digests.ts";
import { type FileFault, isFault } from "./file_system.ts";
import { selectRepresentation } from "./representation.ts";
import { SmallFiles } from "./small_files.ts";

/** A file, and the names that lead to it: the last one decides what it is taken for. */
export interface NamedFile {
  readonly located: Located;
  readonly segments: readonly string[];
}

export interface RegularFilesOptions extends Pick<FileAnswerOptions, "clock" | "trustedContent"> {
  readonly precompressed: boolean;
}

export class RegularFiles {
  readonly #options: FileAnswerOptions;
  readonly #precompressed: boolean;

  constructor(
    confinement: Confinement,
    { clock, precompressed, trustedContent }: RegularFilesOptions,
  ) {
    const smallFiles = new SmallFiles(confinement);
    const digests = new FileDigests(confinement);
    this.#options = { confinement, clock, smallFiles, digests, trustedContent };
    this.#precompressed = precompressed;
  }

  /**
   * Answers GET and HEAD. Of the query, `sha256` asks for the digest in place of the file, and
   * `download` for a file that is saved and not shown.
   */
  async answer(
    request: FileAnswerRequest,
    file: NamedFile,
    query: string,
  ): Promise<HttpAnswer | FileFault | ChangedFault> {
    if (query === "") return await this.answerContent(request, file);
    const asked = new URLSearchParams(query);
    if (asked.has("sha256")) return await answerDigest(request, file.located, this.#options);
    const answer = await this.answerContent(request, file);
    const isSent = !isFault(answer) && (answer.status === 200 || answer.status === 206);
    if (!isSent || !asked.has("download")) return answer;
    const disposition = attachment(file.segments.at(-1) ?? "");
    return { ...answer, headers: [...answer.headers, "Content-Disposition", disposition] };
  }

  /** Answers by the file in the form that is liked best; `vary` names what else decided for it. */
  async answerContent(
    request: FileAnswerRequest,
    file: NamedFile,
    vary: readonly string[] = [],
  ): Promise<HttpAnswer | FileFault | ChangedFault> {
    const { confinement } = this.#options;
    const chosen = selectRepresentation(request.headers, file, {
      confinement,
      precompressed: this.#precompressed,
      vary,
    });
    if (chosen === undefined) return errorAnswer(406, { requestHeaders: request.headers });
    return await answerFile(request, chosen, this.#options);
  }

  /** Answers by the file as the page of an error. */
  answerError(
    request: FileAnswerRequest,
    { located, segments }: NamedFile,
    status: number,
  ): HttpAnswer | FileFault | ChangedFault {
    const page = { located, mediaType: mediaType(segments.at(-1) ?? "") };
    return answerErrorPage(request, page, { ...this.#options, status });
  }
}
