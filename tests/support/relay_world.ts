/** A relay's handlers without sockets, over time that is moved by hand. */

import { KeyGuard } from "../../lib/auth/key_guard.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { toTripcode } from "../../lib/auth/tripcode.ts";
import { createAddressSet } from "../../lib/base/cidr.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { Handler, HttpAnswer } from "../../lib/http/message.ts";
import { AuditLog, UnregisteredServers } from "../../lib/relay/audit_log.ts";
import { ExchangeBook } from "../../lib/relay/exchange_book.ts";
import {
  createAdminHandler,
  createPublicHandler,
  type RelaySettings,
  type RelayState,
} from "../../lib/relay/handlers.ts";
import { Registry, type ServerEntry } from "../../lib/relay/registry.ts";
import { Sessions } from "../../lib/relay/sessions.ts";
import {
  createFakeRequest,
  type FakeRequest,
  type FakeRequestOptions,
  readAnswer,
} from "./fake_request.ts";
import { ManualClock } from "./manual_clock.ts";
import { createMemoryLog } from "./memory_log.ts";

/** Of the server "alpha". */
export const KEY = "test key of alpha";
/** Of the server "beta". */
export const OTHER_KEY = "test key of beta";

export const ALPHA: ServerEntry = {
  name: "alpha",
  tripcode: toTripcode(KEY),
  displayName: "Z <Alpha>",
};
export const BETA: ServerEntry = {
  name: "beta",
  tripcode: toTripcode(OTHER_KEY),
  displayName: "beta",
};

/** A visitor who has asked. */
export interface Visitor {
  readonly request: FakeRequest;
  readonly answer: Promise<HttpAnswer>;
}

export class RelayWorld {
  readonly clock = new ManualClock();
  /** What the relay logs, at every level. */
  readonly lines: readonly string[];
  readonly state: RelayState;
  readonly public: Handler;
  readonly admin: Handler;

  constructor(settings: Partial<RelaySettings> = {}, entries = [ALPHA, BETA]) {
    const { log, lines } = createMemoryLog(this.clock);
    this.lines = lines;
    this.state = {
      clock: this.clock,
      log,
      registry: new Registry(this.clock, entries),
      sessions: new Sessions({ clock: this.clock, log }),
      book: new ExchangeBook(),
      audit: new AuditLog(this.clock),
      keys: new KeyGuard(this.clock),
      unregistered: new UnregisteredServers(this.clock),
      settings: {
        publicServerList: false,
        adminHosts: [],
        debugRoutes: false,
        enableScraperApi: false,
        scraperKeys: [],
        trustedProxies: createAddressSet([]),
        reconnectGraceMs: 10_000,
        answerTimeoutMs: undefined,
        hostSuffix: undefined,
        upgradeTokens: [],
        ...settings,
      },
      isStopping: false,
    };
    this.public = createPublicHandler(this.state);
    this.admin = createAdminHandler(this.state);
  }

  async get(target: string, options: FakeRequestOptions = {}): Promise<HttpAnswer> {
    return await this.public(createFakeRequest(target, options));
  }

  /** A visitor whose answer the test waits for; `finish` of its request ends it. */
  visit(target: string, options: FakeRequestOptions = {}): Visitor {
    const request = createFakeRequest(target, options);
    return { request, answer: Promise.resolve(this.public(request)) };
  }

  /** Lines of the log at this level. */
  logged(level: "DEBUG" | "INFO" | "WARN" | "ERROR"): string[] {
    return this.lines.filter((line) => line.startsWith(`${level} `));
  }
}

/** Expects a sentence of the relay, as people read it. */
export async function assertText(
  answer: HttpAnswer | Promise<HttpAnswer>,
  status: number,
  text: string,
): Promise<void> {
  const { status: actual, headers, body } = await answer;
  assertEquals(actual, status);
  assertMatch(headerValue(headers, "content-type") ?? "", /^text\/plain\b/);
  assertStringIncludes(await readAnswer({ status: actual, headers, body }), text);
}
