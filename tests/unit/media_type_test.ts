import { assertEquals } from "@std/assert";
import { isActiveDocument, mediaType } from "../../lib/http/media_type.ts";

Deno.test("mediaType goes by the last ending and declares text to be UTF-8 (RFC 9110 §8.3)", () => {
  const rows: [name: string, type: string][] = [
    ["a.txt", "text/plain; charset=utf-8"],
    ["A.HTML", "text/html; charset=utf-8"],
    ["a.js", "text/javascript; charset=utf-8"],
    ["a.json", "application/json"],
    ["a.svg", "image/svg+xml"],
    ["a.jpeg", "image/jpeg"],
    ["a.mp4", "video/mp4"],
    ["a.tar.gz", "application/gzip"],
    ["a.nosuchtype", "application/octet-stream"],
    ["a.", "application/octet-stream"],
    ["html", "application/octet-stream"],
    ["", "application/octet-stream"],
  ];
  for (const [name, type] of rows) assertEquals(mediaType(name), type, name);
});

Deno.test("isActiveDocument knows HTML and every kind of XML, and nothing else", () => {
  for (
    const name of ["a.html", "a.htm", "a.xhtml", "a.svg", "a.xml", "a.xsl", "a.rss", "a.mathml"]
  ) {
    assertEquals(isActiveDocument(mediaType(name)), true, name);
  }
  for (const name of ["a.txt", "a.png", "a.pdf", "a.json", "a.js", "a.docx", "a.mp4", "a"]) {
    assertEquals(isActiveDocument(mediaType(name)), false, name);
  }
});
