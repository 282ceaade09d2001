/** What is read of answers, against what node:http's client reads of the same bytes. */

import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { type IncomingMessage, request } from "node:http";
import fc from "fast-check";
import { UnreachableError } from "../../lib/client/unreachable_error.ts";
import type { RawHeaders } from "../../lib/http/message.ts";
import { anyAnswer } from "../support/any_answers.ts";
import { ask, openPool, textOf } from "../support/pooled_client.ts";
import { RawServer } from "../support/raw_server.ts";

type Reading =
  | {
    readonly status: number;
    readonly headers: RawHeaders;
    readonly body: string;
    readonly trailers: RawHeaders;
    readonly interims: readonly (readonly [status: number, headers: RawHeaders])[];
  }
  | "refused";

/** Answers every request by what `wire` is then, and closes. */
function serve(wire: () => string): Promise<RawServer> {
  return RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send(wire());
    connection.socket.end();
  });
}

async function readOurs(port: number, method: string): Promise<Reading> {
  const interims: [number, RawHeaders][] = [];
  using pool = openPool(port);
  try {
    const onInterim = (status: number, headers: RawHeaders): void => {
      interims.push([status, headers]);
    };
    const { status, headers, body } = await ask(pool, { method, onInterim });
    const bytes = await textOf(body);
    return { status, headers, body: bytes, trailers: body.trailers, interims };
  } catch (error) {
    if (error instanceof UnreachableError) return "refused";
    throw error;
  }
}

function readNodes(port: number, method: string): Promise<Reading> {
  const interims: [number, RawHeaders][] = [];
  return new Promise((resolve) => {
    const refuse = (): void => resolve("refused");
    const outgoing = request({
      host: "127.0.0.1",
      port,
      method,
      agent: false,
      maxHeaderSize: 65_536,
    });
    outgoing.on(
      "information",
      ({ statusCode, rawHeaders }) => interims.push([statusCode, rawHeaders]),
    );
    outgoing.on("upgrade", (_incoming, socket) => {
      socket.destroy();
      refuse();
    });
    outgoing.on("error", refuse);
    outgoing.on("response", (incoming: IncomingMessage) => {
      const chunks: Uint8Array[] = [];
      incoming.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      incoming.on("error", refuse);
      incoming.on("end", () => {
        const { statusCode: status = 0, rawHeaders: headers, rawTrailers: trailers } = incoming;
        const body = Buffer.concat(chunks).toString("latin1");
        resolve({ status, headers, body, trailers, interims });
      });
    });
    outgoing.end();
  });
}

Deno.test("answers are read as node:http's client reads them, whatever is in them", async () => {
  let wire = "";
  await using server = await serve(() => wire);
  await fc.assert(
    fc.asyncProperty(anyAnswer({ isSloppy: false }), async (answer) => {
      wire = answer.wire;
      const method = answer.isHead ? "HEAD" : "GET";
      const reading = await readOurs(server.port, method);
      assertEquals(reading, await readNodes(server.port, method));
      assertEquals(reading === "refused", false);
    }),
    { numRuns: 200 },
  );
});

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const NONE = "Content-Length: 0\r\n\r\n";

function withFields(lines: string, body = ""): string {
  return `HTTP/1.1 200 OK\r\n${lines}\r\n\r\n${body}`;
}

interface Sample {
  /** Who reads it; the others refuse it. */
  readonly by: "both" | "us" | "node:http" | "nobody";
  readonly wires: readonly string[];
  readonly method?: string;
}

