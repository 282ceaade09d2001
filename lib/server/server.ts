/** The server: a connection to its relay, and exchanges in flight, from start to stop. */

import type { Clock } from "../base/clock.ts";
import { MAX_ACTIVE_EXCHANGES } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { SharedTimers } from "../base/shared_timers.ts";
import { hostOf, isLoopbackHost } from "../http/host.ts";
import type { Handler } from "../http/message.ts";
import type { ClassicRequest } from "../wire/http_serde.ts";
import { createId } from "../wire/create_id.ts";
import { answerExchange } from "./answer_exchange.ts";
import { ModernLink } from "./modern_link.ts";
import { type Connection, PollLoop } from "./poll_loop.ts";
import type { RelayClient } from "./relay_client.ts";
import { toVisitorUrl } from "./relay_url.ts";

export interface ServerOptions {
  readonly name: string;
  /** The secret. */
  readonly apiKey: string;
  readonly relayUrl: string;
  readonly throttleUpload: boolean;
  /** Answers visitors' requests. */
  readonly handler: Handler;
  /** Stays the caller's. */
  readonly client: Pick<RelayClient, "request" | "open">;
  readonly clock: Clock;
  readonly log: Logger;
  /** 0 to 1; default Math.random. */
  readonly random?: () => number;
}

/** How the relay has taken a server. */
export interface Connected extends Connection {
  /** Where the server is, as seen from the relay's address; ends in a slash. */
  readonly url: string;
}

export class Server {
  readonly #options: ServerOptions;
  /** Ends the polling. */
  readonly #polling = new AbortController();
  /** Ends the exchanges in flight. */
  readonly #working = new AbortController();
  readonly #active = new Set<Promise<void>>();
  readonly #connected = Promise.withResolvers<Connected>();
  #connection: Connection | undefined;
  #loop: Promise<void> = Promise.resolve();

  readonly #timers: SharedTimers;
  readonly #link: ModernLink;

  constructor(options: ServerOptions) {
    const { random = Math.random } = options;
    this.#timers = new SharedTimers(options.clock);
    this.#options = { ...options, clock: this.#timers };
    this.#link = new ModernLink({
      ...this.#options,
      random,
      process: createId(),
      working: this.#working.signal,
    });
  }

  /** Begins to poll; returns at once. */
  start(): void {
    const { relayUrl, log, random = Math.random } = this.#options;
    if (isOpenToOthers(relayUrl)) {
      log.warn("The key crosses the network unencrypted: use https in relay_url", {
        relay: relayUrl,
      });
    }
    const loop = new PollLoop({
      ...this.#options,
      random,
      onRequest: (request, baseUrl) => this.#take(request, baseUrl),
      whenRoom: () => this.#whenRoom(),
      onConnected: (baseUrl, connection) => {
        const { transport, host } = connection;
        const isClassic = transport === "classic poll";
        const url = toVisitorUrl(baseUrl, this.#options.name, { isClassic });
        log.info("Connected", { visitors: url, host, transport });
        this.#connected.resolve({ ...connection, url });
      },
      runModern: (baseUrl, { signal, onOpen }) =>
        this.#link.run(baseUrl, {
          signal,
          onOpen: (connection) => {
            this.#connection = connection;
            onOpen(connection);
          },
        }),
    });
    this.#loop = loop.run(this.#polling.signal);
  }

  /** How it is connected by a session that is open, or was the last one; undefined before. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Resolves once the relay has taken the first poll, or opened a session. */
  get connected(): Promise<Connected> {
    return this.#connected.promise;
  }

  /**
   * Stops gracefully: asks for no more work, lets exchanges in flight end, and cuts what is left
   * once `signal` aborts.
   */
  async stop(signal: AbortSignal): Promise<void> {
    this.#polling.abort();
    const cut = (): void => this.#working.abort();
    if (signal.aborted) cut();
    else signal.addEventListener("abort", cut, { once: true });
    await this.#loop;
    await Promise.all([...this.#active, this.#link.whenIdle()]);
    signal.removeEventListener("abort", cut);
    this.#timers.close();
  }

  #take(request: ClassicRequest, baseUrl: string): void {
    const work = answerExchange(request, {
      ...this.#options,
      baseUrl,
      signal: this.#working.signal,
    }).finally(() => this.#active.delete(work));
    this.#active.add(work);
  }

  async #whenRoom(): Promise<void> {
    while (this.#active.size >= MAX_ACTIVE_EXCHANGES) await Promise.race(this.#active);
  }
}

function isOpenToOthers(relayUrl: string): boolean {
  const { protocol, host } = new URL(relayUrl);
  return protocol === "http:" && !isLoopbackHost(hostOf(host));
}
