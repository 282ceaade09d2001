import { assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { MAX_THUMBNAIL_BYTES } from "../../lib/base/limits.ts";
import { compareNames, type ListingEntry } from "../../lib/files/directory_listing.ts";
import { listingJson } from "../../lib/files/listing_json.ts";
import { listingGrid } from "../../lib/files/listing_grid.ts";
import { listingPage, type ListingView } from "../../lib/files/listing_page.ts";
import { listingHref, parseListingQuery } from "../../lib/files/listing_query.ts";
import { listingText } from "../../lib/files/listing_text.ts";
import { previewPage } from "../../lib/files/preview_page.ts";
import { searchPage } from "../../lib/files/search_page.ts";

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

function page(options: Partial<ListingView> = {}): string {
  return listingPage({
    segments: [],
    entries: ENTRIES,
    query: parseListingQuery(new URLSearchParams()),
    pageCount: 1,
    folderCount: 1,
    fileCount: 3,
    unfilteredCount: 4,
    readme: undefined,
    ...options,
  });
}

/** That nothing got out of its quotes: no tag, attribute or address is there that is not ours. */
function assertHarmless(html: string): void {
  for (const [tag] of html.matchAll(/<[a-z](?:[^>"]|"[^"]*")*>/gi)) {
    const bare = tag.slice(1).replace(/"[^"]*"/g, "");
    assertNotMatch(bare, /^(?:script|i|b|style|iframe)\b|\son\w+|['<&]|autofocus/, tag);
  }
  assertNotMatch(html, /<\/title>[^]*<\/title>/);
  for (const [, to = ""] of html.matchAll(/\b(?:href|src|data)="([^"]*)"/g)) {
    assertMatch(to, /^(?:\.\/|(?:\.\.\/)+)/);
  }
  // Nothing that turns a line round, but in what a form sends back.
  // deno-lint-ignore no-control-regex
  assertNotMatch(html.replace(/value="[^"]*"/g, ""), /[\u202a-\u202e\u2066-\u2069\u0007]/);
}

const EVIL_TEXTS = [
  EVIL,
  `"><script>alert(1)</script>`,
  `'><img src=x onerror=alert(1)>`,
  `" autofocus onfocus="alert(1)`,
  "</title></h1></a><b>",
  "javascript:alert(1)",
  "photo\u202egpj.exe",
  "\u2066x\u2069",
  "a\r\nb\u0007",
  "//evil.example/",
  "\\evil",
  "&lt;script&gt;",
  "\ud800",
];

Deno.test("listingPage escapes names and links relatively (CVE-2015-8856)", () => {
  const html = page({ segments: ["<i>", "b&c"] });
  assertHarmless(html);
  assertStringIncludes(html, '<a href="./dir/">dir<span class="dir">/</span></a>');
  assertStringIncludes(html, '<a href="./a%20b.txt">a b.txt</a>');
  assertStringIncludes(html, 'href="./a%22%3E%3Cscript%3E&#39;%26%0A.txt"');
  assertStringIncludes(html, "bad\ufffd (not available)");
  assertNotMatch(html, /href="[^"]*%EF%BF%BD/);
  assertStringIncludes(
    html,
    '<li><a href="../../">Files</a><li><a href="../">&lt;i&gt;</a>' +
      '<li><h1 aria-current="page">b&amp;c</h1>',
  );
});

Deno.test("pages hold no markup of names, filters, words and READMEs, whatever these are", () => {
  for (const name of EVIL_TEXTS) {
    for (const kind of ["file", "directory", "unavailable"] as const) {
      for (const suffix of ["", ".png", ".md"]) {
        const entries: ListingEntry[] = [{ name: name + suffix, kind, size: 1, mtime: MTIME }];
        const segments = [name, `${name}${suffix}`];
        for (const view of ["list", "grid"]) {
          const query = parseListingQuery(
            new URLSearchParams({ filter: name, view, sort: "size" }),
          );
          assertHarmless(page({ entries, segments, query, pageCount: 3 }));
        }
        const found = { path: segments, isDirectory: kind === "directory", size: 1, mtime: MTIME };
        const result = { entries: [found], cut: "time" } as const;
        assertHarmless(searchPage({ segments, words: name, result }));
        for (
          const content of [{ kind: "image" }, { kind: "text", text: "x", isCut: true }] as const
        ) {
          assertHarmless(
            previewPage({ segments, size: 1, mtime: MTIME, content }).replace(/\r/g, ""),
          );
        }
      }
    }
  }
});

Deno.test("listingPage keeps a name with a scheme a name", () => {
  const entry: ListingEntry = { name: "javascript:alert(1)", kind: "file", size: 1, mtime: MTIME };
  assertStringIncludes(page({ entries: [entry] }), 'href="./javascript%3Aalert(1)"');
});

Deno.test("listingPage shows sizes and dates for people, exact ones for machines", () => {
  const html = page();
  assertStringIncludes(html, '<td class="s" title="6 bytes">6 B');
  assertStringIncludes(html, '<td class="s" title="1500000 bytes">1.4 MiB');
  assertStringIncludes(html, '<time datetime="2026-01-02T03:04:05Z">2026-01-02 03:04</time>');
});

Deno.test("listingPage sums up what it lists, with bytes where all is on one page", () => {
  assertStringIncludes(
    page(),
    '<p>1 folder, 3 files, <span title="1,500,006 bytes">1.4 MiB</span>',
  );
  assertStringIncludes(page({ pageCount: 2 }), "<p>1 folder, 3 files</p>");
  assertStringIncludes(page({ entries: [], folderCount: 0, fileCount: 0 }), "<p>Empty</p>");
  const query = parseListingQuery(new URLSearchParams({ filter: "a<" }));
  assertStringIncludes(page({ query }), "4 of 4 names with “a&lt;”");
});

Deno.test("listingPage links to its other pages and orders, and keeps the rest of the query", () => {
  const query = parseListingQuery(
    new URLSearchParams("sort=size&order=desc&page=2&filter=x+y&view=list&junk=1"),
  );
  const html = page({ query, pageCount: 3 });
  assertStringIncludes(
    html,
    '<a class="button" href="./?filter=x+y&amp;sort=size&amp;order=desc" rel="prev">Previous</a>' +
      " <span>Page 2 of 3</span>",
  );
  assertStringIncludes(
    html,
    'href="./?filter=x+y&amp;sort=size&amp;order=desc&amp;page=3" rel="next">Next</a>',
  );
  assertStringIncludes(
    html,
    'aria-sort="descending"><a href="./?filter=x+y&amp;sort=size">',
  );
  assertStringIncludes(html, '<input type="hidden" name="order" value="desc">');
  assertNotMatch(page(), /aria-label="Pages"/);
});

Deno.test("listingPage previews in the list only what a browser can show", () => {
  const entries = ["a.png", "b.zip", "c.ts"].map((name): ListingEntry => ({
    name,
    kind: "file",
    size: 1,
    mtime: null,
  }));
  const html = page({ entries });
  assertStringIncludes(html, '<a class="eye" href="./a.png?preview" title="Preview">');
  assertStringIncludes(html, 'href="./c.ts?preview"');
  assertNotMatch(html, /b\.zip\?preview/);
});

Deno.test("listingGrid shows images of up to MAX_THUMBNAIL_BYTES, and nothing else, as themselves", () => {
  const image = (name: string, size: number): ListingEntry => ({
    name,
    kind: "file",
    size,
    mtime: null,
  });
  const entries = [
    image("a.png", MAX_THUMBNAIL_BYTES),
    image("b.png", MAX_THUMBNAIL_BYTES + 1),
    image("c.txt", 1),
    { ...image("d.png", 1), kind: "directory" as const },
  ];
  const html = listingGrid(entries, { hasParent: false });
  assertEquals([...html.matchAll(/<img src="([^"]*)"/g)].map(([, src]) => src), ["./a.png"]);
  assertEquals([...html.matchAll(/<a href="([^"]*)"/g)].map(([, href]) => href), [
    "./a.png?preview",
    "./b.png",
    "./c.txt",
    "./d.png/",
  ]);
});

Deno.test("previewPage numbers the lines of a text and never adds to it", () => {
  const lines = (text: string): (string | undefined)[] => {
    const content = { kind: "text", text, isCut: false } as const;
    const html = previewPage({ segments: ["f"], size: 1, mtime: null, content });
    return [
      /aria-hidden="true">([^<]*)</.exec(html)?.[1]?.replaceAll("\n", " "),
      /aria-label="Content">\n([^<]*)</.exec(html)?.[1],
    ];
  };
  assertEquals(lines(""), ["1", ""]);
  assertEquals(lines("a"), ["1", "a"]);
  assertEquals(lines("\na\r\nb\n"), ["1 2 3", "\na\nb\n"]);
});

Deno.test("parseListingQuery takes for not given what makes no sense", () => {
  const of = (query: string): string =>
    listingHref(parseListingQuery(new URLSearchParams(query)), {});
  assertEquals(of("sort=junk&order=&page=-1&view=table&filter=++"), "./");
  assertEquals(of("page=0"), "./");
  assertEquals(
    of("sort=date&order=desc&view=grid&page=7"),
    "./?sort=date&order=desc&view=grid&page=7",
  );
});
