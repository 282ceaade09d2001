// What RFC 9110 asks of a server of files: one row per demand, the request and what must come.

import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { MAX_RANGES } from "../../lib/base/limits.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { createFileServer, type FileServerOptions } from "../../lib/files/file_server.ts";
import { headerValue } from "../../lib/http/headers.ts";
import { formatHttpDate } from "../../lib/http/http_date.ts";
import { readBody } from "../support/read_body.ts";
import { TempFolder } from "../support/temp_folder.ts";

// A day on: what the test writes is settled.
const NOW = Math.ceil(Date.now() / 1000) * 1000 + 86_400_000;
const MODIFIED = NOW - 3_600_000;
const LM = formatHttpDate(MODIFIED);
const LATER = formatHttpDate(MODIFIED + 1000);
const NEXT_YEAR = formatHttpDate(NOW + 365 * 86_400_000);
const OLD = "Sat, 01 Jan 2000 00:00:00 GMT";
const [, DAY = "", MONTH = "", YEAR = "", TIME = ""] =
  /^..., (..) (...) (....) (.{8}) GMT$/.exec(LM) ?? [];
const RFC850 = `Monday, ${DAY}-${MONTH}-${YEAR.slice(2)} ${TIME} GMT`;
// More than 50 years ahead, which is past.
const RFC850_PAST = RFC850.replace(`-${YEAR.slice(2)} `, `-${(Number(YEAR) + 60) % 100} `);
const ASCTIME = `Mon ${MONTH} ${DAY.replace(/^0/, " ")} ${TIME} ${YEAR}`;
const CONTENT = Array.from({ length: 1000 }, (_, i) => String.fromCharCode(97 + i % 26)).join("");

/** The options of a server of the same folder. */
const SERVERS = {
  plain: {},
  precompressed: { precompressed: true },
  site: { index: "index.html", spaFallback: "app.html", notFoundPage: "404.html" },
  lost: { notFoundPage: "404.html" },
  open: { cors: "*" },
  partner: { cors: "https://partner.example" },
  discreet: { hiddenPatterns: ["*.KEY", "private"], precompressed: true },
} satisfies Record<string, Partial<FileServerOptions>>;

interface Row {
  readonly section: string;
  /** Default: plain. */
  readonly server?: keyof typeof SERVERS;
  /** `E` stands for the ETag of /f, `E.br` and so on for those of the variants of /app.js. */
  readonly headers?: readonly string[];
  /** Default: GET. */
  readonly method?: string;
  /** Default: /f, a file of 1000 bytes. */
  readonly path?: string;
  readonly status: number;
  /** The bytes that must come; left out where they do not matter. */
  readonly body?: string;
  /** Header fields that must be as given, or absent where null. `*` stands for any value. */
  readonly fields?: Readonly<Record<string, string | null>>;
}

const WHOLE = {
  status: 200,
  body: CONTENT,
  fields: { "content-length": "1000", "content-range": null },
};
const NOT_MODIFIED = {
  status: 304,
  body: "",
  fields: { etag: "E", "last-modified": LM, "cache-control": "no-cache" },
};
const FAILED = { status: 412, fields: { "cache-control": "no-store" } };
const UNSATISFIABLE = { status: 416, fields: { "content-range": "bytes */1000" } };

function part(first: number, last: number): Omit<Row, "section"> {
  return {
    status: 206,
    body: CONTENT.slice(first, last + 1),
    fields: {
      "content-range": `bytes ${first}-${last}/1000`,
      "content-length": String(last - first + 1),
      "etag": "E",
      "last-modified": LM,
      "cache-control": "no-cache",
      "accept-ranges": "bytes",
      "content-type": "application/octet-stream",
    },
  };
}

/** How /app.js comes in a coding. */
function variant(coding: string): Omit<Row, "section"> {
  const isIdentity = coding === "identity";
  const body = isIdentity ? CONTENT : `${coding} of app.js`;
  return {
    path: "/app.js",
    status: 200,
    body,
    fields: {
      "content-encoding": isIdentity ? null : coding,
      "content-type": "text/javascript; charset=utf-8",
      "content-length": String(body.length),
      "accept-ranges": "bytes",
      vary: "Accept-Encoding",
      etag: `E.${coding}`,
    },
  };
}

function digestField(algorithm: "sha256" | "sha512", content: string): string {
  const digest = createHash(algorithm).update(content).digest("base64");
  return `${algorithm.replace("sha", "sha-")}=:${digest}:`;
}

