/**
 * The style sheet, the script and the icon of our pages, under addresses that change with their content, so
 * that browsers keep them for good.
 *
 * They are in a folder beside the files, by a name that no file can be asked for: it begins with a
 * dot. A query would not do for an address: the classic protocol carries none.
 */

import { createHash } from "node:crypto";
import { pageHeaders, sourceHash } from "../http/html.ts";
import type { HttpAnswer, HttpRequest, RawHeaders } from "../http/message.ts";
import { PAGE_STYLE } from "../http/page_style.ts";
import { COPY_SCRIPT } from "./copy_script.ts";
import { FOLDER_ICON, LISTING_STYLE } from "./listing_style.ts";

interface Asset {
  /** Below the root, without a slash before it. */
  readonly path: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

const FOLDER = ".ptth";

const STYLE = createAsset("style.css", "text/css", PAGE_STYLE + LISTING_STYLE);
const SCRIPT = createAsset("copy.js", "text/javascript", COPY_SCRIPT);
const ICON = createAsset("icon.svg", "image/svg+xml", FOLDER_ICON);
const SCRIPT_HASH = sourceHash(COPY_SCRIPT);
const ASSETS: ReadonlyMap<string, Asset> = new Map(
  [STYLE, SCRIPT, ICON].map((asset) => [`/${asset.path}`, asset]),
);

/**
 * Fields of a page that uses the assets. Files of the same server may be shown in it where its HTML
 * says so, but of scripts only ours run, whatever it says.
 */
export const FILE_PAGE_HEADERS: RawHeaders = pageHeaders([
  "form-action 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "media-src 'self'",
  // A PDF in an <object> is a frame to Chromium.
  "object-src 'self'",
  "frame-src 'self'",
  `script-src '${SCRIPT_HASH}'`,
]);

/** HTML for the head of a page that is `depth` folders below the root. */
export function assetHead(depth: number): string {
  const root = toRoot(depth);
  return `<link rel="icon" href="${root}${ICON.path}">
<link rel="stylesheet" href="${root}${STYLE.path}">`;
}

/** HTML for the head of such a page, where it has something to copy. */
export function copyHead(depth: number): string {
  const source = `${toRoot(depth)}${SCRIPT.path}`;
  return `<script src="${source}" integrity="${SCRIPT_HASH}" defer></script>`;
}

function toRoot(depth: number): string {
  return depth === 0 ? "./" : "../".repeat(depth);
}

/** The answer to a request for an asset; undefined where the path is not that of one. */
export function answerAsset(
  { method }: Pick<HttpRequest, "method">,
  rawPath: string,
): HttpAnswer | undefined {
  const asset = ASSETS.get(rawPath);
  if (asset === undefined || (method !== "GET" && method !== "HEAD")) return undefined;
  const { type, bytes } = asset;
  return {
    status: 200,
    headers: [
      "Content-Type",
      `${type}; charset=utf-8`,
      "Content-Length",
      String(bytes.length),
      // RFC 8246: not even asked for again when the page is reloaded.
      "Cache-Control",
      "max-age=31536000, immutable",
      "X-Content-Type-Options",
      "nosniff",
    ],
    body: method === "HEAD" ? null : bytes,
  };
}

function createAsset(name: string, type: string, text: string): Asset {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 12);
  const path = `${FOLDER}/${name.replace(".", `.${hash}.`)}`;
  return { path, type, bytes: new TextEncoder().encode(text) };
}
