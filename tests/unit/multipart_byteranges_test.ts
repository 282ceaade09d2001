import { assertEquals } from "@std/assert";
import { createMultipart } from "../../lib/http/multipart_byteranges.ts";

function render(pieces: ReturnType<typeof createMultipart>["pieces"], content: string): string {
  return pieces.map((piece) =>
    piece instanceof Uint8Array
      ? new TextDecoder().decode(piece)
      : content.slice(piece.first, piece.last + 1)
  ).join("");
}

Deno.test("createMultipart gives each part its own type and range, and the exact length (RFC 9110 §14.6)", () => {
  const multipart = createMultipart([{ first: 0, last: 1 }, { first: 4, last: 6 }], {
    boundary: "B",
    mediaType: "text/plain; charset=utf-8",
    completeLength: 8,
  });
  const body = render(multipart.pieces, "abcdefgh");
  assertEquals(
    body,
    "--B\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-1/8\r\n\r\nab" +
      "\r\n--B\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 4-6/8\r\n\r\nefg" +
      "\r\n--B--\r\n",
  );
  assertEquals(multipart.contentLength, body.length);
  assertEquals(multipart.contentType, "multipart/byteranges; boundary=B");
});

Deno.test("createMultipart leaves out an unknown type, and does not depend on the size of ranges", () => {
  const multipart = createMultipart([{ first: 0, last: 2 ** 40 - 1 }], {
    boundary: "B",
    mediaType: undefined,
    completeLength: 2 ** 40,
  });
  const head = `--B\r\nContent-Range: bytes 0-${2 ** 40 - 1}/${2 ** 40}\r\n\r\n`;
  assertEquals(multipart.contentLength, 2 ** 40 + head.length + "\r\n--B--\r\n".length);
  assertEquals(render(multipart.pieces.slice(0, 1), ""), head);
});
