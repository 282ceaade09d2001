import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { MAX_LOG_LINE_CHARS } from "../../lib/base/limits.ts";
import { createLogger, escapeControls, LOG_LEVELS, type LogLevel } from "../../lib/base/log.ts";
import { ManualClock } from "../support/manual_clock.ts";

function setUp(
  level: LogLevel = "debug",
): { log: ReturnType<typeof createLogger>; lines: string[] } {
  const lines: string[] = [];
  const clock = new ManualClock();
  return { log: createLogger({ clock, level, write: (line) => lines.push(line) }), lines };
}

Deno.test("createLogger writes time, level, subsystem, sentence and fields", () => {
  const { log, lines } = setUp();
  log.info("Listening", { port: 4000, tls: false, host: "::1" });
  log.named("relay").warn("Slow");
  log.named("relay").named("http").error("Failed");
  assertEquals(lines, [
    "2026-11-23T00:00:00.000Z INFO  Listening port=4000 tls=false host=::1",
    "2026-11-23T00:00:00.000Z WARN  relay: Slow",
    "2026-11-23T00:00:00.000Z ERROR relay.http: Failed",
  ]);
});

for (const [i, level] of LOG_LEVELS.entries()) {
  Deno.test(`createLogger at ${level} writes that level and higher, in subsystems too`, () => {
    const { log, lines } = setUp(level);
    for (const one of LOG_LEVELS) log[one](one);
    for (const one of LOG_LEVELS) log.named("part")[one](one);
    const expected = LOG_LEVELS.slice(i);
    assertEquals(lines.map((line) => line.split(" ").at(-1)), [...expected, ...expected]);
  });
}

Deno.test("createLogger quotes values that are not one word, and leaves out undefined ones", () => {
  const { log, lines } = setUp();
  log.info("x", {
    plain: "a/b",
    spaced: "a b",
    empty: "",
    quoted: 'a"b',
    equals: "a=b",
    none: null,
    gone: undefined,
  });
  assertEquals(
    lines[0]?.slice("2026-11-23T00:00:00.000Z INFO  ".length),
    'x plain=a/b spaced="a b" empty="" quoted="a\\"b" equals="a=b" none=null',
  );
});

Deno.test("createLogger makes one line without controls of whatever a peer sends", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (text, value) => {
      const { log, lines } = setUp();
      log.info(text, { value });
      assertEquals(lines.length, 1);
      const [line = ""] = lines;
      assertEquals(escapeControls(line), line);
    }),
  );
});

Deno.test("createLogger cuts a line at its limit, and says so", () => {
  const { log, lines } = setUp();
  const room = MAX_LOG_LINE_CHARS - "2026-11-23T00:00:00.000Z INFO  ".length;
  log.info("x".repeat(room));
  log.info("x".repeat(room + 1));
  log.info("x", { value: "\n".repeat(MAX_LOG_LINE_CHARS) });
  assertEquals(lines.map((line) => line.length), [4096, 4096, 4096]);
  assertEquals(lines.map((line) => line.endsWith("…")), [false, true, true]);
});

Deno.test("escapeControls escapes every control, line separator and bidirectional control", () => {
  const ranges = [[0x00, 0x1f], [0x7f, 0x9f], [0x61c, 0x61c], [0x200e, 0x200f], [0x2028, 0x2029]];
  ranges.push([0x202a, 0x202e], [0x2066, 0x2069]);
  for (let code = 0; code < 0xd800; code++) {
    const char = String.fromCharCode(code);
    const isUnsafe = ranges.some(([from = 0, to = 0]) => code >= from && code <= to);
    assertEquals(escapeControls(char) !== char, isUnsafe, code.toString(16));
  }
});

Deno.test("escapeControls spells controls out and leaves all other text alone", () => {
  assertEquals(
    escapeControls("\r\n\t\x00\x1b[2J\x7f\x9b"),
    "\\x0d\\x0a\\x09\\x00\\x1b[2J\\x7f\\x9b",
  );
  assertEquals(escapeControls("\u2028\u202e\u2066\u061c"), "\\u{2028}\\u{202e}\\u{2066}\\u{61c}");
  assertEquals(escapeControls("Grüße, 世界 😀 ~ \u00a0"), "Grüße, 世界 😀 ~ \u00a0");
});
