/** Requests as they should be; each whole, byte by byte, and cut everywhere. */

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  MAX_CHUNK_LINE_BYTES,
  MAX_HEAD_BYTES,
  MAX_HEADER_COUNT,
  MAX_TARGET_BYTES,
  MAX_TRAILER_BYTES,
} from "../../lib/base/limits.ts";
import type { RawHeaders } from "../../lib/http/message.ts";
import type { RequestHead } from "../../lib/http/request_head.ts";
import { RequestReader, type RequestSink } from "../../lib/http/request_reader.ts";
import { fromLatin1, piecesOf } from "../support/bytes.ts";
import { readRequests, type RequestEvent } from "../support/request_events.ts";

const CHUNKED = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
const CHUNKED_HEAD: RequestEvent = ["head", "POST / 1.1", ["Transfer-Encoding", "chunked"]];
const END: RequestEvent = ["end", []];

interface Sample {
  readonly what: string;
  readonly wire: string;
  readonly events: readonly RequestEvent[];
}

/** A request whose fields are sent so and read so. */
function ofFields(what: string, sent: string, read: RawHeaders): Sample {
  return {
    what,
    wire: `GET / HTTP/1.1\r\n${sent}\r\n`,
    events: [["head", "GET / 1.1", read], END],
  };
}

/** A request line alone. */
function ofLine(what: string, line: string, read: string): Sample {
  return { what, wire: `${line}\r\n\r\n`, events: [["head", read, []], END] };
}

/** A chunked body, its head left out. */
function ofChunks(what: string, sent: string, body: string, trailers: RawHeaders = []): Sample {
  const parts: RequestEvent[] = body === "" ? [] : [["body", body]];
  return { what, wire: CHUNKED + sent, events: [CHUNKED_HEAD, ...parts, ["end", trailers]] };
}

