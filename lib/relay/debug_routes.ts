/** The original's debug routes, for those who ask for them (`debug_routes = true`). */

import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import type { Clock } from "../base/clock.ts";
import { pause } from "../base/clock.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { textAnswer } from "../http/text_answer.ts";

const BLOCK_BYTES = 64 * 1024;
const SOURCE_BYTES = 1024 ** 3;
/** 16 blocks a second. */
const THROTTLE_MS = 1000 / 16;

/** Answers one debug page; undefined where there is none of that name. */
export function answerDebug(
  request: HttpRequest,
  { page, clock }: { page: string; clock: Clock },
): Promise<HttpAnswer> | HttpAnswer | undefined {
  switch (page) {
    case "":
      return textAnswer(200, "gen_key, endless_source, endless_source_throttled, endless_sink");
    case "gen_key":
      return textAnswer(200, `Random key: ${randomBytes(64).toString("base64")}`);
    case "endless_source":
      return sourceAnswer(repeatBlock());
    case "endless_source_throttled":
      return sourceAnswer(repeatBlock(() => pause(clock, THROTTLE_MS, request.signal)));
    case "endless_sink":
      return request.method === "POST"
        ? sink(request)
        : textAnswer(405, "This takes a POST, and counts the bytes of its body", ["Allow", "POST"]);
    case "test_mysterious_error":
      return textAnswer(500, "Mysterious error");
    default:
      return undefined;
  }
}

async function sink(request: HttpRequest): Promise<HttpAnswer> {
  let bytes = 0;
  for await (const chunk of request.body ?? []) bytes += chunk.length;
  const body = new TextEncoder().encode(`Sank ${bytes} bytes\n`);
  return { status: 200, headers: ["Cache-Control", "no-store"], body };
}

function sourceAnswer(blocks: AsyncIterable<Uint8Array>): HttpAnswer {
  return {
    status: 200,
    headers: ["Content-Type", "application/octet-stream", "Cache-Control", "no-store"],
    body: Readable.from(blocks, { objectMode: false, highWaterMark: 4 * BLOCK_BYTES }),
  };
}

async function* repeatBlock(wait?: () => Promise<void>): AsyncGenerator<Uint8Array> {
  const block = randomBytes(BLOCK_BYTES);
  for (let sent = 0; sent < SOURCE_BYTES; sent += BLOCK_BYTES) {
    await wait?.();
    yield block;
  }
}
