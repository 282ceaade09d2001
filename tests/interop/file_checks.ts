/** Files: every byte, ranges, conditions, HEAD. Known defects of the original: protocol §7. */

import { type Check, ensure, equal } from "./check.ts";
import { type Answer, bodySha256 } from "./visitor.ts";
import { toSha256, type TreeFile } from "./tree.ts";
import type { World } from "./world.ts";

/** The original server gives files neither a type nor a length. */
function givesType(world: World): boolean {
  return world.pairing.server === "ours";
}

/** Our relay knows the length of an original server's file from the POST's Content-Length. */
function givesLength(world: World): boolean {
  return world.pairing.server === "ours" || world.pairing.relay === "ours";
}

const PLAIN = "1m1.bin";
const PLAIN_SIZE = 1024 * 1024 + 1;

export const FILE_CHECKS: readonly Check[] = [
  {
    name: "every file has its bytes",
    run: async (world) => {
      for (const file of world.tree.files) await checkFile(world, file);
    },
  },
  {
    name: "files have a length and a type",
    applies: ({ relay, server }) => relay === "ours" || server === "ours",
    run: async (world) => {
      for (const file of world.tree.files) {
        const { headers } = await world.visitFile(file.path);
        if (givesLength(world)) {
          equal(`content-length of ${file.path}`, headers.get("content-length"), String(file.size));
        }
        if (givesType(world)) {
          const wanted = file.path.endsWith(".bin")
            ? /^application\/octet-stream$/
            : file.path.endsWith(".html")
            ? /^text\/html/
            : /^text\/plain/;
          const type = String(headers.get("content-type"));
          ensure(wanted.test(type), `content-type of ${file.path} is ${type}`);
        }
      }
    },
  },
  {
    name: "Range A-B and A-",
    run: async (world) => {
      const whole = (await world.visitFile(PLAIN)).body;
      for (const [from, to] of [[0, 0], [5, 70_004], [PLAIN_SIZE - 10, PLAIN_SIZE - 1]] as const) {
        const answer = await visitRange(world, `bytes=${from}-${to}`);
        equal("status", answer.status, 206);
        equal("bytes", await bodySha256(answer), await sliceSha256(whole, from, to + 1));
        // The original puts the range's end where the file's length belongs.
        const total = world.pairing.server === "ours" ? PLAIN_SIZE : to + 1;
        equal("content-range", answer.headers.get("content-range"), `bytes ${from}-${to}/${total}`);
      }
      const tail = await visitRange(world, "bytes=1000000-");
      equal("status of A-", tail.status, 206);
      equal("bytes of A-", await bodySha256(tail), await sliceSha256(whole, 1_000_000, PLAIN_SIZE));
      equal(
        "content-range of A-",
        tail.headers.get("content-range"),
        `bytes 1000000-${PLAIN_SIZE - 1}/${PLAIN_SIZE}`,
      );
    },
  },
  {
    name: "Range -N",
    run: async (world) => {
      const whole = (await world.visitFile(PLAIN)).body;
      const answer = await visitRange(world, "bytes=-100");
      // The original takes -N for 0-N.
      const [from, end] = world.pairing.server === "ours"
        ? [PLAIN_SIZE - 100, PLAIN_SIZE]
        : [0, 101];
      equal("status", answer.status, 206);
      equal("bytes", await bodySha256(answer), await sliceSha256(whole, from, end));
    },
  },
  {
    name: "Range past the end",
    run: async (world) => {
      const beyond = await visitRange(world, `bytes=${PLAIN_SIZE}-`);
      equal("status of a start past the end", beyond.status, 416);
      equal("content-range", beyond.headers.get("content-range"), `bytes */${PLAIN_SIZE}`);
      const clamped = await visitRange(world, `bytes=10-${PLAIN_SIZE + 5}`);
      // The original does not clamp an end past the file (RFC 9110 §14.1.2).
      equal(
        "status of an end past it",
        clamped.status,
        world.pairing.server === "ours" ? 206 : 416,
      );
    },
  },
  {
    name: "If-None-Match gives 304",
    run: async (world) => {
      const tag = (await world.visitFile(PLAIN)).headers.get("etag");
      ensure(tag !== null && tag !== "", "the file has no etag");
      const same = await world.visitFile(PLAIN, { headers: { "if-none-match": tag } });
      equal("status of the same tag", same.status, 304);
      equal("bytes of the 304", same.body.length, 0);
      equal("etag of the 304", same.headers.get("etag"), tag);
      const other = await world.visitFile(PLAIN, { headers: { "if-none-match": '"other"' } });
      equal("status of another tag", other.status, 200);
      equal("length for another tag", other.body.length, PLAIN_SIZE);
    },
  },
  {
    name: "HEAD of a file",
    run: async (world) => {
      const answer = await world.visitFile(PLAIN, { method: "HEAD" });
      equal("bytes", answer.body.length, 0);
      // The original answers 204, and so without a length.
      if (world.pairing.server === "original") return equal("status", answer.status, 204);
      equal("status", answer.status, 200);
      equal("content-length", answer.headers.get("content-length"), String(PLAIN_SIZE));
    },
  },
];

async function checkFile(world: World, file: TreeFile): Promise<void> {
  const answer = await world.visitFile(file.path);
  equal(`status of ${file.path}`, answer.status, 200);
  equal(`length of ${file.path}`, answer.body.length, file.size);
  equal(`SHA-256 of ${file.path}`, await bodySha256(answer), file.sha256);
}

function visitRange(world: World, range: string): Promise<Answer> {
  return world.visitFile(PLAIN, { headers: { range } });
}

function sliceSha256(
  whole: Uint8Array<ArrayBuffer>,
  from: number,
  end: number,
): Promise<string> {
  return toSha256(whole.slice(from, end));
}
