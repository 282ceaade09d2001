/** Pages that are made of what others write: names of files, texts, and what visitors ask for. */

import type { ListingEntry } from "../../lib/files/directory_listing.ts";
import { type FileType, fileType } from "../../lib/files/file_type.ts";
import { listingPage } from "../../lib/files/listing_page.ts";
import { listingParameters, parseListingQuery } from "../../lib/files/listing_query.ts";
import { renderMarkdown } from "../../lib/files/markdown.ts";
import { previewPage } from "../../lib/files/preview_page.ts";
import { type HtmlTag, readTags } from "./read_html.ts";
import { type FuzzTarget, hold, isSame } from "./target.ts";

/** Where the pages are; nothing in them may lead from here to another host. */
const HERE = "http://relay.test/servers/a/files/folder/";

const MARKDOWN_TAGS: ReadonlySet<string> = new Set([
  ...["p", "h2", "h3", "h4", "h5", "h6", "em", "strong", "s", "a", "img", "ul", "ol", "li"],
  ...["pre", "code", "blockquote", "hr", "br", "table", "thead", "tbody", "tr", "th", "td"],
]);
const MARKDOWN_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...["href", "title", "rel", "src", "alt", "loading", "class", "start"],
]);

const markdown: FuzzTarget = {
  name: "markdown",
  tokens: [
    ...["[a](", "](", "![", "<", ">", "<script>", "javascript:", "&#x6a;", "onerror=", "`"],
    ...["```\n", "**", "_", "\n\n", "> ", "- ", "1. ", "|", "---\n", "[a]: ", "<http://", "&amp;"],
    ...["\\", "data:text/html,", '"', "'", "//", "\t", "../", "mailto:"],
  ],
  run: (bytes) => {
    const html = renderMarkdown(new TextDecoder().decode(bytes));
    for (const { name, attributes } of readTags(html)) {
      hold(MARKDOWN_TAGS.has(name.replace("/", "")), `${name} is a tag that a text may have`);
      for (const attribute of attributes.keys()) {
        hold(MARKDOWN_ATTRIBUTES.has(attribute), `${attribute} is an attribute that it may have`);
      }
      holdAddresses(attributes);
    }
    hold(html.length <= 100 * (bytes.length + 100), "it does not explode");
  },
};

/** As a browser resolves them. */
function holdAddresses(attributes: HtmlTag["attributes"]): void {
  const [href, src] = [attributes.get("href"), attributes.get("src")];
  if (src !== undefined) {
    const { host, protocol } = new URL(src, HERE);
    hold(host === "relay.test" && protocol === "http:", `${src} is loaded from beside the text`);
  }
  if (href === undefined) return;
  const url = URL.parse(href, HERE);
  const isHarmless = url === null || ["http:", "https:", "mailto:"].includes(url.protocol);
  hold(isHarmless, `${href} leads to the web`);
  const isHere = url?.host === "relay.test";
  hold(isHere || attributes.get("rel") === "nofollow noopener", `${href} says nothing for us`);
}

/** A name that nobody could mind, for each type that the pages tell apart. */
const PLAIN_NAMES: Readonly<Record<FileType, string>> = {
  ...{ image: "a.png", audio: "a.mp3", video: "a.webm", pdf: "a.pdf", markdown: "a.md" },
  ...{ code: "a.ts", text: "a.txt", archive: "a.zip", other: "a" },
};
const KINDS = ["file", "directory", "unavailable"] as const;

const listing: FuzzTarget = {
  name: "listing",
  tokens: [
    ...[
      "<",
      ">",
      '"',
      "'",
      "&",
      "&lt;",
      "&#39;",
      "</title>",
      "<script>",
      "javascript:",
      "%",
      "%2e",
    ],
    ...["\n", "\r", "\t", " onload=x", "..", "#", "?", ".png", ".html", ".md", "\xe2\x80\xae"],
    ...["\xff", "?filter=", "&sort=size", "&view=grid", "&page=2", "`", "\\", ":", "//"],
  ],
  run: (bytes, random) => {
    const [first = "", ...lines] = new TextDecoder().decode(bytes).slice(0, 2000).split("\n");
    const names = lines.filter((name) => !["", ".", ".."].includes(name) && !/[/\0]/.test(name));
    const query = parseListingQuery(new URLSearchParams(first));
    const again = parseListingQuery(new URLSearchParams(listingParameters(query)));
    hold(isSame(again, query) || query.page > 1e20, "links ask for what was asked for");
    const entries = names.map((name): ListingEntry => ({
      name,
      kind: random.pick(KINDS),
      size: random.pick([0, 1, 2 ** 20]),
      mtime: random.pick([null, 0, 1e12]),
    }));
    const page = (entries: readonly ListingEntry[], folder: string, filter: string): string =>
      listingPage({
        segments: [folder],
        entries,
        query: { ...query, filter },
        pageCount: query.page + 1,
        folderCount: 1,
        fileCount: 2,
        unfilteredCount: entries.length,
        readme: undefined,
      });
    const tags = readTags(page(entries, names[0] ?? "folder", query.filter));
    const plain = readTags(page(entries.map(toPlain), "folder", query.filter === "" ? "" : "x"));
    hold(
      isSame(tags.map(shapeOf), plain.map(shapeOf)),
      "names and filters are text, whatever they are",
    );
    holdLinks(tags, entries);
    for (const { name } of entries) {
      const shown = readTags(preview(name));
      const shownPlain = readTags(preview(PLAIN_NAMES[fileType(name)]));
      hold(
        isSame(shown.map(shapeOf), shownPlain.map(shapeOf)),
        "so are they on a page of their own",
      );
    }
  },
};

function toPlain(entry: ListingEntry): ListingEntry {
  return { ...entry, name: PLAIN_NAMES[fileType(entry.name)] };
}

function preview(name: string): string {
  const content = { kind: "text", text: name, isCut: false } as const;
  return previewPage({ segments: [name], size: 1, mtime: 0, content });
}

/** What a tag is, but for the values in it. */
function shapeOf({ name, attributes }: HtmlTag): readonly string[] {
  return [name, ...attributes.keys()];
}

/** Each link leads to a place of the folder, or above it, and those of entries to just these. */
function holdLinks(tags: readonly HtmlTag[], entries: readonly ListingEntry[]): void {
  const known = new Set(
    entries.map(({ name, kind }) =>
      `${HERE}${encodeURIComponent(name.toWellFormed())}${kind === "directory" ? "/" : ""}`
    ),
  );
  for (const { attributes } of tags) {
    const address = attributes.get("href") ?? attributes.get("src");
    if (address === undefined) continue;
    const url = new URL(address, HERE);
    hold(url.origin === "http://relay.test" && url.hash === "", `${address} stays here`);
    const place = `${url.origin}${url.pathname}`;
    const isOurs = place === HERE || !place.startsWith(HERE);
    hold(isOurs || known.has(place), `${address} is that of an entry`);
  }
}

export const PAGE_TARGETS: readonly FuzzTarget[] = [markdown, listing];
