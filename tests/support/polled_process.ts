/** A server process on long polls as its relay sees it, without sockets. It may do all wrong. */

import { assert, assertEquals } from "@std/assert";
import type { Readable } from "node:stream";
import type { HttpAnswer } from "../../lib/http/message.ts";
import {
  type ModernRequest,
  readRelayMessages,
  type RelayMessage,
} from "../../lib/wire/modern_messages.ts";
import { createId } from "../../lib/wire/create_id.ts";
import { concatBytes } from "./bytes.ts";
import { createFakeRequest, type FakeRequest } from "./fake_request.ts";
import { readBody } from "./read_body.ts";
import { KEY, type RelayWorld } from "./relay_world.ts";

export interface ProcessOptions {
  readonly name?: string;
  readonly key?: string;
  /** The id of the process; default: a new one. */
  readonly process?: string;
  readonly successorOf?: string;
}

/** A poll that may be held. */
export interface HeldPoll {
  readonly request: FakeRequest;
  readonly answer: Promise<HttpAnswer>;
}

export class PolledProcess {
  readonly session: string;
  /** How many answers to polls have been taken. */
  received = 0;
  /** How many POSTs of messages were made. */
  sent = 0;
  readonly #world: RelayWorld;
  readonly #key: string;

  private constructor(world: RelayWorld, session: string, key: string) {
    this.#world = world;
    this.session = session;
    this.#key = key;
  }

  static async open(world: RelayWorld, options: ProcessOptions = {}): Promise<PolledProcess> {
    const answer = await world.get(...toOpening(options));
    assertEquals(answer.status, 200);
    const [welcome] = messagesIn(await readBody(answer.body));
    assert(welcome?.type === "welcome");
    return new PolledProcess(world, welcome.session, options.key ?? KEY);
  }

  /** A request for something in its session: `body/ID`, say. Default: a GET. */
  ask(
    path: string,
    { body, key = this.#key }: { body?: Uint8Array | Readable; key?: string } = {},
  ): Promise<HttpAnswer> {
    return this.asks(path, { body, key }).answer;
  }

  /** The same, with the request, so that it can be ended. */
  asks(
    path: string,
    { body, key = this.#key }: { body?: Uint8Array | Readable | undefined; key?: string } = {},
  ): HeldPoll {
    const [kind, ...rest] = path.split("/");
    const target = `/7ZSFUKGV/modern/${[kind, this.session, ...rest].join("/")}`;
    const request = createFakeRequest(target, {
      headers: ["X-ApiKey", key],
      ...body === undefined ? {} : { method: "POST", body },
    });
    return { request, answer: Promise.resolve(this.#world.public(request)) };
  }

  /** A poll, of any number. */
  poll(received = this.received): HeldPoll {
    return this.asks(`poll/${received}`);
  }

  /** What the answer to a poll brings; none where that is 204. */
  async take({ answer }: HeldPoll): Promise<RelayMessage[]> {
    const { status, body } = await answer;
    if (status === 204) return [];
    assertEquals(status, 200);
    this.received++;
    return messagesIn(await readBody(body));
  }

  /** Polls until an exchange is given, and takes the first. */
  async takeRequest(): Promise<ModernRequest> {
    for (;;) {
      for (const message of await this.take(this.poll())) {
        if (message.type === "request") return message.request;
      }
    }
  }

  /** A POST of messages, by the next number. */
  say(...records: readonly Uint8Array[]): Promise<HttpAnswer> {
    return this.ask(`messages/${++this.sent}`, { body: concatBytes(records) });
  }
}

/** Target and options of the request that opens a session. */
export function toOpening(
  { name = "alpha", key = KEY, process = createId(), successorOf }: ProcessOptions,
): [string, { method: string; headers: string[] }] {
  return [`/7ZSFUKGV/modern/session/${name}`, {
    method: "POST",
    headers: [
      ...["Host", "relay.test", "X-ApiKey", key, "X-PTTH-Process", process, "X-PTTH-Modern", "1"],
      ...successorOf === undefined ? [] : ["X-PTTH-Successor-Of", successorOf],
    ],
  }];
}

/** The messages of a relay in some bytes. */
export function messagesIn(bytes: Uint8Array): RelayMessage[] {
  const messages: RelayMessage[] = [];
  readRelayMessages(bytes, (message) => messages.push(message));
  return messages;
}
