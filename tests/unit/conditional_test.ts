import { assertEquals } from "@std/assert";
import {
  evaluatePreconditions,
  isRangeAllowed,
  type Validators,
} from "../../lib/http/conditional.ts";
import { formatHttpDate } from "../../lib/http/http_date.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const MODIFIED = NOW - 60_000;
const LM = formatHttpDate(MODIFIED);
const LATER = formatHttpDate(MODIFIED + 1000);
const OLD = "Sat, 01 Jan 2000 00:00:00 GMT";
const STATE: Validators = { etag: '"E"', lastModified: MODIFIED };

function verdict(headers: string[], method = "GET", state = STATE): string {
  return evaluatePreconditions({ method, headers }, state, NOW);
}

Deno.test("evaluatePreconditions decides as RFC 9110 §13.2.2 orders", () => {
  const rows: [section: string, headers: string[], verdict: string][] = [
    ["none", [], "proceed"],
    ["§13.1.2", ["If-None-Match", '"E"'], "not_modified"],
    ["§13.1.2", ["if-none-match", "*"], "not_modified"],
    ["§13.1.2", ["If-None-Match", '"x", "E"'], "not_modified"],
    ["§13.1.2", ["If-None-Match", 'W/"E"'], "not_modified"],
    ["§5.3", ["If-None-Match", '"x"', "If-None-Match", '"E"'], "not_modified"],
    ["§13.1.2", ["If-None-Match", '"no"'], "proceed"],
    ["§13.1.2", ["If-None-Match", "E"], "proceed"],
    ["§13.2.2", ["If-None-Match", '"no"', "If-Modified-Since", LM], "proceed"],
    ["§13.2.2", ["If-None-Match", '"E"', "If-Modified-Since", OLD], "not_modified"],
    ["§13.1.3", ["If-Modified-Since", LM], "not_modified"],
    ["§13.1.3", ["If-Modified-Since", LATER], "not_modified"],
    ["§13.1.3", ["If-Modified-Since", OLD], "proceed"],
    ["§13.1.3", ["If-Modified-Since", "soon"], "proceed"],
    ["§13.1.1", ["If-Match", '"no"'], "precondition_failed"],
    ["§13.1.1", ["If-Match", "*"], "proceed"],
    ["§13.1.1", ["If-Match", '"x", "E"'], "proceed"],
    ["§13.1.1", ["If-Match", 'W/"E"'], "precondition_failed"],
    ["§13.1.1", ["If-Match", "junk"], "precondition_failed"],
    ["§13.1.4", ["If-Unmodified-Since", OLD], "precondition_failed"],
    ["§13.1.4", ["If-Unmodified-Since", LM], "proceed"],
    ["§13.1.4", ["If-Unmodified-Since", "soon"], "proceed"],
    ["§13.1.4", ["If-Match", '"E"', "If-Unmodified-Since", OLD], "proceed"],
    ["§13.2.2", ["If-Match", '"no"', "If-None-Match", '"E"'], "precondition_failed"],
    ["§13.2.2", ["If-Match", '"E"', "If-None-Match", '"E"'], "not_modified"],
  ];
  for (const [section, headers, expected] of rows) {
    assertEquals(verdict(headers), expected, `${section} ${headers.join(" ")}`);
    assertEquals(verdict(headers, "HEAD"), expected, `HEAD ${section} ${headers.join(" ")}`);
  }
});

Deno.test("evaluatePreconditions on other methods fails If-None-Match and ignores If-Modified-Since (RFC 9110 §13.1)", () => {
  assertEquals(verdict(["If-None-Match", "*"], "PUT"), "precondition_failed");
  assertEquals(verdict(["If-None-Match", '"no"'], "PUT"), "proceed");
  assertEquals(verdict(["If-Modified-Since", LM], "POST"), "proceed");
});

Deno.test("evaluatePreconditions never matches validators that are not there (RFC 9110 §13.1)", () => {
  const none: Validators = { etag: undefined, lastModified: undefined };
  assertEquals(verdict(["If-Match", '"E"'], "GET", none), "precondition_failed");
  assertEquals(verdict(["If-None-Match", '"E"'], "GET", none), "proceed");
  assertEquals(verdict(["If-Modified-Since", LM], "GET", none), "proceed");
  assertEquals(verdict(["If-Unmodified-Since", OLD], "GET", none), "proceed");
});

Deno.test("evaluatePreconditions never takes a weak tag for If-Match (RFC 9110 §13.1.1)", () => {
  const weak: Validators = { etag: 'W/"E"', lastModified: MODIFIED };
  assertEquals(verdict(["If-Match", 'W/"E"'], "GET", weak), "precondition_failed");
  assertEquals(verdict(["If-None-Match", '"E"'], "GET", weak), "not_modified");
});

Deno.test("isRangeAllowed wants the current strong validator (RFC 9110 §13.1.5, §8.8.2.2)", () => {
  const rows: [headers: string[], allowed: boolean][] = [
    [[], true],
    [["If-Range", '"E"'], true],
    [["If-Range", '"no"'], false],
    [["If-Range", 'W/"E"'], false],
    [["If-Range", LM], true],
    [["If-Range", LATER], false],
    [["If-Range", OLD], false],
    [["If-Range", "soon"], false],
    [["If-Range", ""], false],
  ];
  for (const [headers, allowed] of rows) {
    assertEquals(isRangeAllowed(headers, STATE, NOW), allowed, headers.join(" "));
  }
  assertEquals(isRangeAllowed(["If-Range", LM], STATE, MODIFIED + 999), false);
  assertEquals(isRangeAllowed(["If-Range", LM], STATE, MODIFIED + 1000), true);
  assertEquals(isRangeAllowed(["If-Range", 'W/"E"'], { ...STATE, etag: 'W/"E"' }, NOW), false);
});
