/** The answer to `?qr`: the address of a folder or file, to be copied or taken over by a phone. */

import { encode } from "uqr";
import { MAX_QR_CHARS } from "../base/limits.ts";
import { escapeControls } from "../base/log.ts";
import { escapeHtml, htmlPage } from "../http/html.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { publicAddress } from "../http/public_address.ts";
import { assetHead, copyHead, FILE_PAGE_HEADERS } from "./assets.ts";
import { breadcrumbs, entryHref, ROOT_TITLE } from "./page_parts.ts";

export interface ShareAnswerOptions {
  /** Names from the root down to the file or folder. */
  readonly segments: readonly string[];
  readonly isFile: boolean;
  /** The request's path below the mount, as sent. */
  readonly rawPath: string;
}

/** Whether a query asks for the page. */
export function isShareQuery(query: string): boolean {
  return /^\?qr(?:[=&]|$)/.test(query);
}

/** The page, which depends on fields that name the visitor's way here: it is not stored. */
export function answerShare(
  request: Pick<HttpRequest, "target" | "headers">,
  options: ShareAnswerOptions,
): HttpAnswer {
  const html = sharePage(publicAddress(request, options.rawPath), options);
  return {
    status: 200,
    headers: [...FILE_PAGE_HEADERS, "Cache-Control", "no-store"],
    body: new TextEncoder().encode(html),
  };
}

function sharePage(
  address: string | undefined,
  { segments, isFile }: ShareAnswerOptions,
): string {
  const name = segments.at(-1) ?? ROOT_TITLE;
  const depth = segments.length - (isFile ? 1 : 0);
  const here = escapeHtml(isFile ? entryHref([name], false) : "./");
  const back = isFile ? "Open the file" : "Back to the folder";
  return htmlPage(
    `Share ${escapeControls(name)}`,
    `<header>${breadcrumbs(segments, isFile)}<p><a href="${here}">${back}</a></p></header>
${address === undefined ? UNKNOWN_ADDRESS : addressHtml(address)}
<p class="copy"><button type="button" data-copy="${here}" hidden>Copy the address</button></p>`,
    `${assetHead(depth)}\n${copyHead(depth)}`,
  );
}

// Behind a relay of the original, which does not tell.
const UNKNOWN_ADDRESS =
  '<p class="dim">This server was not told the address by which you have come. Your browser shows it.</p>';

function addressHtml(address: string): string {
  const code = address.length <= MAX_QR_CHARS ? qrCode(address) : "";
  return `${code}<label class="hidden" for="address">Address</label>
<input class="address" type="text" id="address" readonly value="${escapeHtml(address)}">`;
}

/** Dark on white whatever the page's colours: many cameras read nothing else. */
function qrCode(text: string): string {
  const { data, size } = encode(text, { ecc: "M", border: 3 });
  // One line per run of dark squares, which is half the size of one per square.
  const path = data.map((row, y) =>
    row.reduce((runs, isDark, x) => {
      if (!isDark || row[x - 1] === true) return runs;
      const end = row.indexOf(false, x);
      return `${runs}M${x} ${y}h${(end < 0 ? size : end) - x}v1H${x}z`;
    }, "")
  ).join("");
  return `<svg class="qr" viewBox="0 0 ${size} ${size}" role="img" aria-label="QR code of the address" ` +
    `shape-rendering="crispEdges"><path d="${path}"/></svg>`;
}
