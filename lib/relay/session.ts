/**
 * One process of a server that speaks modern, from its welcome to its end: what it was given, and
 * what its messages do. How they travel is for its channel (docs/protocol.md, "Messages").
 */

import { ProtocolError } from "../base/errors.ts";
import { IdMap } from "../base/id_map.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { SilenceWatch } from "../http/silence_watch.ts";
import {
  encodeCancel,
  encodeLast,
  encodePong,
  encodeRequest,
  encodeSeen,
  encodeWelcome,
  readServerMessages,
  type ServerMessage,
} from "../wire/modern_messages.ts";
import type { Exchange } from "./exchange.ts";
import { ModernExchange } from "./modern_exchange.ts";
import type { ServerEntry } from "./registry.ts";
import type { ServerQueue, Taker } from "./server_queue.ts";

/** Why a session is over. */
export type SessionEnd =
  /** The connection of its channel closed. */
  | "lost"
  /** Nothing came for too long. */
  | "silent"
  /** The same process has opened another one. */
  | "replaced"
  /** The server is not allowed any more. */
  | "revoked"
  /** The server closed it in good order. */
  | "closed"
  /** The relay has stopped. */
  | "stopped"
  /** The server broke the protocol. */
  | "violation";

/** How messages travel to the process. */
export interface Channel {
  /** As people are told. */
  readonly transport: "control channel" | "long poll";
  /** True while an exchange can be handed over at once. */
  readonly isReady: boolean;
  /**
   * Queues a record; those of one turn travel together. `given`: the exchange that is given by it,
   * which is lost where the record is.
   */
  send(record: Uint8Array, given?: string): void;
  /** The session is over; `sentence` tells the process why. Called once. */
  close(end: SessionEnd, sentence: string): void;
}

export interface SessionOptions {
  readonly id: string;
  /** The id of the process. */
  readonly process: string;
  /** As it was when the session was opened: that key answers for what is given in it. */
  readonly server: ServerEntry;
  readonly queue: ServerQueue;
  readonly clock: Clock;
  readonly log: Logger;
  /** Looks after what may not be silent for longer than CHANNEL_SILENCE_MS. */
  readonly silence: SilenceWatch;
  /** Called once, when the session is over. */
  readonly onOver: (session: Session, end: SessionEnd) => void;
}

/** What is wrong with a process that lets more wait than a channel may hold. */
export const UNREAD = "Messages to it are not read";

const SENTENCES: Readonly<Record<SessionEnd, string>> = {
  lost: "The connection was lost",
  silent: "Nothing came for too long",
  replaced: "Another session of this process has taken over",
  revoked: "The relay does not know this name with this key any more",
  closed: "Closed",
  stopped: "The relay has stopped",
  violation: "The protocol was broken",
};

export class Session implements Taker {
  readonly id: string;
  readonly process: string;
  readonly server: ServerEntry;
  readonly rank = 0;
  readonly #options: SessionOptions;
  readonly #channel: Channel;
  readonly #exchanges = new IdMap<ModernExchange>();
  #isLeaving = false;
  #hasSaidLast = false;
  #isOver = false;
  #hasLoggedForeign = false;

  /** `openChannel` makes the channel; it hands what comes to `receive`, and its end to `end`. */
  constructor(options: SessionOptions, openChannel: (session: Session) => Channel) {
    this.id = options.id;
    this.process = options.process;
    this.server = options.server;
    this.#options = options;
    this.#channel = openChannel(this);
  }

  get channel(): Channel {
    return this.#channel;
  }

  get isReady(): boolean {
    return !this.#isOver && !this.#isLeaving && this.#channel.isReady;
  }