const SHA256 = digestField("sha256", CONTENT);
const SHA512 = digestField("sha512", CONTENT);

const ROWS: readonly Row[] = [
  // Conditional requests
  { section: "§13.1.2", headers: ["If-None-Match", "E"], ...NOT_MODIFIED },
  { section: "§13.1.2", headers: ["If-None-Match", "*"], ...NOT_MODIFIED },
  { section: "§13.1.2", headers: ["If-None-Match", '"x", E'], ...NOT_MODIFIED },
  { section: "§13.1.2", headers: ["If-None-Match", "W/E"], ...NOT_MODIFIED },
  { section: "§13.1.2", headers: ["If-None-Match", "E"], method: "HEAD", ...NOT_MODIFIED },
  { section: "§13.1.2", headers: ["If-None-Match", '"no"'], ...WHOLE },
  { section: "§13.2.2", headers: ["If-None-Match", '"no"', "If-Modified-Since", LM], ...WHOLE },
  {
    section: "§13.2.2",
    headers: ["If-None-Match", "E", "If-Modified-Since", OLD],
    ...NOT_MODIFIED,
  },
  { section: "§13.1.3", headers: ["If-Modified-Since", LM], ...NOT_MODIFIED },
  { section: "§13.1.3", headers: ["If-Modified-Since", LATER], ...NOT_MODIFIED },
  { section: "§13.1.3", headers: ["If-Modified-Since", NEXT_YEAR], ...NOT_MODIFIED },
  { section: "§13.1.3", headers: ["If-Modified-Since", OLD], ...WHOLE },
  { section: "§13.1.3", headers: ["If-Modified-Since", "tomorrow"], ...WHOLE },
  { section: "§13.1.3", headers: ["If-Modified-Since", LM], method: "POST", status: 405 },
  {
    section: "§5.6.7",
    headers: ["If-Modified-Since", RFC850],
    ...NOT_MODIFIED,
  },
  {
    section: "§5.6.7",
    headers: ["If-Modified-Since", ASCTIME],
    ...NOT_MODIFIED,
  },
  { section: "§5.6.7", headers: ["If-Modified-Since", RFC850_PAST], ...WHOLE },
  { section: "§13.1.1", headers: ["If-Match", '"no"'], ...FAILED },
  { section: "§13.1.1", headers: ["If-Match", "*"], ...WHOLE },
  { section: "§13.1.1", headers: ["If-Match", "E"], ...WHOLE },
  { section: "§13.1.1", headers: ["If-Match", "W/E"], ...FAILED },
  { section: "§13.1.4", headers: ["If-Unmodified-Since", OLD], ...FAILED },
  { section: "§13.1.4", headers: ["If-Match", "E", "If-Unmodified-Since", OLD], ...WHOLE },
  { section: "§13.2.1", headers: ["If-Match", '"no"'], path: "/missing", status: 404 },
  { section: "§13.2.1", headers: ["If-None-Match", "*"], path: "/missing", status: 404 },
  { section: "§13.2.1", headers: ["If-Match", '"no"'], path: "/dir", status: 308 },
  { section: "§13.2.1", headers: ["If-Match", '"no"'], method: "DELETE", status: 405 },
  { section: "§15.4.5", headers: ["If-None-Match", "E"], ...NOT_MODIFIED },
  { section: "§13.2.2", headers: ["Range", "bytes=0-9", "If-None-Match", "E"], ...NOT_MODIFIED },
  { section: "§13.2.2", headers: ["Range", "bytes=0-9", "If-Match", '"no"'], ...FAILED },
  { section: "§13.2.2", headers: ["Range", "bytes=0-9", "If-Match", "E"], ...part(0, 9) },
  { section: "§13.1.1", headers: ["If-Match", '"no"'], path: "/dir/", ...FAILED },

  // Ranges
  { section: "§14.2", headers: ["Range", "bytes=0-9"], ...part(0, 9) },
  { section: "§14.1.2", headers: ["Range", "bytes=990-"], ...part(990, 999) },
  { section: "§14.1.2", headers: ["Range", "bytes=-10"], ...part(990, 999) },
  { section: "§14.1.2", headers: ["Range", "bytes=-5000"], ...part(0, 999) },
  { section: "§14.1.2", headers: ["Range", "bytes=900-99999"], ...part(900, 999) },
  { section: "§14.1.2", headers: ["Range", "bytes=0-99999999999999999999999"], ...part(0, 999) },
  { section: "§15.5.17", headers: ["Range", "bytes=1000-"], ...UNSATISFIABLE },
  { section: "§15.5.17", headers: ["Range", "bytes=-0"], ...UNSATISFIABLE },
  { section: "§15.5.17", headers: ["Range", "bytes=99999999999999999999999-"], ...UNSATISFIABLE },
  ...["lines=0-9", "bytes=abc", "bytes=9-0", "bytes=5-2", "", "bytes", "bytes=", "bytes=-"].map((
    value,
  ): Row => ({ section: "§14.2", headers: ["Range", value], ...WHOLE })),
  { section: "§5.3", headers: ["Range", "bytes=0-1", "Range", "bytes=4-5"], ...WHOLE },
  {
    section: "§14.6",
    headers: ["Range", "bytes=0-1,10-11"],
    status: 206,
    fields: { "content-range": null, "content-length": "*", "accept-ranges": "bytes", etag: "E" },
  },
  { section: "§15.3.7.2", headers: ["Range", "bytes=0-1,5000-"], ...part(0, 1) },
  { section: "§15.3.7.2", headers: ["Range", "bytes=5-9,0-6"], ...part(0, 9) },
  { section: "§17.15", headers: ["Range", `bytes=${"0-,".repeat(MAX_RANGES)}0-`], ...WHOLE },
  { section: "§17.15", headers: ["Range", "bytes=0-499,501-999"], ...WHOLE },
  {
    section: "§14.2",
    headers: ["Range", "bytes=0-9"],
    method: "HEAD",
    status: 200,
    body: "",
    fields: { "content-length": "1000", "content-range": null },
  },
  { section: "§14.2", headers: ["Range", "bytes=0-9"], method: "OPTIONS", status: 204 },
  { section: "§14.2", headers: ["Range", "bytes=0-9"], method: "POST", status: 405 },
  ...["bytes=0-", "bytes=0-0", "bytes=-1"].map((value): Row => ({
    section: "§14.2",
    headers: ["Range", value],
    path: "/empty",
    status: 200,
    body: "",
    fields: { "content-length": "0", "content-range": null },
  })),
  { section: "§13.1.5", headers: ["Range", "bytes=0-9", "If-Range", "E"], ...part(0, 9) },
  { section: "§13.1.5", headers: ["Range", "bytes=0-9", "If-Range", LM], ...part(0, 9) },
  { section: "§13.1.5", headers: ["Range", "bytes=0-9", "If-Range", '"no"'], ...WHOLE },
  { section: "§13.1.5", headers: ["Range", "bytes=0-9", "If-Range", "W/E"], ...WHOLE },
  { section: "§13.1.5", headers: ["Range", "bytes=0-9", "If-Range", OLD], ...WHOLE },
  { section: "§13.1.5", headers: ["Range", "bytes=0-9", "If-Range", LATER], ...WHOLE },
  { section: "§13.1.5", headers: ["Range", "bytes=5000-", "If-Range", '"no"'], ...WHOLE },
  { section: "§14.3", status: 200, fields: { "accept-ranges": "bytes" } },
  { section: "§14.3", path: "/dir/", status: 200, fields: { "accept-ranges": null } },

  // Methods and targets
  ...["DELETE", "PUT", "POST", "PATCH", "TRACE", "CONNECT", "PROPFIND"].map((method): Row => ({
    section: "§15.5.6",
    method,
    status: 405,
    fields: { allow: "GET, HEAD, OPTIONS" },
  })),
  ...["BREW", "get", ""].map((method): Row => ({ section: "§15.6.2", method, status: 501 })),
  {
    section: "§9.3.7",
    method: "OPTIONS",
    status: 204,
    body: "",
    fields: { allow: "GET, HEAD, OPTIONS" },
  },
  { section: "§15.5.15", path: `/${"x".repeat(256)}`, status: 404 },
  { section: "§15.5.15", path: `/${"a/".repeat(4000)}`, status: 404 },
  { section: "RFC 3986 §6.2.2", path: "/%66", ...WHOLE },
  ...["/%zz", "/%", "/%c0%ae", "/%ff", "/%00", "/f%00"].map((path): Row => ({
    section: "RFC 3986 §2.1",
    path,
    status: 400,
  })),
  ...["/dir%2Ff", "/dir%5Cf", "/../f", "/%2e%2e/f", "/./f", "//f", "/dir//f", "/.hidden"].map((
    path,
  ): Row => ({ section: "§17.3", path, status: 404 })),
  {
    section: "§10.2.2",
    path: "/dir?a=%20b",
    status: 308,
    fields: { location: "./dir/?a=%20b", "cache-control": "no-cache" },
  },
  { section: "§10.2.2", path: "/f/", status: 404 },

  // Representation
  {
    section: "§8.3",
    path: "/t.txt",
    status: 200,
    fields: { "content-type": "text/plain; charset=utf-8" },
  },
  {
    section: "§8.4",
    path: "/t.gz",
    status: 200,
    fields: { "content-type": "application/gzip", "content-encoding": null },
  },
  { section: "§8.6", ...WHOLE },
  { section: "§8.6", method: "HEAD", status: 200, fields: { "content-length": "1000" } },
  {
    section: "§8.8.2.1",
    path: "/future",
    status: 200,
    fields: { "last-modified": formatHttpDate(NOW) },
  },
  ...["/epoch0", "/epoch1"].map((path): Row => ({
    section: "§8.8.2.1",
    path,
    status: 200,
    fields: { "last-modified": null, etag: "*" },
  })),
  ...[
    ["br", "br"],
    ["zstd", "zstd"],
    ["gzip", "gzip"],
    ["x-gzip", "gzip"],
    ["GZIP", "gzip"],
    ["gzip, deflate, br, zstd", "br"],
    ["gzip;q=1, br;q=0.5", "gzip"],
    ["br;q=0, gzip ; q=0.001", "gzip"],
    ["*", "br"],
    ["*;q=0.1, br;q=0", "zstd"],
    ["gzip, identity;q=0", "gzip"],
    ["gzip, *;q=0", "gzip"],
    ["deflate", "identity"],
    ["", "identity"],
    ["abr", "identity"],
    ["br;q=0", "identity"],
    ["br;q=1.5", "identity"],
    ["identity, br;q=0.5", "identity"],
    ["gzip;q=0.2, identity;q=0.3", "identity"],
  ].flatMap(([accepted = "", coding = ""]): Row[] => {
    const headers = ["Accept-Encoding", accepted];
    return [
      { section: "§12.5.3", server: "precompressed", headers, ...variant(coding) },
      {
        section: "§12.5.5",
        server: "precompressed",
        headers: [...headers, "If-None-Match", `E.${coding}`],
        path: "/app.js",
        status: 304,
        fields: { etag: `E.${coding}`, vary: "Accept-Encoding" },
      },
    ];
  }),
  { section: "§12.5.3", server: "precompressed", ...variant("identity") },
  ...["identity;q=0", "*;q=0", "deflate, *;q=0"].flatMap((accepted): Row[] => {
    const headers = ["Accept-Encoding", accepted];
    return [
      { section: "§12.5.3", headers, status: 406, fields: { "cache-control": "no-store" } },
      { section: "§12.5.3", server: "precompressed", path: "/app.js", headers, status: 406 },
      { section: "§12.5.3", server: "precompressed", path: "/t.txt", headers, status: 406 },
    ];
  }),
  {
    section: "§8.8.3.3",
    server: "precompressed",
    headers: ["Accept-Encoding", "br", "If-None-Match", "E.gzip"],
    ...variant("br"),
  },
  {
    section: "§8.8.3.3",
    server: "precompressed",
    headers: ["Accept-Encoding", "br", "If-Match", "E.br"],
    ...variant("br"),
  },
  {
    section: "§8.8.3.3",
    server: "precompressed",
    headers: ["Accept-Encoding", "br", "If-Match", "E.identity"],
    path: "/app.js",
    status: 412,
  },
  {
    section: "§14.2",
    server: "precompressed",
    headers: ["Accept-Encoding", "br", "Range", "bytes=0-4", "If-Range", "E.br"],
    path: "/app.js",
    status: 206,
    body: "br of",
    fields: {
      "content-encoding": "br",
      "content-range": "bytes 0-4/12",
      "content-type": "text/javascript; charset=utf-8",
      vary: "Accept-Encoding",
      etag: "E.br",
    },
  },
  {
    section: "§13.1.5",
    server: "precompressed",
    headers: ["Accept-Encoding", "br", "Range", "bytes=0-4", "If-Range", "E.gzip"],
    ...variant("br"),
  },
  {
    section: "§9.3.2",
    server: "precompressed",
    headers: ["Accept-Encoding", "br"],
    method: "HEAD",
    ...variant("br"),
    body: "",
  },
  {
    section: "§8.4",
    server: "precompressed",
    headers: ["Accept-Encoding", "gzip"],
    path: "/app.js.gz",
    status: 200,
    body: "gzip of app.js",
    fields: { "content-type": "application/gzip", "content-encoding": null, vary: null },
  },
  // Not compressible, older than the file, a folder, hidden: as if they were not there.
  ...["/f", "/stale.js", "/odd.js", "/dir/x.css"].map((path): Row => ({
    section: "§12.5.3",
    server: "precompressed",
    headers: ["Accept-Encoding", "gzip, br"],
    path,
    status: 200,
    fields: { "content-encoding": null, vary: path === "/f" ? null : "Accept-Encoding" },
  })),
  {
    section: "§12.5.3",
    headers: ["Accept-Encoding", "br"],
    path: "/app.js",
    status: 200,
    body: CONTENT,
    fields: { "content-encoding": null, vary: null },
  },
  { section: "§12.5.5", path: "/dir/", status: 200, fields: { vary: "Accept" } },
  { section: "RFC 9111 §5.2.2", status: 200, fields: { "cache-control": "no-cache" } },
  {
    section: "RFC 9111 §5.2.2",
    path: "/dir/",
    status: 200,
    fields: { "cache-control": "no-cache" },
  },
  { section: "RFC 9111 §5.2.2", path: "/x", status: 404, fields: { "cache-control": "no-store" } },
  ...["/f", "/dir/", "/dir"].map((path): Row => ({
    section: "RFC 9111 §3.5",
    path,
    headers: ["Authorization", "Basic eDp5"],
    status: path === "/dir" ? 308 : 200,
    fields: { "cache-control": "private, no-cache" },
  })),

  // Downloads and digests
  ...[
    ["/t.txt?download", 'attachment; filename="t.txt"'],
    ["/t.txt?x=1&download=1", 'attachment; filename="t.txt"'],
    [
      "/%22q%22%0D%0A%F0%9F%90%99.txt?download",
      `attachment; filename="\\"q\\"___.txt"; filename*=UTF-8''%22q%22%0D%0A%F0%9F%90%99.txt`,
    ],
    ["/t.txt?downloads", undefined],
  ].map(([path = "", disposition]): Row => ({
    section: "RFC 6266 §4",
    path: path ?? "",
    status: disposition === null ? 404 : 200,
    fields: { "content-disposition": disposition ?? null },
  })),
  {
    section: "RFC 6266 §4",
    path: "/f?download",
    headers: ["Range", "bytes=0-1"],
    status: 206,
    body: CONTENT.slice(0, 2),
    fields: { "content-disposition": 'attachment; filename="f"' },
  },
  ...[
    ["sha-256=1", SHA256],
    ["sha-512=3, sha-256=10", SHA256],
    ["sha-256=1, sha-512=2;x=y", SHA512],
    ["sha-256=0, sha-512=1", SHA512],
    ["SHA-256=1", null],
    ["sha-256=0", null],
    ["sha-256", null],
    ["sha-256=11", null],
    ["md5=1, junk junk, =, ;;;, \xff", null],
    ["", null],
  ].flatMap(([wish, digest]): Row[] =>
    ["/f", "/f?x"].map((path) => ({
      section: "RFC 9530 §4",
      path,
      headers: ["Want-Repr-Digest", wish ?? ""],
      ...WHOLE,
      fields: { "repr-digest": digest ?? null },
    }))
  ),
  {
    section: "RFC 9530 §3",
    headers: ["Want-Repr-Digest", "sha-256=1", "Range", "bytes=0-9"],
    ...part(0, 9),
    fields: { "repr-digest": SHA256, "content-range": "bytes 0-9/1000" },
  },
  {
    section: "RFC 9530 §3",
    method: "HEAD",
    headers: ["Want-Repr-Digest", "sha-256=1"],
    status: 200,
    body: "",
    fields: { "repr-digest": SHA256, "content-length": "1000" },
  },
  {
    section: "RFC 9530 §3",
    server: "precompressed",
    path: "/app.js",
    headers: ["Want-Repr-Digest", "sha-256=1", "Accept-Encoding", "br"],
    status: 200,
    body: "br of app.js",
    fields: { "repr-digest": digestField("sha256", "br of app.js") },
  },
  ...["GET", "HEAD"].map((method): Row => ({
    section: "RFC 9530 §3",
    server: "precompressed",
    path: "/app.js?sha256",
    method,
    headers: ["Accept-Encoding", "br"],
    status: 200,
    body: method === "HEAD" ? "" : createHash("sha256").update(CONTENT).digest("hex"),
    fields: { "content-type": "text/plain; charset=utf-8", "content-length": "64", etag: null },
  })),
  { section: "§13.1.1", path: "/f?sha256", headers: ["If-Match", '"no"'], status: 412 },

  // Pages in place of what was asked for
  {
    section: "index",
    server: "site",
    path: "/",
    status: 200,
    body: "INDEX",
    fields: { "content-type": "text/html; charset=utf-8", etag: "*", vary: null },
  },
  { section: "index", server: "site", path: "/dir/", status: 200, fields: { link: "*" } },
  { section: "index", server: "site", path: "/dir", status: 308 },
  {
    section: "spa_fallback",
    server: "site",
    path: "/route/7",
    headers: ["Accept", "text/html,application/xhtml+xml,*/*;q=0.8"],
    status: 200,
    body: "APP",
    fields: { vary: "Accept", "cache-control": "no-cache", etag: "*" },
  },
  ...[["*/*"], ["application/json"], ["image/*,*/*;q=0.8"], []].map((accept): Row => ({
    section: "spa_fallback",
    server: "site",
    path: "/missing.js",
    headers: accept.flatMap((value) => ["Accept", value]),
    status: 404,
    body: "LOST",
  })),
  ...["/nothing", "/.hidden", "/../x", "/f/"].flatMap((path): Row[] => [
    {
      section: "§15.5.5",
      server: "lost",
      path,
      headers: ["If-None-Match", "*", "Range", "bytes=0-1"],
      status: 404,
      body: "LOST",
      fields: {
        "content-type": "text/html; charset=utf-8",
        "content-length": "4",
        "cache-control": "no-store",
        etag: null,
        "content-security-policy": "*",
      },
    },
    {
      section: "§9.3.2",
      server: "lost",
      path,
      method: "HEAD",
      status: 404,
      body: "",
      fields: { "content-length": "4" },
    },
  ]),
  { section: "§15.5.1", server: "lost", path: "/%zz", status: 400, body: "Bad Request\n" },

  // Cross-origin reading
  ...["/f", "/dir/", "/dir", "/missing"].map((path): Row => ({
    section: "Fetch §3.2",
    server: "open",
    path,
    headers: ["Origin", "https://other.example"],
    status: { "/f": 200, "/dir/": 200, "/dir": 308 }[path] ?? 404,
    fields: {
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "*",
      "access-control-allow-credentials": null,
    },
  })),
  {
    section: "Fetch §3.2",
    server: "partner",
    headers: ["Origin", "https://evil.example", "If-None-Match", "E"],
    status: 304,
    fields: { "access-control-allow-origin": "https://partner.example" },
  },
  {
    section: "Fetch §3.2.2",
    server: "open",
    method: "OPTIONS",
    headers: ["Origin", "https://other.example", "Access-Control-Request-Method", "GET"],
    status: 204,
    body: "",
    fields: {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET, HEAD, OPTIONS",
      "access-control-allow-headers": "*",
      "access-control-max-age": "*",
      "access-control-allow-credentials": null,
    },
  },
  ...["plain", "open"].map((server): Row => ({
    section: "Fetch §3.2.2",
    server: server === "open" ? "open" : "plain",
    method: "OPTIONS",
    headers: server === "open" ? ["Origin", "https://other.example"] : [
      "Origin",
      "https://other.example",
      "Access-Control-Request-Method",
      "GET",
    ],
    status: 204,
    fields: { "access-control-allow-methods": null, allow: "GET, HEAD, OPTIONS" },
  })),
  {
    section: "Fetch §3.2",
    headers: ["Origin", "https://other.example"],
    ...WHOLE,
    fields: { "access-control-allow-origin": null, vary: null },
  },

  // Hidden names
  ...[
    "/server.key",
    "/SERVER.kEy",
    "/dir/private",
    "/dir/private/",
    "/dir/PRIVATE/x",
    "/private.key",
  ]
    .map((path): Row => ({ section: "§17.3", server: "discreet", path, status: 404 })),
  { section: "§17.3", path: "/server.key", status: 200 },
  { section: "§17.3", server: "discreet", path: "/server.keys", status: 200 },

  // Links of a listing
  {
    section: "RFC 8288 §3",
    path: "/dir/",
    headers: ["Accept", "text/html"],
    status: 200,
    fields: { link: "*" },
  },
  ...["/f", "/dir/", "/missing"].map((path): Row => ({
    section: "§9.3.2",
    path,
    method: "HEAD",
    status: path === "/missing" ? 404 : 200,
    fields: { "content-type": "*" },
  })),
];

