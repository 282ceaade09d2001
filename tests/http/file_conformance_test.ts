// What RFC 9110 asks of a server of files: one row per demand, the request and what must come.

import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { MAX_RANGES } from "../../lib/base/limits.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { createFileServer } from "../../lib/files/file_server.ts";
import { headerValue } from "../../lib/http/headers.ts";
import { formatHttpDate } from "../../lib/http/http_date.ts";
import { readBody } from "../support/read_body.ts";
import { TempFolder } from "../support/temp_folder.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const MODIFIED = NOW - 3_600_000;
const LM = formatHttpDate(MODIFIED);
const LATER = formatHttpDate(MODIFIED + 1000);
const NEXT_YEAR = formatHttpDate(NOW + 365 * 86_400_000);
const OLD = "Sat, 01 Jan 2000 00:00:00 GMT";
const CONTENT = Array.from({ length: 1000 }, (_, i) => String.fromCharCode(97 + i % 26)).join("");

interface Row {
  readonly section: string;
  /** `E` stands for the ETag of the file. */
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
    headers: ["If-Modified-Since", "Monday, 23-Nov-26 11:00:00 GMT"],
    ...NOT_MODIFIED,
  },
  {
    section: "§5.6.7",
    headers: ["If-Modified-Since", "Mon Nov 23 11:00:00 2026"],
    ...NOT_MODIFIED,
  },
  { section: "§5.6.7", headers: ["If-Modified-Since", "Monday, 23-Nov-99 11:00:00 GMT"], ...WHOLE },
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
    fields: { "last-modified": null, etag: null },
  })),
  { section: "§12.5.5", path: "/dir/", status: 200, fields: { vary: "Accept" } },
  { section: "RFC 9111 §5.2.2", status: 200, fields: { "cache-control": "no-cache" } },
  {
    section: "RFC 9111 §5.2.2",
    path: "/dir/",
    status: 200,
    fields: { "cache-control": "no-cache" },
  },
  { section: "RFC 9111 §5.2.2", path: "/x", status: 404, fields: { "cache-control": "no-store" } },
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
  const server = createFileServer({
    fileSystem: denoFileSystem,
    root: folder.path,
    clock: { ...systemClock, now: () => NOW },
    log: silentLogger,
  });
  const head = await server.answer({ method: "HEAD", target: "/f", headers: [] }, "/f");
  const etag = headerValue(head.headers, "etag") ?? "none";
  const expand = (text: string): string => text.replace(/^E$|(?<=W\/|, )E$/, etag);

  for (const { section, headers = [], method = "GET", path = "/f", ...expected } of ROWS) {
    const name = `${section} ${method} ${path} ${headers.join(" ")} -> ${expected.status}`;
    await t.step(name.slice(0, 120), async () => {
      const request = { method, target: path, headers: headers.map(expand) };
      const answer = await server.answer(request, path.replace(/\?.*/, ""));
      assertEquals(answer.status, expected.status);
      const body = new TextDecoder().decode(await readBody(answer.body));
      if (expected.body !== undefined) assertEquals(body, expected.body);
      for (const [field, value] of Object.entries(expected.fields ?? {})) {
        const actual = headerValue(answer.headers, field);
        if (value === "*") assert(actual !== undefined, field);
        else assertEquals(actual, value === null ? undefined : expand(value), field);
      }
      const length = headerValue(answer.headers, "content-length");
      if (answer.body !== null && length !== undefined) assertEquals(length, String(body.length));
    });
  }
});
