/** A server's link to a relay that speaks modern, without sockets. */

import { assert, assertEquals } from "@std/assert";
import { MODERN_PARK_MS } from "../../lib/base/limits.ts";
import type { Handler } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { ModernLink } from "../../lib/server/modern_link.ts";
import type { Connection, ModernEnd } from "../../lib/server/poll_loop.ts";
import {
  encodeWelcome,
  readServerMessages,
  type ServerMessage,
} from "../../lib/wire/modern_messages.ts";
import { ID } from "./bytes.ts";
import { type Asked, DOWN, FakeRelay, type OpenReply, type Reply } from "./fake_relay.ts";
import { ManualClock } from "./manual_clock.ts";
import { createMemoryLog } from "./memory_log.ts";
import { turn } from "./turn.ts";

/** The id of the process. */
export const PROCESS = "01KVR8V0P6GQ4ZB7M3E9T5XAWD";
/** The welcome of a session by long poll. */
const POLLED = encodeWelcome(ID, "home.relay.test");

/** A link whose relay answers as the test says, over time that is moved by hand. */
export class LinkWorld {
  readonly clock = new ManualClock();
  readonly relay = new FakeRelay();
  readonly lines: readonly string[];
  readonly link: ModernLink;
  readonly stopping = new AbortController();
  readonly working = new AbortController();
  /** What was open, in order. */
  readonly open: Pick<Connection, "transport" | "host">[] = [];
  /** What comes of an attempt to open a control channel. */
  control: (attempt: number) => OpenReply = () => ({ status: 426 });
  /** What comes of an attempt to open a session by long poll. */
  poll: () => Reply = () => ({ body: POLLED });
  /** When control channels were tried, on the clock. */
  readonly attempts: number[] = [];
  handler: Handler = () => textAnswer(200, "hello");
  #end: ModernEnd | undefined;

  constructor() {
    const { log, lines } = createMemoryLog(this.clock);
    this.lines = lines;
    this.relay.openReply = (path) => {
      if (!path.startsWith("control/")) return DOWN;
      this.attempts.push(this.clock.monotonic());
      return this.control(this.attempts.length);
    };
    this.relay.reply = ({ path }) => {
      if (path.startsWith("session/")) return this.poll();
      return path.startsWith("probe/") ? DOWN : "held";
    };
    this.link = new ModernLink({
      name: "home",
      apiKey: "the key",
      process: PROCESS,
      handler: (request) => this.handler(request),
      client: this.relay,
      clock: this.clock,
      log,
      random: () => 1,
      throttleUpload: false,
      working: this.working.signal,
    });
  }

  /** Runs until the link has done what it does at once. */
  async run(): Promise<void> {
    void this.link.run("http://relay.test/7ZSFUKGV", {
      signal: this.stopping.signal,
      onOpen: ({ transport, host }) => void this.open.push({ transport, host }),
    }).then((end) => this.#end = end);
    await this.settle();
  }

  /** How it ended; undefined while it goes on. */
  get end(): ModernEnd | undefined {
    return this.#end;
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 5; i++) await turn();
  }

  /** Time passes, and the relay's polls are held as they should be. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.monotonic() + ms;
    while (this.clock.monotonic() < end) {
      const { nextDelay = MODERN_PARK_MS } = this.clock;
      this.clock.advance(Math.min(MODERN_PARK_MS, nextDelay, end - this.clock.monotonic()));
      for (const poll of this.relay.of("poll/")) {
        if (!poll.signal.aborted) poll.answer({ status: 204 });
      }
      await this.settle();
    }
  }

  /** The poll that is held. */
  get held(): Asked {
    const poll = this.relay.of("poll/").at(-1);
    assert(poll !== undefined);
    return poll;
  }

  /** What was said by POSTs, all of which are taken. */
  async said(): Promise<ServerMessage["type"][]> {
    const types: ServerMessage["type"][] = [];
    let count = 0;
    for (let posts = this.relay.of("messages/"); count < posts.length; count++) {
      const post = posts[count];
      readServerMessages(post?.received() ?? new Uint8Array(), ({ type }) => types.push(type));
      post?.answer({ status: 204 });
      await this.settle();
      posts = this.relay.of("messages/");
    }
    return types;
  }

  /** Ends it at once. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.working.abort();
    for (let i = 0; i < 20 && this.#end === undefined; i++) {
      await this.settle();
      this.clock.advance(1_000);
    }
    assert(this.#end !== undefined);
    await this.link.whenIdle();
    await this.settle();
    assertEquals(this.clock.pendingCount, 0);
  }
}
