/** Answers as they should be, and such that are only sloppy; each whole, and cut everywhere. */

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import type { RawHeaders } from "../../lib/http/message.ts";
import { ResponseReader } from "../../lib/client/response_reader.ts";
import { fromLatin1, piecesOf } from "../support/bytes.ts";
import { readEvents, type ReadingOptions, type ResponseEvent } from "../support/response_events.ts";

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const CHUNKED_HEAD: ResponseEvent = ["head", 200, ["Transfer-Encoding", "chunked"], null, "kept"];

interface Sample extends ReadingOptions {
  readonly what: string;
  readonly wire: string;
  readonly events: readonly ResponseEvent[];
}

/** An answer of 200 without a body, whose fields are sent so and read so. */
function ofFields(what: string, sent: string, read: RawHeaders): Sample {
  return {
    what,
    wire: `HTTP/1.1 200 OK\r\n${sent}Content-Length: 0\r\n\r\n`,
    events: [["head", 200, [...read, "Content-Length", "0"], 0, "kept"], ["end", []]],
  };
}

/** A chunked body, its head left out. */
function ofChunks(what: string, sent: string, body: string, trailers: RawHeaders = []): Sample {
  const parts: ResponseEvent[] = body === "" ? [] : [["body", body]];
  return {
    what,
    wire: CHUNKED + sent,
    events: [CHUNKED_HEAD, ...parts, ["end", trailers]],
  };
}

/** Whether a connection is kept behind an answer of this version with these fields. */
function ofFate(version: string, fields: RawHeaders, fate: "kept" | "closed"): Sample {
  const all = [...fields, "Content-Length", "1"];
  const lines = all.map((text, i) => i % 2 === 0 ? `${text}: ` : `${text}\r\n`).join("");
  return {
    what: `${version} with ${fields.join(": ") || "no word"} is ${fate}`,
    wire: `${version} 200 OK\r\n${lines}\r\na`,
    events: [["head", 200, all, 1, fate], ["body", "a"], ["end", []]],
  };
}

/** What has no body, whatever its head says. */
function ofNone(what: string, status: number, fields: RawHeaders, isHead = false): Sample {
  const lines = fields.map((text, i) => i % 2 === 0 ? `${text}: ` : `${text}\r\n`).join("");
  return {
    what,
    wire: `HTTP/1.1 ${status} X\r\n${lines}\r\n`,
    expected: [{ isHead }],
    events: [["head", status, fields, 0, "kept"], ["end", []]],
  };
}