  get load(): number {
    return this.#exchanges.size;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** True if the process has said that it takes no more. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Begins: from now on the process may be given exchanges. */
  start(host: string | undefined): void {
    this.#channel.send(encodeWelcome(this.id, host));
    this.#options.queue.attach(this);
    this.becomeReady();
  }

  /** The channel can take exchanges again. */
  becomeReady(): void {
    this.#options.queue.serve(this);
  }

  take(exchange: Exchange): void {
    const { request } = exchange;
    const { id, method, path, query, address, headers, body, bodyLength, wantsUpgrade } = request;
    let message: Uint8Array;
    try {
      message = encodeRequest({
        id,
        method,
        target: path + query,
        address,
        headers,
        body: body instanceof Uint8Array ? body : { streamLength: bodyLength },
        wantsUpgrade,
      });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return exchange.fail("head_too_large");
    }
    const { clock, log } = this.#options;
    exchange.give("modern", () => this.#cancel(id));
    const modern = new ModernExchange(exchange, {
      clock,
      log,
      server: this.server.name,
      onViolation: (reason) => this.violate(reason),
    });
    this.#exchanges.set(id, modern);
    void exchange.delivery.then((delivery) => {
      const isAtWork = this.#exchanges.delete(id) && modern.isServerAtWork;
      // Where it has failed, the process has been told.
      if (delivery === "cut" && isAtWork && !exchange.isAbandoned) this.#send(encodeCancel(id));
      modern.finish();
    });
    this.#channel.send(message, id);
  }

  /** An exchange that was given in this session and is not over; undefined for any other id. */
  find(id: string): ModernExchange | undefined {
    return this.#exchanges.get(id);
  }

  /** Takes messages, whole ones. What breaks the protocol ends the session. */
  receive(bytes: Uint8Array): void {
    try {
      readServerMessages(bytes, (message) => this.#take(message));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.violate(error.message);
    }
  }

  /** The first bytes of a probe of the process have come. */
  see(nonce: Uint8Array): void {
    this.#send(encodeSeen(nonce));
  }

  /** The process broke the protocol. */
  violate(reason: string): void {
    this.end("violation", reason);
  }

  revoke(): void {
    this.end("revoked");
  }

  /** The relay takes no more visitors: tells the process so, which may finish what it has. */
  stop(): void {
    this.#sayLast();
  }

  /**
   * The session is over. What has no answer fails, and so does what travels in segments; streams on
   * connections of their own go on for as long as they move.
   */
  end(end: SessionEnd, sentence: string = SENTENCES[end]): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { queue, silence, onOver } = this.#options;
    queue.detach(this);
    this.#channel.close(end, sentence);
    for (const exchange of this.#exchanges.values()) exchange.loseSession(silence);
    if (end === "violation") {
      this.#options.log.warn("Session ended: the server broke the protocol", {
        name: this.server.name,
        reason: sentence,
      });
    }
    onOver(this, end);
  }

  #take(message: ServerMessage): void {
    if (this.#isOver) return;
    switch (message.type) {
      case "answer":
        return this.#find(message.id)?.answer(message.head, message.body);
      case "inform":
        return this.#find(message.id)?.inform(message.head);
      case "fail":
        return this.#find(message.id)?.fail();
      case "ping":
        return this.#send(encodePong());
      case "leave":
        this.#isLeaving = true;
        this.#sayLast();
    }
  }

  /** Late messages to exchanges that are over are ignored, and so are all to others. */
  #find(id: string): ModernExchange | undefined {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined && !this.#hasLoggedForeign) {
      this.#hasLoggedForeign = true;
      this.#options.log.debug("A message is ignored: its exchange is over, or another's", {
        name: this.server.name,
      });
    }
    return exchange;
  }

  #cancel(id: string): void {
    if (this.#exchanges.get(id)?.isServerAtWork) this.#send(encodeCancel(id));
  }

  #sayLast(): void {
    if (this.#hasSaidLast) return;
    this.#hasSaidLast = true;
    this.#isLeaving = true;
    this.#send(encodeLast());
  }

  #send(record: Uint8Array): void {
    if (!this.#isOver) this.#channel.send(record);
  }
}
