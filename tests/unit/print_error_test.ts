import { assertEquals } from "@std/assert";
import { ConfigError } from "../../lib/base/errors.ts";
import { formatConfigError } from "../../lib/cli/print_error.ts";

Deno.test("formatConfigError leaves out the parts of a place that are unknown", () => {
  const format = (place: ConfigError["place"]): string =>
    formatConfigError("ptth_relay", new ConfigError("Wrong", place));
  assertEquals(format({}), "ptth_relay: Wrong\n");
  assertEquals(format({ file: "a" }), "ptth_relay: a: Wrong\n");
  assertEquals(format({ file: "a", line: 1, column: 2 }), "ptth_relay: a:1:2: Wrong\n");
  assertEquals(format({ hint: "Do" }), "ptth_relay: Wrong\nhint: Do\n");
});

Deno.test("formatConfigError keeps to one line each, whatever a file is called", () => {
  const error = new ConfigError("Wrong\n", { file: "a\nb\u001b[2J", hint: "Do\r" });
  assertEquals(
    formatConfigError("ptth_relay", error),
    "ptth_relay: a\\x0ab\\x1b[2J: Wrong\\x0a\nhint: Do\\x0d\n",
  );
});
