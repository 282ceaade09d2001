/** A channel to a relay that keeps what is said on it. */

import { concatBytes } from "./bytes.ts";
import type { Channel } from "../../lib/server/channel.ts";
import { readServerMessages, type ServerMessage } from "../../lib/wire/modern_messages.ts";

export class FakeChannel implements Channel {
  readonly transport = "control channel";
  /** What was said, in order. */
  readonly said: ServerMessage[] = [];
  backlog = 0;
  closings = 0;

  send(record: Uint8Array, rest: Uint8Array = new Uint8Array()): void {
    readServerMessages(concatBytes([record, rest]), (message) => this.said.push(message));
  }

  close(): Promise<void> {
    this.closings++;
    return Promise.resolve();
  }
}
