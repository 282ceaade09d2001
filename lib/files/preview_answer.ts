/** The answer to `FILE?preview`: a page round a file, with the way back. */

import { MAX_MARKDOWN_BYTES, MAX_PREVIEW_BYTES } from "../base/limits.ts";
import type { HttpAnswer } from "../http/message.ts";
import { FILE_PAGE_HEADERS } from "./assets.ts";
import type { ChangedFault, Confinement, Located } from "./confinement.ts";
import { type FileFault, isFault } from "./file_system.ts";
import { type FileType, fileType } from "./file_type.ts";
import { renderMarkdown } from "./markdown.ts";
import { type PreviewContent, previewPage } from "./preview_page.ts";
import { readText } from "./read_text.ts";

export interface PreviewAnswerOptions {
  /** Names from the root down to the file. */
  readonly segments: readonly string[];
  readonly confinement: Confinement;
}

/** Whether a query asks for a preview. */
export function isPreviewQuery(query: string): boolean {
  return /^\?preview(?:[=&]|$)/.test(query);
}

/** The page. Only text is read for it; all else is shown by the browser from the file itself. */
export function answerPreview(
  located: Located,
  { segments, confinement }: PreviewAnswerOptions,
): HttpAnswer | FileFault | ChangedFault {
  const name = segments.at(-1) ?? "";
  const content = readContent(located, { type: fileType(name), confinement });
  if (isFault(content)) return content;
  const { size, mtime } = located.stat;
  return {
    status: 200,
    headers: [...FILE_PAGE_HEADERS, "Cache-Control", "no-cache"],
    body: new TextEncoder().encode(previewPage({ segments, size, mtime, content })),
  };
}

function readContent(
  located: Located,
  { type, confinement }: { readonly type: FileType; readonly confinement: Confinement },
): PreviewContent | FileFault | ChangedFault {
  switch (type) {
    case "image":
    case "audio":
    case "video":
    case "pdf":
      return { kind: type };
    case "archive":
      return { kind: "none" };
    case "markdown":
    case "code":
    case "text":
    case "other": {
      const read = readText(located, { confinement, maxBytes: MAX_PREVIEW_BYTES });
      if (isFault(read)) return read;
      const { text, isCut } = read;
      if (text === null) return { kind: "none" };
      const isRendered = type === "markdown" && located.stat.size <= MAX_MARKDOWN_BYTES;
      return isRendered
        ? { kind: "html", html: renderMarkdown(text) }
        : { kind: "text", text, isCut };
    }
  }
}
