import { assertEquals, assertMatch } from "@std/assert";
import { SETTLED_AGE_MS } from "../../lib/base/limits.ts";
import type { FileStat } from "../../lib/files/file_system.ts";
import { toValidators } from "../../lib/files/validators.ts";

const CHANGED = 1_000_000;
const SETTLED = CHANGED + SETTLED_AGE_MS;
const STAT: FileStat = {
  kind: "file",
  size: 36,
  mtime: 5500,
  ctime: CHANGED,
  dev: 1,
  ino: 37,
  links: 1,
};

function tagOf(changes: Partial<FileStat>, now = SETTLED, bytes?: Uint8Array): string | undefined {
  return toValidators({ ...STAT, ...changes }, { now, bytes }).etag;
}

Deno.test("toValidators makes another tag of every other state (RFC 9110 §8.8.1)", () => {
  const tags = [{}, { size: 37 }, { mtime: 5501 }, { ctime: CHANGED + 1000 }, { ino: 38 }]
    .map((changes) => tagOf(changes, SETTLED + 1000));
  assertEquals(new Set(tags).size, tags.length);
  for (const tag of tags) assertMatch(tag ?? "", /^"[0-9a-z-]+"$/);
});

Deno.test("toValidators makes another tag of every coding (RFC 9110 §8.8.3.3)", () => {
  const tags = ([undefined, "br", "zstd", "gzip"] as const).flatMap((coding) =>
    [undefined, new Uint8Array([1])].map((bytes) =>
      toValidators(STAT, { now: bytes === undefined ? SETTLED : CHANGED, bytes, coding }).etag
    )
  );
  assertEquals(new Set(tags).size, 8);
});

Deno.test("toValidators tags what is not settled by its bytes, else weakly, else not at all", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  assertMatch(tagOf({}, SETTLED - 1, bytes) ?? "", /^"[\w-]{22}"$/);
  assertMatch(tagOf({}, SETTLED - 1) ?? "", /^W\/"[0-9a-z-]+-new"$/);
  const undated = { ctime: null, mtime: 1000 };
  assertEquals(tagOf(undated), undefined);
  assertMatch(tagOf(undated, SETTLED, bytes) ?? "", /^"[\w-]{22}"$/);
});

Deno.test("toValidators dates nothing later than now, or by a date that means nothing (RFC 9110 §8.8.2.1)", () => {
  const dateOf = (mtime: number | null): number | undefined =>
    toValidators({ ...STAT, mtime }, { now: SETTLED + 999 }).lastModified;
  assertEquals([5500, SETTLED + 5000, 1999, 0, null].map(dateOf), [
    5000,
    Math.floor((SETTLED + 999) / 1000) * 1000,
    undefined,
    undefined,
    undefined,
  ]);
});