const samples: readonly Sample[] = [
  {
    what: "a length",
    wire: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\na\n\xff",
    events: [
      ["head", 200, ["Content-Length", "3", "X", "y"], 3, "kept"],
      ["body", "a\n\xff"],
      ["end", []],
    ],
  },
  {
    what: "a length with zeros before it",
    wire: "HTTP/1.1 200 OK\r\nContent-Length: 0003\r\n\r\nabc",
    events: [["head", 200, ["Content-Length", "0003"], 3, "kept"], ["body", "abc"], ["end", []]],
  },
  {
    what: "the longest length",
    wire: `HTTP/1.1 200 OK\r\nContent-Length: ${"9".repeat(15)}\r\n\r\na`,
    events: [
      ["head", 200, ["Content-Length", "9".repeat(15)], 999_999_999_999_999, "kept"],
      ["body", "a"],
    ],
  },
  {
    what: "until it closes",
    wire: "HTTP/1.1 200 OK\r\nX: y\r\n\r\na\r\n\r\nHTTP/1.1 200 OK\r\n",
    closes: true,
    events: [
      ["head", 200, ["X", "y"], null, "closed"],
      ["body", "a\r\n\r\nHTTP/1.1 200 OK\r\n"],
      ["end", []],
    ],
  },
  {
    what: "nothing until it closes",
    wire: "HTTP/1.1 200 OK\r\n\r\n",
    closes: true,
    events: [["head", 200, [], null, "closed"], ["end", []]],
  },
  {
    what: "HTTP/1.0, until it closes",
    wire: "HTTP/1.0 200 OK\r\n\r\nab",
    closes: true,
    events: [["head", 200, [], null, "closed"], ["body", "ab"], ["end", []]],
  },
  ofChunks("one chunk", "3\r\nabc\r\n0\r\n\r\n", "abc"),
  ofChunks("chunks that look like lines", "4\r\n\r\n0\r\r\n2\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\r\n"),
  ofChunks("no chunk", "0\r\n\r\n", ""),
  ofChunks(
    "sizes in either case",
    `1a\r\n${"a".repeat(26)}\r\n1B\r\n${"b".repeat(27)}\r\n0\r\n\r\n`,
    "a".repeat(26) + "b".repeat(27),
  ),
  ofChunks("sizes with zeros before them", "0000000000003\r\nabc\r\n0000000000000\r\n\r\n", "abc"),
  ofChunks("extensions", '1;a=b\r\nx\r\n1 ; a="b;c"\r\ny\r\n1;\r\nz\r\n0;last\r\n\r\n', "xyz"),
  ofChunks("space behind sizes", "1 \r\nx\r\n1\t \r\ny\r\n0 \r\n\r\n", "xy"),
  ofChunks("trailers", "1\r\na\r\n0\r\nX-Sum:  1 \r\nx-sum: \xe9\r\n\r\n", "a", [
    "X-Sum",
    "1",
    "x-sum",
    "\xe9",
  ]),
  ofChunks("trailers with bare LF, folded", "0\r\nX: 1\n 2\nY:\n\n", "", ["X", "1 2", "Y", ""]),
  {
    what: "a large chunk that has only begun",
    wire: `${CHUNKED}fffffffffffff\r\nabc`,
    events: [CHUNKED_HEAD, ["body", "abc"]],
  },
  {
    what: "Chunked",
    wire: "HTTP/1.1 200 OK\r\ntransfer-encoding:CHUNKED\t\r\n\r\n0\r\n\r\n",
    events: [["head", 200, ["transfer-encoding", "CHUNKED"], null, "kept"], ["end", []]],
  },
  {
    what: "chunks, and then it closes",
    wire:
      "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    closes: true,
    events: [
      ["head", 200, ["Connection", "close", "Transfer-Encoding", "chunked"], null, "closed"],
      ["body", "a"],
      ["end", []],
    ],
  },
  ofNone("HEAD with a length", 200, ["Content-Length", "500"], true),
  ofNone("HEAD, chunked", 200, ["Transfer-Encoding", "chunked"], true),
  ofNone("HEAD without a word", 200, [], true),
  ofNone("HEAD with a coding", 200, ["Transfer-Encoding", "gzip, chunked"], true),
  ofNone("204", 204, []),
  ofNone("204 with a length", 204, ["Content-Length", "5"]),
  ofNone("304 with a length", 304, ["Content-Length", "5"]),
  ofNone("304, chunked", 304, ["Transfer-Encoding", "chunked"]),
  ofNone("205 with its length", 205, ["Content-Length", "0"]),
  {
    what: "205 is framed like any other",
    wire: "HTTP/1.1 205 X\r\nContent-Length: 1\r\n\r\na",
    events: [["head", 205, ["Content-Length", "1"], 1, "kept"], ["body", "a"], ["end", []]],
  },
  ofFate("HTTP/1.1", [], "kept"),
  ofFate("HTTP/1.1", ["Connection", "keep-alive"], "kept"),
  ofFate("HTTP/1.1", ["Connection", "close"], "closed"),
  ofFate("HTTP/1.1", ["connection", "X,CLOSE ,y"], "closed"),
  ofFate("HTTP/1.1", ["Connection", "X", "Connection", "Close"], "closed"),
  ofFate("HTTP/1.1", ["Connection", "close-not, not-close"], "kept"),
  ofFate("HTTP/1.1", ["Connection", ""], "kept"),
  ofFate("HTTP/1.0", [], "closed"),
  ofFate("HTTP/1.0", ["Connection", "Keep-Alive"], "kept"),
  ofFate("HTTP/1.0", ["Connection", "keep-alive, close"], "closed"),
  {
    what: "interim answers in order",
    wire:
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n" +
      "HTTP/1.0 199\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
    events: [
      ["interim", 100, []],
      ["interim", 103, ["Link", "</a>", "Link", "</b>"]],
      ["interim", 199, ["Content-Length", "5"]],
      ["head", 200, ["Content-Length", "1"], 1, "kept"],
      ["body", "a"],
      ["end", []],
    ],
  },
  {
    what: "several answers on one connection",
    wire:
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 103 E\r\n\r\nHTTP/1.1 204 N\r\n\r\n" +
      `${CHUNKED}1\r\nb\r\n0\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n${CHUNKED}0\r\n\r\n`,
    expected: [{}, {}, {}, { isHead: true }, {}],
    events: [
      ["head", 200, ["Content-Length", "1"], 1, "kept"],
      ["body", "a"],
      ["end", []],
      ["interim", 103, []],
      ["head", 204, [], 0, "kept"],
      ["end", []],
      CHUNKED_HEAD,
      ["body", "b"],
      ["end", ["X", "1"]],
      ["head", 200, ["Content-Length", "9"], 0, "kept"],
      ["end", []],
      CHUNKED_HEAD,
      ["end", []],
    ],
  },
  ofFields("fields as they are", "set-cookie: a=1; b\r\nX-B: \xff\xe9\r\nSet-Cookie: \r\n", [
    ...["set-cookie", "a=1; b", "X-B", "\xff\xe9", "Set-Cookie", ""],
  ]),
  ofFields("no space, and much of it", "A:b\r\nC: \t d\te \t\r\nF:\r\nG:   \r\n", [
    ...["A", "b", "C", "d\te", "F", "", "G", ""],
  ]),
  ofFields("colons in values", "A: :b:\r\nC::\r\n", ["A", ":b:", "C", ":"]),
  ofFields("every character of a name", "!#$%&'*+-.^_`|~09azAZ: x\r\n", [
    "!#$%&'*+-.^_`|~09azAZ",
    "x",
  ]),
  ofFields("what is space elsewhere only", "A: \xa0b\x85\r\n", ["A", "\xa0b\x85"]),
  ofFields("space before a colon", "A : b\r\nC \t:d\r\n", ["A", "b", "C", "d"]),
  ofFields("lines that go on", "A: b\r\n c\r\n\t  d \r\nE: f\r\n", ["A", "b c d", "E", "f"]),
  ofFields("lines that go on, with nothing in them", "A:\r\n b\r\nC: d\r\n \t\r\nE: \r\n \r\n", [
    ...["A", "b", "C", "d", "E", ""],
  ]),
  {
    what: "bare LF in a head",
    wire: "HTTP/1.1 200 OK\nA: b\nC: d\r\n e\nContent-Length: 1\n\n\n",
    events: [
      ["head", 200, ["A", "b", "C", "d e", "Content-Length", "1"], 1, "kept"],
      ["body", "\n"],
      ["end", []],
    ],
  },
  {
    what: "no reason",
    wire: "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n",
    events: [["head", 404, ["Content-Length", "0"], 0, "kept"], ["end", []]],
  },
  {
    what: "an empty reason, an odd one, and odd statuses",
    wire:
      "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\nHTTP/1.1 999 \xff \x01!\r\nContent-Length: 0\r\n\r\n",
    expected: [{}, {}],
    events: [
      ["head", 200, ["Content-Length", "0"], 0, "kept"],
      ["end", []],
      ["head", 999, ["Content-Length", "0"], 0, "kept"],
      ["end", []],
    ],
  },
];

