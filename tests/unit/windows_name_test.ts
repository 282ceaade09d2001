import { assertEquals } from "@std/assert";
import { isWindowsTrap } from "../../lib/files/windows_name.ts";

Deno.test("isWindowsTrap finds drives, streams, devices, short names and dropped endings", () => {
  const traps = [
    "c:",
    "C:a",
    "a:b",
    "a.txt::$DATA",
    ".env::$DATA",
    "a\\b",
    "a/b",
    "a*",
    "a?",
    'a"',
    "a<b",
    "a|b",
  ];
  traps.push("a.", "a..", "a ", "a. ", " ", "a\n", "a\0");
  traps.push(
    "con",
    "CON",
    "nul.txt",
    "aux.",
    "prn .txt",
    "com1",
    "COM9.log",
    "lpt1",
    "com¹",
    "conin$",
    "CONOUT$",
  );
  traps.push("PROGRA~1", "ENV~1", "a~1.txt", "ABCDEF~12", "GIT~1");
  for (const name of traps) assertEquals(isWindowsTrap(name), true, JSON.stringify(name));
});

Deno.test("isWindowsTrap leaves ordinary names alone", () => {
  const names = [
    "a",
    "a.txt",
    "a b",
    ".well-known",
    "console",
    "com",
    "com10",
    "nul2",
    "lpt",
    "auxiliary.txt",
  ];
  names.push("a~b", "notes.txt~", "~1", "backup-of-2024~1.txt", "#x", "é", "a.b.c", "-", "%41");
  for (const name of names) assertEquals(isWindowsTrap(name), false, JSON.stringify(name));
});
