import { assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import {
  type AccessRecord,
  createAccessLog,
  formatCombined,
  formatJson,
} from "../../lib/http/access_log.ts";
import { observeExchange } from "../../lib/http/exchange_observer.ts";
import { createFakeRequest } from "../support/fake_request.ts";
import { ManualClock } from "../support/manual_clock.ts";

const RECORD: AccessRecord = {
  request: createFakeRequest("/a?b", {
    headers: ["Host", "h", "Referer", "http://h/", "User-Agent", 'x"\\\x1b\r\n\x9b'],
  }),
  user: "bj\u00f6rn",
  time: Date.UTC(2026, 10, 3, 7, 5, 9, 120),
  durationMs: 12.34567,
  status: 206,
  bytes: 1234,
  delivery: "cut",
};

Deno.test("formatCombined writes Apache's format, with all that could forge a line escaped", () => {
  assertEquals(
    formatCombined(RECORD),
    '192.0.2.1 - bj\\xc3\\xb6rn [03/Nov/2026:07:05:09 +0000] "GET /a?b HTTP/1.1" 206 1234 ' +
      '"http://h/" "x\\"\\\\\\x1b\\x0d\\x0a\\x9b"',
  );
  const bare = createFakeRequest("/", { remoteAddress: "" });
  assertEquals(
    formatCombined({
      ...RECORD,
      request: { ...bare, remoteAddress: "" },
      user: undefined,
      bytes: 0,
      status: null,
    }),
    '- - - [03/Nov/2026:07:05:09 +0000] "GET / HTTP/1.1" 499 - "-" "-"',
  );
});

Deno.test("formatJson writes one object with an RFC 3339 time", () => {
  assertEquals(JSON.parse(formatJson(RECORD)), {
    time: "2026-11-03T07:05:09.120Z",
    remote: "192.0.2.1",
    user: "bj\u00f6rn",
    method: "GET",
    target: "/a?b",
    protocol: "HTTP/1.1",
    status: 206,
    bytes: 1234,
    duration_ms: 12.346,
    delivery: "cut",
    referer: "http://h/",
    user_agent: 'x"\\\x1b\r\n\x9b',
  });
});

Deno.test("both forms are one line of printable ASCII, whatever a visitor sends", () => {
  const bytes = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)),
  });
  fc.assert(
    fc.property(
      bytes,
      bytes,
      bytes,
      fc.string({ unit: "binary" }),
      (method, target, agent, user) => {
        const request = {
          ...createFakeRequest(target, {
            method,
            headers: ["User-Agent", agent, "Referer", agent],
          }),
        };
        for (
          const line of [
            formatCombined({ ...RECORD, request, user }),
            formatJson({ ...RECORD, request, user }),
          ]
        ) {
          assertMatch(line, /^[\x20-\x7e]+$/);
        }
        assertMatch(
          formatCombined({ ...RECORD, request, user: undefined }),
          /^\S+ - - \[[^\]]+\] "(?:[^"\\]|\\.)*" 206 1234 "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*"$/,
        );
        assertEquals(JSON.parse(formatJson({ ...RECORD, request, user })).target, target);
      },
    ),
  );
});

Deno.test("createAccessLog writes a line when an exchange ends, with what was sent till then", async () => {
  const lines: string[] = [];
  const clock = new ManualClock();
  const observe = createAccessLog({
    form: "json",
    clock,
    userOf: () => undefined,
    write: (line) => void lines.push(line),
  });
  const request = createFakeRequest("/a");
  const observed = observeExchange(request, observe);
  observed.answered(200);
  observed.sent?.(5);
  clock.advance(40);
  observed.sent?.(6);
  assertEquals(lines, []);
  request.finish("delivered");
  await request.finished;
  await Promise.resolve();
  const { status, bytes, duration_ms, delivery } = JSON.parse(lines[0] ?? "null");
  assertEquals([status, bytes, duration_ms, delivery, lines.length], [200, 11, 40, "delivered", 1]);
});
