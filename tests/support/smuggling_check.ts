/** Tries a request that two programs might read differently, with others behind it. */

import { assert, assertEquals } from "@std/assert";
import { toText } from "./lenient_origin.ts";
import { type SmugglingRow, toOriginBytes } from "./smuggling_rows.ts";
import { exchange, parseAnswers, type SmugglingWorld, toRequest } from "./smuggling_world.ts";

export interface CheckOptions {
  /** The name that the rows, and the relay, are for. */
  readonly host: string;
  /** Sends every byte on its own. Default: false. */
  readonly inPieces?: boolean;
}

export interface CheckedRow {
  readonly relay: string;
  readonly origin: string;
}

/**
 * Sends a row, a request behind it on its connection, and one of another visitor. Each is answered
 * with what is its own, or the connection is closed; the origin gets these, byte by byte, and no
 * more. What came of it, in words.
 */
export async function checkRow(
  world: SmugglingWorld,
  row: SmugglingRow,
  { host, inPieces = false }: CheckOptions,
): Promise<CheckedRow> {
  const { bytes, later, reads } = row;
  const second = toRequest("second", host);
  const answered = later === undefined
    ? await exchange(world.port, bytes + second, { inPieces })
    : await exchange(world.port, bytes, { later: later + second, inPieces });
  const [method] = bytes.split(" ", 1);
  const answers = parseAnswers(answered, method);
  const other = await exchange(world.port, toRequest("other", host));
  assertEquals(parseAnswers(other), ["200 GET /other, 0 bytes"]);
  const seen = world.takeRequests();
  if (reads !== undefined) {
    const text = expectedText(row);
    const next = row.closes === true ? [] : ["GET /second, 0 bytes"];
    const own = method === "HEAD" ? "200" : `200 ${text}`;
    assertEquals(answers, [own, ...next.map((text) => `200 ${text}`)]);
    assertEquals(seen.map(toText), [text, ...next, "GET /other, 0 bytes"]);
    const hosts = { rowsHost: host, originHost: `127.0.0.1:${world.origin.port}` };
    assertEquals(seen[0]?.bytes, toOriginBytes(reads, hosts));
    const end = next.length === 0 ? ", closed" : "";
    return { relay: `served${end}`, origin: text.replace(" /row", "") };
  }
  const [refused = "", ...others] = answers;
  assertEquals(refused.slice(0, 3), String(row.refusal));
  // A body that is still on its way when it is refused ends the connection.
  const goesOn = row.goesOn === true && (!inPieces || others.length > 0);
  const next = goesOn ? ["GET /second, 0 bytes"] : [];
  assertEquals(others, next.map((text) => `200 ${text}`));
  assertEquals(seen.map(toText), [...next, "GET /other, 0 bytes"]);
  return { relay: `refused: ${row.refusal}${goesOn ? "" : ", closed"}`, origin: "nothing" };
}

/** What a row that is served is answered by the origin with. */
export function expectedText({ reads }: SmugglingRow): string {
  assert(reads !== undefined);
  return toText({ target: "/row", ...reads });
}
