import { assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { compareNames, type ListingEntry } from "../../lib/files/directory_listing.ts";
import { listingJson } from "../../lib/files/listing_json.ts";
import { listingPage } from "../../lib/files/listing_page.ts";
import { listingText } from "../../lib/files/listing_text.ts";

const MTIME = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const EVIL = `a"><script>'&\n.txt`;
const ENTRIES: readonly ListingEntry[] = [
  { name: "dir", kind: "directory", size: 4096, mtime: MTIME },
  { name: "a b.txt", kind: "file", size: 6, mtime: MTIME },
  { name: EVIL, kind: "file", size: 1_500_000, mtime: null },
  { name: "bad\ufffd", kind: "unavailable", size: 0, mtime: null },
];

async function* slices(...all: ListingEntry[][]): AsyncGenerator<ListingEntry[]> {
  yield* all;
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  return (await Array.fromAsync(pieces)).join("");
}

Deno.test("compareNames orders as the bytes of UTF-8 do", () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const difference = (a[i] ?? 0) - (b[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return a.length - b.length;
  };
  const name = fc.string({ unit: "binary" });
  fc.assert(fc.property(name, name, (a, b) => {
    assertEquals(Math.sign(compareNames(a, b)), Math.sign(compareBytes(bytes(a), bytes(b))));
  }));
  assertEquals(["\u{1f419}", "\uffee", "b", "a"].sort(compareNames), [
    "a",
    "b",
    "\uffee",
    "\u{1f419}",
  ]);
});

Deno.test("listingJson keeps the original's members and leaves out what cannot be asked for", async () => {
  const json = await textOf(listingJson(slices(ENTRIES.slice(0, 2), [], ENTRIES.slice(2))));
  assertEquals(JSON.parse(json), {
    entries: [
      {
        name: "dir",
        size: 4096,
        is_dir: true,
        type: "directory",
        mtime: "2026-01-02T03:04:05.678Z",
      },
      { name: "a b.txt", size: 6, is_dir: false, type: "file", mtime: "2026-01-02T03:04:05.678Z" },
      { name: EVIL, size: 1_500_000, is_dir: false, type: "file", mtime: null },
    ],
  });
  assertStringIncludes(json, '{"entries":[{"name":"dir","size":4096,"is_dir":true');
});

Deno.test("listingJson of nothing is an empty list", async () => {
  assertEquals(await textOf(listingJson(slices())), '{"entries":[]}');
  assertEquals(await textOf(listingJson(slices([]))), '{"entries":[]}');
});

Deno.test("listingText is one line per name", async () => {
  assertEquals(
    await textOf(listingText(slices([...ENTRIES]))),
    `dir/\na b.txt\na"><script>'&\\x0a.txt\n`,
  );
});

function page(options: Partial<Parameters<typeof listingPage>[0]> = {}): string {
  const order = { key: "name", isDescending: false } as const;
  const base = { segments: [], entries: ENTRIES, order, page: 1, pageCount: 1, total: 4 };
  return listingPage({ ...base, ...options });
}

Deno.test("listingPage escapes names and links relatively (CVE-2015-8856)", () => {
  const html = page({ segments: ["<i>", "b&c"] });
  assertNotMatch(html, /<script|<i>/);
  assertStringIncludes(html, '<a href="./dir/">dir/</a>');
  assertStringIncludes(html, '<a href="./a%20b.txt">a b.txt</a>');
  assertStringIncludes(html, 'href="./a%22%3E%3Cscript%3E&#39;%26%0A.txt"');
  assertStringIncludes(html, "bad\ufffd (not available)");
  assertNotMatch(html, /href="[^"]*%EF%BF%BD/);
  assertStringIncludes(
    html,
    '<a href="../../">Files</a> / <a href="../">&lt;i&gt;</a> / b&amp;c</h1>',
  );
  const links = [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href ?? "");
  for (const href of links) assertEquals(/^(?:\.\/|(?:\.\.\/)+$|\?)/.test(href), true, href);
});

Deno.test("listingPage keeps a name with a scheme a name", () => {
  const entry: ListingEntry = { name: "javascript:alert(1)", kind: "file", size: 1, mtime: MTIME };
  assertStringIncludes(page({ entries: [entry] }), 'href="./javascript%3Aalert(1)"');
});

Deno.test("listingPage shows sizes and dates for people, exact ones for machines", () => {
  const html = page();
  assertStringIncludes(html, '<td title="6 bytes">6 B');
  assertStringIncludes(html, '<td title="1500000 bytes">1.4 MiB');
  assertStringIncludes(html, '<time datetime="2026-01-02T03:04:05.678Z">2026-01-02 03:04</time>');
});

Deno.test("listingPage links to its other pages in the same order", () => {
  const order = { key: "size", isDescending: true } as const;
  const html = page({ order, page: 2, pageCount: 3 });
  assertStringIncludes(html, '<a href="?sort=size&amp;order=desc">Previous</a> Page 2 of 3');
  assertStringIncludes(html, '<a href="?sort=size&amp;order=desc&amp;page=3">Next</a>');
  assertStringIncludes(
    html,
    '<th scope="col" aria-sort="descending"><a href="?sort=size&amp;order=asc">',
  );
  assertNotMatch(page(), /<nav/);
});
