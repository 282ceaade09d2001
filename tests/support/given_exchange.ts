/** One exchange that a process on long polls was given, and what may be sent about it. */

import { assertEquals } from "@std/assert";
import { PassThrough } from "node:stream";
import { DATA } from "../../lib/wire/modern.ts";
import { encodeStreamHead, type ModernHead } from "../../lib/wire/modern_messages.ts";
import { encodeRecord } from "../../lib/wire/records.ts";
import { concatBytes, fromHex, fromLatin1 } from "./bytes.ts";
import { PolledProcess } from "./polled_process.ts";
import { RelayWorld, type Visitor } from "./relay_world.ts";
import { turn } from "./turn.ts";

export const OK: ModernHead = { status: 200, headers: [] };
/** The first record of an answer stream. */
export const HEAD = encodeStreamHead(OK);
/** The last record of a stream. */
export const END = fromHex("23000000000002 0000");

/** A record of a body's bytes, which in a text are one character each. */
export function dataOf(bytes: string | Uint8Array): Uint8Array {
  return encodeRecord(DATA, typeof bytes === "string" ? fromLatin1(bytes) : bytes);
}

/** Whether a reply is held back, as far as can be seen by now. */
export async function isHeld(reply: Promise<unknown>): Promise<boolean> {
  let isHeld = true;
  void reply.then(() => isHeld = false);
  await turn();
  return isHeld;
}

/** A process that has been given one exchange, whose visitor sends a body. */
export class ExchangeWorld extends RelayWorld {
  process!: PolledProcess;
  id = "";
  visitor!: Visitor;
  readonly body = new PassThrough().on("error", () => {});

  static async start(
    { bodyLength = null }: { bodyLength?: number | null } = {},
  ): Promise<ExchangeWorld> {
    const world = new ExchangeWorld();
    world.process = await PolledProcess.open(world);
    const options = { method: "PUT", body: world.body, bodyLength };
    world.visitor = world.visit("/servers/alpha/x", options);
    world.id = (await world.process.takeRequest()).id;
    return world;
  }

  /** The status of the reply to a segment of the answer. */
  async segment(index: number, ...parts: Uint8Array[]): Promise<number> {
    const body = concatBytes(parts);
    return (await this.process.ask(`answer/${this.id}/${index}`, { body })).status;
  }

  /** Expects that nobody was accused, and that nothing is left. */
  assertOver(): void {
    assertEquals(this.logged("WARN"), []);
    this.body.destroy();
    this.state.sessions.endAll("stopped");
    assertEquals(this.clock.pendingCount, 0);
  }
}
