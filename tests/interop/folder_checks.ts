/** Folders, errors and targets that lead nowhere. */

import { type Check, ensure, equal } from "./check.ts";
import { type Answer, bodyText, visit } from "./visitor.ts";
import { encodePath, type World } from "./world.ts";

export const FOLDER_CHECKS: readonly Check[] = [
  {
    name: "a folder without slash redirects, relatively",
    run: async (world) => {
      await checkRedirect(world, "nested/deep");
      // The original does not encode the location.
      if (world.pairing.server === "ours") await checkRedirect(world, "nested/sp ace/ü&%");
    },
  },
  {
    name: "HTML listing",
    run: async (world) => {
      const answer = await world.visit("/files/");
      equal("status", answer.status, 200);
      ensure(/^text\/html; ?charset=utf-8$/i.test(contentType(answer)), contentType(answer));
      if (world.pairing.server === "ours") return checkLinks(world, answer);
      // The original's links are not encoded; its page is the operator's template.
      for (const name of ["1m1.bin", "nested/", "ünï ☃ 日本.txt"]) {
        ensure(bodyText(answer).includes(name), `"${name}" is not listed`);
      }
    },
  },
  {
    name: "JSON listing",
    run: async (world) => {
      equal("entries of /", await listNames(world, ""), namesBelow(world, ""));
      equal("entries of nested/", await listNames(world, "nested/"), namesBelow(world, "nested/"));
      const deep = "nested/sp ace/ü&%/";
      equal(`entries of ${deep}`, await listNames(world, deep), namesBelow(world, deep));
    },
  },
  {
    name: "an empty folder",
    run: async (world) => {
      equal("entries", await listNames(world, `${world.tree.emptyFolder}/`), "");
      const page = await world.visitFile(`${world.tree.emptyFolder}/`);
      equal("status of the page", page.status, 200);
    },
  },
  {
    name: "what is missing is 404",
    run: async (world) => {
      for (const path of ["missing.txt", "missing/", "nested/missing", "12.txt/below"]) {
        equal(`status of ${path}`, (await world.visitFile(path)).status, 404);
      }
      const listing = await world.visit("/api/v1/dir/missing/");
      equal("status of a missing folder's listing", listing.status, 404);
      equal("status of /nowhere", (await world.visit("/nowhere")).status, 404);
    },
  },
  {
    name: "an unknown server is 404",
    run: async (world) => {
      const answer = await visit(world.port, "/frontend/servers/nobody/files/12.txt");
      equal("status", answer.status, 404);
    },
  },
  {
    name: "POST to a file is refused, and served on",
    run: async (world) => {
      const { status } = await world.visitFile("12.txt", { method: "POST" });
      ensure(status >= 400 && status < 600, `status ${status}`);
      equal("status of GET after it", (await world.visitFile("12.txt")).status, 200);
    },
  },
  {
    name: "no way out of the root",
    // The original's file server has ways out: `..`, `%2e%2e`, `//etc`, `%2F`.
    applies: ({ server }) => server === "ours",
    run: async (world) => {
      for (
        const way of [
          "/files/../../etc/hostname",
          "/files/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/hostname",
          "/files//etc/hostname",
          "/files/%2Fetc%2Fhostname",
          "/files/..%2f..%2f..%2f..%2fetc%2fhostname",
        ]
      ) {
        const { status } = await world.visit(way);
        ensure(status === 400 || status === 403 || status === 404, `${way} gives ${status}`);
      }
    },
  },
];

async function checkRedirect(world: World, folder: string): Promise<void> {
  const answer = await world.visitFile(folder);
  // 308 where both are ours: the classic protocol carries only 307.
  const isOurs = world.pairing.relay === "ours" && world.pairing.server === "ours";
  ensure(
    answer.status === 307 || (isOurs && answer.status === 308),
    `status of ${folder} is ${answer.status}`,
  );
  const location = String(answer.headers.get("location"));
  ensure(!/^\/|:\/\//.test(location), `location "${location}" is not relative`);
  const base = `http://127.0.0.1${world.fileTarget(folder)}`;
  equal("where it leads", new URL(location, base).pathname, `${new URL(base).pathname}/`);
}

/** Every file of the tree's root can be reached by a link of the page. */
function checkLinks(world: World, page: Answer): void {
  const base = `http://127.0.0.1${world.target("/files/")}`;
  const reached = new Set<string>();
  for (const match of bodyText(page).matchAll(/href="([^"]*)"/g)) {
    reached.add(new URL(decodeEntities(match[1] ?? ""), base).pathname);
  }
  for (const { path } of world.tree.files) {
    if (path.includes("/")) continue;
    // Encoded and normalised by the same rules as the links were.
    const wanted = new URL(encodePath(path), base).pathname;
    const isReached = [...reached].some((link) =>
      decodeURIComponent(link) === decodeURIComponent(wanted)
    );
    ensure(isReached, `no link leads to "${path}"`);
  }
}

function decodeEntities(text: string): string {
  return text
    .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) => String.fromCodePoint(parseInt(hex, 16)))
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

interface ListedEntry {
  readonly name: string;
  readonly size: number;
  readonly is_dir: boolean;
}

/** One line per entry of the JSON listing; a folder's size means nothing and is left out. */
async function listNames(world: World, folder: string): Promise<string> {
  const answer = await world.visit(`/api/v1/dir/${encodePath(folder)}`);
  equal("status", answer.status, 200);
  ensure(/^application\/json/.test(contentType(answer)), contentType(answer));
  equal("content-length", answer.headers.get("content-length"), String(answer.body.length));
  const { entries } = JSON.parse(bodyText(answer)) as { entries: ListedEntry[] };
  return entries.map(({ name, size, is_dir }) => is_dir ? `${name}/` : `${name} ${size}`)
    .join("\n");
}

/** What {@linkcode listNames} should give: sorted by the bytes of the names. */
function namesBelow(world: World, folder: string): string {
  const lines = new Map<string, string>();
  const paths = [
    ...world.tree.files.map(({ path, size }) => [path, size] as const),
    [`${world.tree.emptyFolder}/`, 0] as const,
    [world.tree.hugeFile, 0] as const,
  ];
  for (const [path, size] of paths) {
    if (!path.startsWith(folder)) continue;
    const [name = "", ...below] = path.slice(folder.length).split("/");
    lines.set(name, below.length > 0 ? `${name}/` : `${name} ${size}`);
  }
  return [...lines].sort(([a], [b]) => compareBytes(a, b)).map(([, line]) => line).join("\n");
}

function compareBytes(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => new TextEncoder().encode(text).toHex());
  return (left ?? "") < (right ?? "") ? -1 : 1;
}

function contentType(answer: Answer): string {
  return String(answer.headers.get("content-type"));
}