const samples: readonly Sample[] = [
  ofLine("the shortest request", "GET / HTTP/1.1", "GET / 1.1"),
  ofLine("HTTP/1.0", "GET / HTTP/1.0", "GET / 1.0"),
  ofLine(
    "a target as it is",
    'GET /a/../%2e|b?x="<>`{}^#y HTTP/1.1',
    'GET /a/../%2e|b?x="<>`{}^#y 1.1',
  ),
  ofLine("an absolute target", "GET http://a/b HTTP/1.1", "GET http://a/b 1.1"),
  ofLine("an asterisk", "OPTIONS * HTTP/1.1", "OPTIONS * 1.1"),
  ofLine("CONNECT", "CONNECT a:1 HTTP/1.1", "CONNECT a:1 1.1"),
  ofLine("a method with a dash", "M-SEARCH / HTTP/1.1", "M-SEARCH / 1.1"),
  ofLine("an empty line first (RFC 9112 §2.2)", "\r\nGET / HTTP/1.1", "GET / 1.1"),
  ofLine(
    "the longest target",
    `GET ${"/".repeat(MAX_TARGET_BYTES)} HTTP/1.1`,
    `GET ${"/".repeat(MAX_TARGET_BYTES)} 1.1`,
  ),
  ofFields("fields as they are", "Host: a\r\nX-Dup: 1\r\nx-dup: \xff\xe9\r\n", [
    ...["Host", "a", "X-Dup", "1", "x-dup", "\xff\xe9"],
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
  ofFields("as many fields as there may be", "X: 1\r\n".repeat(MAX_HEADER_COUNT), [
    ...Array.from({ length: MAX_HEADER_COUNT }, () => ["X", "1"]).flat(),
  ]),
  ofFields("a length of 0", "Content-Length: 0\r\n", ["Content-Length", "0"]),
  {
    what: "a length",
    wire: "POST / HTTP/1.1\r\nContent-Length: 0003\r\nX: y\r\n\r\na\n\xff",
    events: [
      ["head", "POST / 1.1", ["Content-Length", "0003", "X", "y"]],
      ["body", "a\n\xff"],
      END,
    ],
  },
  {
    what: "the longest length, whose body has only begun",
    wire: `POST / HTTP/1.1\r\nContent-Length: ${"9".repeat(15)}\r\n\r\na`,
    events: [["head", "POST / 1.1", ["Content-Length", "9".repeat(15)]], ["body", "a"], ["cut"]],
  },
  {
    what: "a head that has only begun",
    wire: "GET / HTTP/1.1\r\nHost: a\r\n",
    events: [["cut"]],
  },
  {
    what: "trailers that have only begun",
    wire: `${CHUNKED}0\r\nX`,
    events: [CHUNKED_HEAD, ["cut"]],
  },
  ofChunks("one chunk", "3\r\nabc\r\n0\r\n\r\n", "abc"),
  ofChunks("chunks that look like lines", "4\r\n\r\n0\r\r\n2\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\r\n"),
  ofChunks("no chunk", "0\r\n\r\n", ""),
  ofChunks(
    "sizes in either case",
    `0a\r\n${"a".repeat(10)}\r\nB\r\n${"b".repeat(11)}\r\n0\r\n\r\n`,
    "a".repeat(10) + "b".repeat(11),
  ),
  ofChunks("sizes with zeros before them", "0000000000003\r\nabc\r\n0000000000000\r\n\r\n", "abc"),
  ofChunks(
    "extensions (RFC 9112 §7.1.1)",
    '1;a=b\r\nx\r\n1 ; a = "b;\\"c\xff" ;d\r\ny\r\n1;\ta\r\nz\r\n0;last\r\n\r\n',
    "xyz",
  ),
  ofChunks(
    "the longest line",
    `1;a=${"b".repeat(MAX_CHUNK_LINE_BYTES - 6)}\r\nx\r\n0\r\n\r\n`,
    "x",
  ),
  ofChunks("trailers", "1\r\na\r\n0\r\nX-Sum:  1 \r\nx-sum: \xe9\r\n\r\n", "a", [
    ...["X-Sum", "1", "x-sum", "\xe9"],
  ]),
  ofChunks(
    "the longest trailers",
    `0\r\nX:${"x".repeat(MAX_TRAILER_BYTES - 6)}\r\n\r\n`,
    "",
    ["X", "x".repeat(MAX_TRAILER_BYTES - 6)],
  ),
  {
    what: "CHUNKED in other letters",
    wire: "POST / HTTP/1.1\r\ntransfer-encoding:\tCHUNKED \r\n\r\n0\r\n\r\n",
    events: [["head", "POST / 1.1", ["transfer-encoding", "CHUNKED"]], END],
  },
  {
    what: "several requests on one connection",
    wire:
      "GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nab\r\nGET /3 HTTP/1.0\r\n\r\n" +
      `${CHUNKED}1\r\nb\r\n0\r\nX: 1\r\n\r\nGET /4 HTTP/1.1\r\n\r\n`,
    events: [
      ["head", "GET /1 1.1", []],
      END,
      ["head", "POST /2 1.1", ["Content-Length", "2"]],
      ["body", "ab"],
      END,
      ["head", "GET /3 1.0", []],
      END,
      CHUNKED_HEAD,
      ["body", "b"],
      ["end", ["X", "1"]],
      ["head", "GET /4 1.1", []],
      END,
    ],
  },
];

for (const { what, wire, events } of samples) {
  Deno.test(`RequestReader reads ${what}: whole, byte by byte, and cut everywhere`, () => {
    const bytes = fromLatin1(wire);
    assertEquals(readRequests([bytes]), events);
    assertEquals(readRequests(piecesOf(bytes, 1)), events);
    const step = Math.ceil(bytes.length / 500);
    for (let at = 1; at < bytes.length; at += step) {
      assertEquals(readRequests([bytes.subarray(0, at), bytes.subarray(at)]), events);
    }
  });
}

Deno.test("RequestReader takes a head of MAX_HEAD_BYTES, and refuses one of a byte more", () => {
  const start = "GET / HTTP/1.1\r\nX:";
  const value = "x".repeat(MAX_HEAD_BYTES - start.length - 4);
  assertEquals(readRequests([fromLatin1(`${start}${value}\r\n\r\n`)]), [
    ["head", "GET / 1.1", ["X", value]],
    END,
  ]);
  assertEquals(readRequests([fromLatin1(`${start}${value}x\r\n\r\n`)]), [["refused", 431, null]]);
});

const IGNORED: RequestSink = { head: () => {}, body: () => {}, end: () => {}, refuse: () => {} };

function readHead(text: string): RequestHead {
  const heads: RequestHead[] = [];
  const reader = new RequestReader({ ...IGNORED, head: (head) => heads.push(head) });
  reader.push(fromLatin1(text));
  const [head] = heads;
  assert(head !== undefined && heads.length === 1);
  return head;
}

for (
  const [what, text, expected] of [
    ["no fields", "GET / HTTP/1.1\r\n", {
      host: null,
      hostCount: 0,
      keepsAlive: true,
      upgrade: null,
    }],
    ["two Hosts", "GET / HTTP/1.1\r\nHOST: a\r\nhost: b\r\n", { host: "a", hostCount: 2 }],
    ["an empty Host", "GET / HTTP/1.1\r\nHost:\r\n", { host: "", hostCount: 1 }],
    ["a length", "PUT / HTTP/1.1\r\nContent-Length: 07\r\n", { bodyLength: 7, isChunked: false }],
    [
      "chunks",
      "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
      { bodyLength: null, isChunked: true },
    ],
    [
      "an expectation",
      "PUT / HTTP/1.1\r\nExpect: 100-Continue\r\n",
      { expectation: "100-continue" },
    ],
    [
      "a second expectation",
      "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nExpect: wonders\r\n",
      { expectation: "100-continue,wonders" },
    ],
    ["close", "GET / HTTP/1.1\r\nConnection: X, CLOSE ,y\r\n", { keepsAlive: false }],
    [
      "close in a second field",
      "GET / HTTP/1.1\r\nConnection: x\r\nConnection: close\r\n",
      { keepsAlive: false },
    ],
    ["close-not", "GET / HTTP/1.1\r\nConnection: close-not\r\n", { keepsAlive: true }],
    ["HTTP/1.0", "GET / HTTP/1.0\r\n", { keepsAlive: false }],
    [
      "HTTP/1.0 that is kept",
      "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n",
      { keepsAlive: true },
    ],
    [
      "HTTP/1.0 that says both",
      "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n",
      { keepsAlive: false },
    ],
    [
      "Upgrade that Connection names",
      "GET / HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n",
      { upgrade: "WebSocket", keepsAlive: true },
    ],
    [
      "a second Upgrade",
      "GET / HTTP/1.1\r\nUpgrade: websocket\r\nUpgrade: h2c\r\nConnection: upgrade\r\n",
      { upgrade: "websocket,h2c" },
    ],
    ["Upgrade alone", "GET / HTTP/1.1\r\nUpgrade: websocket\r\n", { upgrade: null }],
    ["Connection alone", "GET / HTTP/1.1\r\nConnection: upgrade\r\n", { upgrade: null }],
  ] as const
) {
  Deno.test(`RequestReader knows what ${what} says of the request itself`, () => {
    const head = readHead(`${text}\r\n`);
    for (const [key, value] of Object.entries(expected)) {
      assertEquals([key, head[key as keyof RequestHead]], [key, value]);
    }
  });
}

Deno.test("RequestReader stops behind a request until it is to go on, and says where", () => {
  const lines: string[] = [];
  const reader = new RequestReader({ ...IGNORED, head: ({ target }) => lines.push(target) });
  const first = "POST /1 HTTP/1.1\r\nContent-Length: 1\r\n\r\na";
  const bytes = fromLatin1(`${first}GET /2 HTTP/1.1\r\n\r\nrest`);
  assertEquals([reader.push(bytes), lines.join()], [first.length, "/1"]);
  assertEquals([reader.push(bytes.subarray(first.length)), lines.join()], [0, "/1"]);
  assertEquals(reader.isWithin, false);
  reader.next();
  assertEquals([reader.push(bytes.subarray(first.length)), lines.join()], [19, "/1,/2"]);
});

Deno.test("RequestReader gives what is all body as it is, so that it can be freed", () => {
  const given: Uint8Array[] = [];
  const free = (bytes: Uint8Array): void => {
    given.push(bytes);
    // As who writes it on does.
    if (bytes.buffer instanceof ArrayBuffer && bytes.length === bytes.buffer.byteLength) {
      bytes.buffer.transfer(0);
    }
  };
  for (
    const [head, ...pieces] of [
      ["POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n", "abc", "def"],
      [`${CHUNKED}6\r\n`, "abc", "def", "\r\n0\r\n\r\n"],
    ]
  ) {
    given.length = 0;
    let ends = 0;
    const reader = new RequestReader({ ...IGNORED, body: free, end: () => void ends++ });
    reader.push(fromLatin1(head ?? ""));
    const read = pieces.map((piece) => fromLatin1(piece));
    for (const piece of read) reader.push(piece);
    assertEquals([given.length, ends], [2, 1]);
    given.forEach((piece, i) => assertStrictEquals(piece, read[i]));
  }
});
