/** What must hold through every tunnel that carries all of HTTP, whatever is in between. */

import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { PassThrough, Readable } from "node:stream";
import type { Handler, HttpRequest } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { toUneven } from "./bytes.ts";
import { RawConnection } from "./raw_connection.ts";
import { NAME } from "./tunnel.ts";
import { parseVisit, toRequestText } from "./visit.ts";

const MIB = 1024 * 1024;
const BIG = toUneven(MIB + 4);

/** A server's handler, and what the checks ask of it. */
export class CheckedServer {
  /** Answers that are streamed, by target. */
  readonly #streams = new Map<string, PassThrough>();
  readonly requests: HttpRequest[] = [];
  #onRequest = (): void => {};

  readonly handler: Handler = (request) => {
    this.requests.push(request);
    this.#onRequest();
    const { target, body, upgrade } = request;
    if (upgrade !== null) return { status: 101, headers: ["Upgrade", upgrade], body };
    switch (target.split("?")[0]) {
      case "/big":
        return {
          status: 200,
          headers: ["Content-Length", String(BIG.length)],
          body: Readable.from([BIG], { objectMode: false }),
        };
      case "/echo":
        return { status: 200, headers: [], body, trailers: () => request.trailers };
      case "/refuse":
        return textAnswer(413, "too much");
      case "/stream": {
        const stream = new PassThrough();
        this.#streams.set(target, stream);
        return { status: 200, headers: ["Content-Type", "text/event-stream"], body: stream };
      }
      default:
        return textAnswer(200, `${request.method} ${target}`);
    }
  };

  /** The stream of an answer, once its request has come. */
  async stream(target: string): Promise<PassThrough> {
    for (;;) {
      const stream = this.#streams.get(target);
      if (stream !== undefined) return stream;
      await new Promise<void>((resolve) => this.#onRequest = resolve);
    }
  }
}

/** Checks one after the other; `port` is where visitors come in. */
export async function checkTunnel(
  t: Deno.TestContext,
  { port, server }: { readonly port: number; readonly server: CheckedServer },
): Promise<void> {
  const target = (path: string): string => `/servers/${NAME}${path}`;

  await t.step("small requests and answers, of any method", async () => {
    for (const method of ["GET", "DELETE", "PROPFIND", "OPTIONS"]) {
      const answer = await ask(port, toRequestText(target("/x?a=b"), { method }));
      assertEquals([answer.status, answer.body], [200, `${method} /x?a=b\n`]);
    }
  });

  await t.step("a big answer with a length", async () => {
    const answer = await ask(port, toRequestText(target("/big")));
    assert(answer.isComplete);
    assertEquals(hash(Buffer.from(answer.body, "latin1")), hash(BIG));
  });

  await t.step("a big body with a length, sent back", async () => {
    const headers = [`Content-Length: ${BIG.length}`];
    const text = toRequestText(target("/echo"), { method: "PUT", headers });
    const answer = await ask(port, text + Buffer.from(BIG).toString("latin1"));
    assert(answer.isComplete);
    assertEquals(hash(unchunk(answer.body)), hash(BIG));
  });

  await t.step(
    "full duplex: each chunk comes back before the next is sent; trailers too",
    async () => {
      await using visitor = await RawConnection.open(port);
      const headers = ["Transfer-Encoding: chunked", "Trailer: X-Sum"];
      await visitor.send(toRequestText(target("/echo"), { method: "POST", headers }));
      for (const word of ["one", "two", "three"]) {
        await visitor.send(`${word.length.toString(16)}\r\n${word}\r\n`);
        await visitor.readThrough(word);
      }
      await visitor.send("0\r\nX-Sum: 3\r\n\r\n");
      await visitor.readThrough("0\r\nX-Sum: 3\r\n\r\n");
    },
  );

  await t.step("events come one by one, each as soon as it is there", async () => {
    await using visitor = await RawConnection.open(port);
    await visitor.send(toRequestText(target("/stream?events")));
    const stream = await server.stream("/stream?events");
    await visitor.readThrough("\r\n\r\n");
    for (const event of ["first", "second"]) {
      stream.write(`data: ${event}\n\n`);
      await visitor.readThrough(`data: ${event}\n\n`);
    }
    stream.end();
    await visitor.readThrough("0\r\n\r\n");
  });

  await t.step("a switched connection, half-closed with its tail", async () => {
    await using visitor = await RawConnection.open(port);
    const headers = ["Connection: Upgrade", "Upgrade: websocket"];
    await visitor.send(toRequestText(target("/ws"), { headers }));
    await visitor.readThrough("\r\n\r\n");
    for (const word of ["ping", "pong"]) {
      await visitor.send(word);
      await visitor.readThrough(word);
    }
    visitor.socket.end("tail");
    assertEquals(await visitor.readToEnd(), "tail");
  });

  await t.step("an early answer, before any of the body", async () => {
    await using visitor = await RawConnection.open(port);
    const headers = ["Content-Length: 1000000", "Expect: 100-continue"];
    await visitor.send(toRequestText(target("/refuse"), { method: "POST", headers }));
    assertEquals(parseVisit(await visitor.readThrough("too much")).status, 413);
  });

  await t.step("100 only when the server reads", async () => {
    await using visitor = await RawConnection.open(port);
    const headers = ["Content-Length: 4", "Expect: 100-continue"];
    await visitor.send(toRequestText(target("/echo"), { method: "POST", headers }));
    await visitor.readThrough("HTTP/1.1 100 Continue\r\n\r\n");
    await visitor.send("body");
    assertEquals(parseVisit(await visitor.readThrough("body")).status, 200);
  });

  await t.step("a visitor that leaves ends the answer", async () => {
    await using visitor = await RawConnection.open(port);
    await visitor.send(toRequestText(target("/stream?left")));
    const stream = await server.stream("/stream?left");
    stream.write("some");
    await visitor.readThrough("some");
    const closed = new Promise((resolve) => stream.once("close", resolve));
    await visitor.close();
    await closed;
  });

  await t.step("a server that breaks off cuts the visitor", async () => {
    await using visitor = await RawConnection.open(port);
    await visitor.send(toRequestText(target("/stream?broken")));
    const stream = await server.stream("/stream?broken");
    stream.write("some");
    await visitor.readThrough("some");
    stream.destroy();
    assertEquals((await visitor.readToEnd()).includes("0\r\n\r\n"), false);
  });
}

/** One request on a connection of its own. */
async function ask(port: number, text: string): Promise<ReturnType<typeof parseVisit>> {
  await using visitor = await RawConnection.open(port);
  await visitor.send(text.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
  return parseVisit(await visitor.readToEnd());
}

function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The bytes in a chunked body. */
function unchunk(text: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\r\n", at);
    const length = parseInt(text.slice(at, end), 16);
    chunks.push(Buffer.from(text.slice(end + 2, end + 2 + length), "latin1"));
    at = end + 4 + length;
  }
  return Buffer.concat(chunks);
}
