/** One session with a relay that speaks modern, from its welcome to its end (docs/protocol.md). */

import type { Clock } from "../base/clock.ts";
import { ClosedError, ProtocolError } from "../base/errors.ts";
import { IdMap } from "../base/id_map.ts";
import { MAX_ACTIVE_EXCHANGES } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { whenAborted } from "../base/when_aborted.ts";
import type { Handler } from "../http/message.ts";
import { textAnswer } from "../http/text_answer.ts";
import {
  encodeAnswer,
  encodeLeave,
  type ModernRequest,
  readRelayMessages,
  type RelayMessage,
} from "../wire/modern_messages.ts";
import type { Channel, ChannelSink } from "./channel.ts";
import { ModernExchange, type ModernExchangeOptions } from "./modern_exchange.ts";
import { Path } from "./path.ts";
import type { RelayClient } from "./relay_client.ts";

export interface SessionOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Answers visitors' requests. */
  readonly handler: Handler;
  readonly client: Pick<RelayClient, "request" | "open">;
  readonly clock: Clock;
  readonly log: Logger;
  /** Sends one chunk of a body a second. */
  readonly throttleUpload: boolean;
  /** Ends exchanges in flight. */
  readonly working: AbortSignal;
}

/** What the relay said when the session opened. */
export interface Welcome {
  /** The session's id. */
  readonly session: string;
  /** The visitors' host name of this server, where it has one. */
  readonly host: string | undefined;
}

export class ModernSession implements ChannelSink {
  /** Resolves with the welcome; rejects with ClosedError if the session ends without one. */
  readonly welcome: Promise<Welcome>;
  /** Resolves with the reason when the session is over. Exchanges may go on. */
  readonly over: Promise<string>;
  readonly #options: SessionOptions;
  readonly #channel: Channel;
  readonly #exchanges = new IdMap<ModernExchange>();
  readonly #lost = new AbortController();
  readonly #welcome = Promise.withResolvers<Welcome>();
  readonly #over = Promise.withResolvers<string>();
  readonly #last = Promise.withResolvers<void>();
  readonly #seen = new Map<string, () => void>();
  #path: Path | undefined;
  /** What every exchange of the session has in common; undefined before the welcome. */
  #common: ModernExchangeOptions | undefined;
  #session = "";

  constructor(channel: Channel, options: SessionOptions) {
    this.#channel = channel;
    this.#options = options;
    this.welcome = this.#welcome.promise;
    this.over = this.#over.promise;
    // Nobody may be waiting for it.
    this.welcome.catch(() => {});
    const { working } = options;
    const giveUp = (): void => {
      for (const exchange of this.#exchanges.values()) exchange.giveUp();
    };
    working.addEventListener("abort", giveUp);
    void this.over.then(() => this.whenIdle())
      .then(() => working.removeEventListener("abort", giveUp));
  }

  get id(): string {
    return this.#session;
  }

  /** What is known of the way to the relay; undefined before the welcome. */
  get path(): Path | undefined {
    return this.#path;
  }

  receive(bytes: Uint8Array): void {
    readRelayMessages(bytes, (message) => this.#take(message));
  }

  end(reason: string): void {
    this.#lost.abort(new ClosedError(reason));
    this.#welcome.reject(new ClosedError(reason));
    this.#last.resolve();
    for (const exchange of this.#exchanges.values()) exchange.loseSession();
    this.#over.resolve(reason);
  }

  /** Ends the session at once; what has a connection of its own goes on. */
  async close(): Promise<void> {
    await this.#channel.close();
    this.end("closed");
  }

  /**
   * Asks for no more exchanges, and ends the session once those in flight are over, or `signal`
   * aborts. No exchange is lost: what is on the way still comes before the relay's LAST.
   */
  async leave(signal: AbortSignal): Promise<void> {
    this.#channel.send(encodeLeave());
    await Promise.race([this.#last.promise, whenAborted(signal)]);
    // Those that are given up say so, and then they are over too.
    await this.whenIdle();
    await this.close();
  }

  /** Resolves once no exchange is in flight. */
  async whenIdle(): Promise<void> {
    // Each has its own end; none begins while these are awaited but on a session that goes on.
    while (this.#exchanges.size > 0) {
      await Promise.all(this.#exchanges.values().map((exchange) => exchange.over));
    }
  }

  #take(message: RelayMessage): void {
    if (this.#path === undefined && message.type !== "welcome") {
      throw new ProtocolError("The welcome is missing");
    }
    switch (message.type) {
      case "welcome":
        return this.#start(message);
      case "request":
        return this.#accept(message.request);
      case "cancel":
        return this.#exchanges.get(message.id)?.cancel();
      case "last":
        return this.#last.resolve();
      case "seen":
        return this.#seen.get(message.nonce.toHex())?.();
      case "pong":
        return;
    }
  }

  #start({ session, host }: Welcome): void {
    if (this.#path !== undefined) throw new ProtocolError("A second welcome");
    const { baseUrl, apiKey, client, clock, log } = this.#options;
    this.#session = session;
    this.#path = new Path({
      baseUrl,
      apiKey,
      session,
      client,
      clock,
      log,
      signal: this.#lost.signal,
      whenSeen: (nonce, seen) => this.#seen.set(nonce, seen),
    });
    this.#common = { ...this.#options, session, channel: this.#channel, path: this.#path };
    this.#welcome.resolve({ session, host });
  }

  #accept(request: ModernRequest): void {
    const { id } = request;
    if (this.#common === undefined || this.#exchanges.has(id)) {
      throw new ProtocolError("An exchange was given twice");
    }
    if (this.#exchanges.size >= MAX_ACTIVE_EXCHANGES) {
      const { status, headers, body } = textAnswer(503, "The server has too much to do", [
        ...["Retry-After", "5", "Proxy-Status", "ptth_server; error=connection_limit_reached"],
      ]);
      return this.#channel.send(encodeAnswer(id, { status, headers }, body));
    }
    const exchange = new ModernExchange(request, this.#common);
    this.#exchanges.set(id, exchange);
    void exchange.over.then(() => this.#exchanges.delete(id));
    if (this.#options.working.aborted) exchange.giveUp();
    exchange.run();
  }
}
