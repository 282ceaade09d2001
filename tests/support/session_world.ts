/** A server's end of a session. */

import { assertEquals } from "@std/assert";
import { PassThrough } from "node:stream";
import type { Handler, HttpRequest } from "../../lib/http/message.ts";
import { ModernSession } from "../../lib/server/modern_session.ts";
import type { PathKind } from "../../lib/server/path.ts";
import { createId } from "../../lib/wire/create_id.ts";
import { IDLE } from "../../lib/wire/modern.ts";
import {
  encodeRequest,
  encodeSeen,
  encodeWelcome,
  type ModernRequest,
} from "../../lib/wire/modern_messages.ts";
import { encodeEmptyRecord } from "../../lib/wire/records.ts";
import { FakeChannel } from "./fake_channel.ts";
import { DOWN, FakeRelay } from "./fake_relay.ts";
import { ManualClock } from "./manual_clock.ts";
import { createMemoryLog } from "./memory_log.ts";
import { turn } from "./turn.ts";

/** The session's id. */
export const SESSION = "01KVR8V0P6GQ4ZB7M3E9T5XAWD";
/** The relay's first message. */
export const WELCOME = encodeWelcome(SESSION, "home.relay.test");
/** A session without sockets, whose relay answers as the test says. */
export class SessionWorld {
  readonly clock = new ManualClock();
  readonly relay = new FakeRelay();
  readonly channel = new FakeChannel();
  /** What the handler was asked. */
  readonly requests: HttpRequest[] = [];
  readonly working = new AbortController();
  readonly lines: readonly string[];
  readonly session: ModernSession;
  /** Default: it takes for ever. */
  handler: Handler = () => new Promise(() => {});

  constructor() {
    const { log, lines } = createMemoryLog(this.clock);
    this.lines = lines;
    this.session = new ModernSession(this.channel, {
      baseUrl: "http://relay.test/7ZSFUKGV",
      apiKey: "the key",
      handler: (request) => {
        this.requests.push(request);
        return this.handler(request);
      },
      client: this.relay,
      clock: this.clock,
      log,
      throttleUpload: false,
      working: this.working.signal,
    });
    this.relay.reply = () => DOWN;
    this.relay.openReply = () => DOWN;
  }

  /** With a welcome, on a path that has been probed. */
  static async start(up: PathKind["up"] = "segments"): Promise<SessionWorld> {
    const world = new SessionWorld();
    if (up === "streams") {
      world.relay.reply = () => "held";
      world.relay.openReply = () => {
        const body = new PassThrough();
        body.write(encodeEmptyRecord(IDLE));
        return { status: 200, body };
      };
    }
    world.session.receive(WELCOME);
    if (up === "streams") {
      await turn();
      for (const { received } of world.relay.of("probe/")) {
        world.session.receive(encodeSeen(received().slice(-16)));
      }
      await turn();
      for (const { answer } of world.relay.of("probe/")) answer({ status: 204 });
    }
    assertEquals((await world.session.path?.kind)?.up, up);
    return world;
  }

  /** Has the relay give an exchange; its id. */
  give(id = createId(), changes: Partial<ModernRequest> = {}): string {
    this.session.receive(encodeRequest({
      ...{ id, method: "GET", target: "/x", address: "192.0.2.1", headers: [] },
      ...{ body: new Uint8Array(), wantsUpgrade: false },
      ...changes,
    }));
    return id;
  }

  /** Time passes, in steps after which all that is due has happened. */
  async pass(ms: number): Promise<void> {
    for (let at = 0; at < ms; at += 100) {
      await turn();
      this.clock.advance(100);
    }
    await turn();
  }

  /** Ends all of it, and expects that nothing is left. */
  async end(): Promise<void> {
    this.session.end("test over");
    this.working.abort();
    await this.session.whenIdle();
    await turn();
    assertEquals(this.clock.pendingCount, 0);
  }
}