Deno.test("file server conformance", async (t) => {
  await using folder = await TempFolder.create();
  const modified = new Date(MODIFIED);
  for (const name of ["f", "t.txt", "t.gz"]) await folder.write(name, CONTENT, modified);
  await folder.write("empty", "", modified);
  await folder.write("dir/f", "in dir", modified);
  await folder.write(".hidden", "hidden", modified);
  await folder.write("future", "x", new Date(NOW + 3_600_000));
  await folder.write("epoch0", "x", new Date(0));
  await folder.write("epoch1", "x", new Date(1000));
  await folder.write("app.js", CONTENT, modified);
  for (const [coding, extension] of [["br", "br"], ["zstd", "zst"], ["gzip", "gz"]]) {
    await folder.write(`app.js.${extension}`, `${coding} of app.js`, modified);
  }
  await folder.write("f.br", "br of f", modified);
  await folder.write("stale.js", CONTENT, modified);
  await folder.write("stale.js.br", "stale", new Date(MODIFIED - 1));
  await folder.write("odd.js", CONTENT, modified);
  await folder.write("odd.js.br/f", "a folder", modified);
  await folder.write("dir/x.css", CONTENT, modified);
  for (const name of ["index", "app", "404"]) {
    const content = { index: "INDEX", app: "APP" }[name] ?? "LOST";
    await folder.write(`${name}.html`, content, modified);
  }
  for (const name of ["server.key", "server.keys", "dir/private/x", '"q"\r\n🐙.txt']) {
    await folder.write(name, CONTENT, modified);
  }
  const common = {
    fileSystem: denoFileSystem,
    root: folder.path,
    clock: { ...systemClock, now: () => NOW },
    log: silentLogger,
  };
  const tags = new Map<string, string>();
  const readTag = async (name: string, path: string, headers: readonly string[]): Promise<void> => {
    const server = createFileServer({ ...common, precompressed: true });
    const head = await server.answer({ method: "HEAD", target: path, headers }, path);
    tags.set(name, headerValue(head.headers, "etag") ?? "none");
  };
  await readTag("E", "/f", []);
  for (const coding of ["br", "zstd", "gzip", "identity"]) {
    await readTag(`E.${coding}`, "/app.js", ["Accept-Encoding", coding]);
  }
  assertEquals(new Set(tags.values()).size, 5, "each variant has a tag of its own (§8.8.3.3)");
  const expand = (text: string): string =>
    text.replace(/(?<=^|W\/|, )E(?:\.\w+)?$/, (name) => tags.get(name) ?? name);

  for (const row of ROWS) {
    const { section, server: kind = "plain", headers = [], method = "GET", path = "/f" } = row;
    const options: Partial<FileServerOptions> = SERVERS[kind];
    const server = createFileServer({ ...common, ...options });
    const name = `${section} ${kind} ${method} ${path} ${headers.join(" ")} -> ${row.status}`;
    await t.step(name.slice(0, 120), async () => {
      const request = { method, target: path, headers: headers.map(expand) };
      const answer = await server.answer(request, path.replace(/\?.*/, ""));
      assertEquals(answer.status, row.status);
      const body = new TextDecoder().decode(await readBody(answer.body));
      if (row.body !== undefined) assertEquals(body, row.body);
      for (const [field, value] of Object.entries(row.fields ?? {})) {
        const actual = headerValue(answer.headers, field);
        if (value === "*") assert(actual !== undefined, field);
        else assertEquals(actual, value === null ? undefined : expand(value), field);
      }
      const length = headerValue(answer.headers, "content-length");
      if (answer.body !== null && length !== undefined) assertEquals(length, String(body.length));
    });
  }
});