const samples: Readonly<Record<string, Sample>> = {
  "bodies that end with the connection": {
    by: "both",
    wires: [
      "HTTP/1.1 200 OK\r\n\r\nabc",
      "HTTP/1.0 200 OK\r\nX: y\r\n\r\nabc",
      "HTTP/1.1 205 R\r\n\r\na",
    ],
  },
  "answers without bodies": {
    by: "both",
    wires: [
      ...[
        "HTTP/1.1 204 N\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 304 N\r\nContent-Length: 5\r\n\r\n",
      ],
      ...["HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n\r\n", `HTTP/1.1 404\r\n${NONE}`],
    ],
  },
  "answers to HEAD": {
    by: "both",
    method: "HEAD",
    wires: [withFields("Content-Length: 3"), CHUNKED, "HTTP/1.1 200 OK\r\n\r\n"],
  },
  "odd reasons, statuses and values": {
    by: "both",
    wires: [
      ...[
        `HTTP/1.1 200 \xff\x01\r\n${NONE}`,
        `HTTP/1.1 200 \r\n${NONE}`,
        `HTTP/1.1 999 X\r\n${NONE}`,
      ],
      ...[
        withFields("A:b\r\nC: \t d\te \t\r\nX:\r\nContent-Length: 01", "a"),
        withFields("A: \xa0b\x85\r\nContent-Length: 0"),
      ],
    ],
  },
  "lengths of interim answers": {
    by: "both",
    wires: ["Content-Length: 3", "Transfer-Encoding: chunked"].map((field) =>
      `HTTP/1.1 103 E\r\n${field}\r\n\r\n${withFields("Content-Length: 1", "a")}`
    ),
  },
  "the first answer of two": {
    by: "both",
    wires: [
      withFields("Content-Length: 1", "aHTTP/1.1 200 OK\r\n\r\n"),
      withFields("Content-Length: 1", "a\r\n"),
    ],
  },
  "an upgrade that does not happen": {
    by: "both",
    wires: [withFields("Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 1", "a")],
  },
  "what is cut": {
    by: "nobody",
    wires: [
      ...[
        "",
        "HTTP/1.1 200 OK\r\nX: ",
        "HTTP/1.1 103 E\r\n\r\n",
        withFields("Content-Length: 3", "ab"),
      ],
      ...["3\r\nab", "3\r\nabc\r\n", "0\r\n", "0\r\nX: 1\r\n"].map((chunk) => CHUNKED + chunk),
    ],
  },
  "what switches unasked": {
    by: "nobody",
    wires: [
      "HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n",
      "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    ],
  },
  "what says two things of its end": {
    by: "nobody",
    wires: [
      ...[withFields("Content-Length: 1\r\nTransfer-Encoding: chunked", "1\r\na\r\n0\r\n\r\n")],
      ...[withFields("Transfer-Encoding: chunked\r\nContent-Length: 1", "1\r\na\r\n0\r\n\r\n")],
      ...[withFields("Content-Length: 1\r\nContent-Length: 2", "ab")],
      ...[withFields("Content-Length: 1\r\nContent-Length: 1", "a")],
      ...["", "-1", "+1", "1.0", "0x1", "1a", "1 1", "1, 1", "\xa01", "9".repeat(21)].map((value) =>
        withFields(`Content-Length: ${value}`, "a")
      ),
    ],
  },
  "chunks that are malformed": {
    by: "nobody",
    wires: [
      ...[
        "x\r\n",
        "\r\n0\r\n\r\n",
        "1\na\r\n0\r\n\r\n",
        "1\r\na\n0\r\n\r\n",
        "1;a\na\r\n0\r\n\r\n",
      ],
      ...[
        "1;a\rb\r\na\r\n0\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "0\r\n\n",
        "0\n\r\n",
        "0\r\nX\r\n\r\n",
      ],
    ].map((chunk) => CHUNKED + chunk),
  },
  "fields that are malformed": {
    by: "nobody",
    wires: [
      ...["X", ": a", "X Y: a", "X(: a", " X: a", "Transfer-Encoding: chunked\x0b"],
      ...["\0", "\r", "\x01", "\x0b", "\x7f"].flatMap((char) => [`X: a${char}b`, `X${char}: a`]),
    ].map((field) => withFields(`${field}\r\nContent-Length: 0`)),
  },
  "what is no HTTP/1": {
    by: "nobody",
    wires: [
      ...[
        "SSH-2.0-x\r\n",
        `HTTP/2 200 OK\r\n${NONE}`,
        `http/1.1 200 OK\r\n${NONE}`,
        ` HTTP/1.1 200 OK\r\n${NONE}`,
      ],
      ...[
        `HTTP/1.1  200 OK\r\n${NONE}`,
        `HTTP/1.1 20 OK\r\n${NONE}`,
        `HTTP/1.1 2000 OK\r\n${NONE}`,
        `HTTP/1.1 200 O\rK\r\n${NONE}`,
      ],
    ],
  },
  "heads over 64 KiB": {
    by: "nobody",
    wires: [withFields(`X: ${"a".repeat(70_000)}\r\nContent-Length: 0`)],
  },

  // What RFC 9112 lets us read (§2.2, §5.1, §5.2, §7.1) and small devices send.
  "bare LF in heads and trailers": {
    by: "us",
    wires: [
      ...[
        "HTTP/1.1 200 OK\nA: b\nContent-Length: 1\n\na",
        "HTTP/1.1 200 OK\r\nA: b\nContent-Length: 1\r\n\r\na",
      ],
      ...["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\na", `${CHUNKED}0\r\nX: 1\n\n`],
    ],
  },
  "space before colons, and lines that go on": {
    by: "us",
    wires: ["A : b", "A: b\r\n c", "A:\r\n b", "A: b\r\n \t"].map((field) =>
      withFields(`${field}\r\nContent-Length: 0`)
    ),
  },
  "space and any text behind chunk sizes": {
    by: "us",
    wires: [
      `${CHUNKED}1 \r\na\r\n0\r\n\r\n`,
      `${CHUNKED}1 ;a\r\na\r\n0\r\n\r\n`,
      `${CHUNKED}1;\xff\r\na\r\n0\r\n\r\n`,
    ],
  },
  // It is not taken for an answer; the connection ends by it.
  "bodies where none may be": {
    by: "us",
    wires: [
      "HTTP/1.1 204 N\r\n\r\nabc",
      withFields("Connection: close\r\nContent-Length: 1", "abc"),
    ],
  },

  // Whoever comes behind us might read these otherwise.
  "other versions": {
    by: "node:http",
    wires: [`HTTP/2.0 200 OK\r\n${NONE}`, `HTTP/0.9 200 OK\r\n${NONE}`],
  },
  "status 099": { by: "node:http", wires: [`HTTP/1.1 099 X\r\n${NONE}`] },
  "empty lines before a head": {
    by: "node:http",
    wires: [`\r\nHTTP/1.1 200 OK\r\n${NONE}`, `\nHTTP/1.1 200 OK\r\n${NONE}`],
  },
  "codings but chunked": {
    by: "node:http",
    wires: [
      ...[
        "",
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked,",
        ", chunked",
        "xchunked",
      ],
      ...["chunked\r\nTransfer-Encoding: chunked"],
    ].map((coding) => withFields(`Transfer-Encoding: ${coding}`, "1\r\na\r\n0\r\n\r\n")),
  },
  "an empty coding beside a length": {
    by: "node:http",
    wires: [withFields("Transfer-Encoding:\r\nContent-Length: 1", "a")],
  },
  "chunks in HTTP/1.0": {
    by: "node:http",
    wires: ["HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"],
  },
  // Bounds.
  "more than 1000 fields, sizes of 14 digits, chunk lines over 4 KiB": {
    by: "node:http",
    wires: [
      withFields(`${"X: 1\r\n".repeat(1000)}Content-Length: 0`),
      `${CHUNKED}00000000000001\r\na\r\n0\r\n\r\n`,
      `${CHUNKED}1;${"a".repeat(5000)}\r\na\r\n0\r\n\r\n`,
    ],
  },
};

for (const [what, { by, wires, method = "GET" }] of Object.entries(samples)) {
  Deno.test(`${what}: read by ${by}`, async () => {
    let wire = "";
    await using server = await serve(() => wire);
    for (wire of wires) {
      const ours = await readOurs(server.port, method);
      const nodes = await readNodes(server.port, method);
      assertEquals([ours !== "refused", nodes !== "refused"], [
        by === "both" || by === "us",
        by === "both" || by === "node:http",
      ], wire);
      if (by === "both") assertEquals(ours, nodes);
    }
  });
}
