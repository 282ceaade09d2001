/** A file on a page of ours, as a web page. Links are relative: the file's folder is at "./". */

import { escapeControls } from "../base/log.ts";
import { escapeHtml, htmlPage } from "../http/html.ts";
import { assetHead } from "./assets.ts";
import { breadcrumbs, entryHref, formatSize, nameHtml, timeHtml } from "./page_parts.ts";

export type PreviewContent =
  | { readonly kind: "image" | "audio" | "video" | "pdf" | "none" }
  /** `isCut`: there is more in the file. */
  | { readonly kind: "text"; readonly text: string; readonly isCut: boolean }
  /** HTML that is safe to show among our own. */
  | { readonly kind: "html"; readonly html: string };

export interface PreviewView {
  /** Names from the root down to the file. */
  readonly segments: readonly string[];
  /** In bytes. */
  readonly size: number;
  /** Last change in milliseconds since 1970, or null. */
  readonly mtime: number | null;
  readonly content: PreviewContent;
}

/** The whole page as HTML. */
export function previewPage({ segments, size, mtime, content }: PreviewView): string {
  const name = segments.at(-1) ?? "";
  const href = escapeHtml(entryHref([name], false));
  return htmlPage(
    escapeControls(name),
    `<header>${breadcrumbs(segments, true)}<p><span title="${size} bytes">${
      formatSize(size)
    }</span> · ${timeHtml(mtime)}</p></header>
<div class="bar"><a class="button" href="./">Back</a><div class="end"><a class="button" href="${href}">Open file</a><a class="button" href="${href}?download" download>Download</a><a class="button" href="${href}?qr">Share</a></div></div>
${contentHtml(content, { href, name })}`,
    assetHead(segments.length - 1),
  );
}

function contentHtml(
  content: PreviewContent,
  { href, name }: { readonly href: string; readonly name: string },
): string {
  const label = nameHtml(name);
  switch (content.kind) {
    case "image":
      return `<div class="view"><a href="${href}"><img src="${href}" alt="${label}"></a></div>`;
    case "audio":
      return `<div class="view"><audio controls preload="metadata" src="${href}" aria-label="${label}"></audio></div>`;
    case "video":
      return `<div class="view"><video controls playsinline preload="metadata" src="${href}" aria-label="${label}"></video></div>`;
    case "pdf":
      return `<div class="view"><object type="application/pdf" data="${href}" aria-label="${label}"><p>This browser shows no PDF in a page. <a href="${href}">Open the file</a></object></div>`;
    case "html":
      return `<article class="doc">\n${content.html}</article>`;
    case "text":
      return textHtml(content);
    case "none":
      return '<p class="dim">There is no preview of a file of this type.</p>';
  }
}

function textHtml({ text, isCut }: { readonly text: string; readonly isCut: boolean }): string {
  const body = text.replace(/\r\n?/g, "\n");
  const count = body.split("\n").length - (body.endsWith("\n") ? 1 : 0);
  const numbers = Array.from({ length: Math.max(1, count) }, (_, i) => i + 1).join("\n");
  // The parser drops a line feed right after <pre>: the first one is for it.
  return `<div class="code"><pre class="lines" aria-hidden="true">${numbers}</pre>` +
    `<pre class="text" tabindex="0" role="region" aria-label="Content">\n${
      escapeHtml(body)
    }</pre></div>` +
    (isCut
      ? '\n<p class="dim">This is the beginning; open or download the file for the rest.</p>'
      : "");
}