for (const { what, wire, events, ...options } of samples) {
  Deno.test(`ResponseReader reads ${what}: whole, byte by byte, and cut everywhere`, () => {
    const bytes = fromLatin1(wire);
    assertEquals(readEvents([bytes], options), events);
    assertEquals(readEvents(piecesOf(bytes, 1), options), events);
    for (let at = 1; at < bytes.length; at++) {
      assertEquals(readEvents([bytes.subarray(0, at), bytes.subarray(at)], options), events);
    }
  });
}

Deno.test("ResponseReader lets go of a connection that switches, with what came behind the 101", () => {
  const head = "HTTP/1.1 103 E\r\n\r\nHTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n";
  const bytes = fromLatin1(`${head}HTTP/1.1 200 OK\r\n\r\n`);
  const expected = [{ allowsSwitch: true }];
  for (let at = head.length; at <= bytes.length; at++) {
    const pieces = [bytes.subarray(0, head.length - 1), bytes.subarray(head.length - 1, at)];
    assertEquals(readEvents(pieces, { expected, closes: true }), [
      ["interim", 103, []],
      ["switched", ["Upgrade", "websocket"], "HTTP/1.1 200 OK\r\n\r\n".slice(0, at - head.length)],
    ]);
  }
});

Deno.test("ResponseReader knows whether a byte of the answer has come", () => {
  const reader = new ResponseReader({
    interim: () => {},
    head: () => {},
    body: () => {},
    end: () => {},
    switched: () => {},
  });
  for (const start of ["H", "HTTP/1.1 100 C\r\n\r\n", "HTTP/1.1 204 N\r\n\r\n"]) {
    reader.expect({ isHead: false, allowsSwitch: false });
    assertEquals(reader.isUntouched, true);
    reader.push(fromLatin1(start));
    assertEquals(reader.isUntouched, false);
    if (start === "H") reader.push(fromLatin1("TTP/1.1 204 N\r\n\r\n"));
  }
});

Deno.test("ResponseReader gives what is all body as it is, so that it can be freed", () => {
  const given: Uint8Array[] = [];
  const reader = new ResponseReader({
    interim: () => {},
    head: () => {},
    body: (bytes) => {
      given.push(bytes);
      // As who writes it on does.
      if (bytes.buffer instanceof ArrayBuffer && bytes.length === bytes.buffer.byteLength) {
        bytes.buffer.transfer(0);
      }
    },
    end: () => {},
    switched: () => {},
  });
  for (
    const [head, ...pieces] of [
      ["HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", "abc", "def"],
      ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n", "abc", "def", "\r\n0\r\n\r\n"],
      ["HTTP/1.1 200 OK\r\n\r\n", "abc", "def"],
    ]
  ) {
    given.length = 0;
    reader.expect({ isHead: false, allowsSwitch: false });
    reader.push(fromLatin1(head ?? ""));
    const read = pieces.map((piece) => fromLatin1(piece));
    for (const piece of read) reader.push(piece);
    assertEquals(given.length, 2);
    given.forEach((piece, i) => assertStrictEquals(piece, read[i]));
    assert(reader.end());
  }
});
