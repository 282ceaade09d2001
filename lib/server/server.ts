/** The server: a poll loop, and a bounded number of exchanges in flight, from start to stop. */

import type { Clock } from "../base/clock.ts";
import { MAX_ACTIVE_EXCHANGES } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { hostOf, isLoopbackHost } from "../http/host.ts";
import type { Handler } from "../http/message.ts";
import type { ClassicRequest } from "../wire/http_serde.ts";
import { answerExchange } from "./answer_exchange.ts";
import { PollLoop } from "./poll_loop.ts";
import { toVisitorUrl } from "./relay_url.ts";
import type { RelayClient } from "./relay_client.ts";

export interface ServerOptions {
  readonly name: string;
  /** The secret. */
  readonly apiKey: string;
  readonly relayUrl: string;
  readonly throttleUpload: boolean;
  /** Answers visitors' requests. */
  readonly handler: Handler;
  /** Stays the caller's. */
  readonly client: Pick<RelayClient, "request">;
  readonly clock: Clock;
  readonly log: Logger;
  /** 0 to 1; default Math.random. */
  readonly random?: () => number;
}

export class Server {
  readonly #options: ServerOptions;
  /** Ends the polling. */
  readonly #polling = new AbortController();
  /** Ends the exchanges in flight. */
  readonly #working = new AbortController();
  readonly #active = new Set<Promise<void>>();
  readonly #connected = Promise.withResolvers<string>();
  #loop: Promise<void> = Promise.resolve();

  constructor(options: ServerOptions) {
    this.#options = options;
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
      onConnected: (baseUrl) => {
        log.info("Connected", { visitors: toVisitorUrl(baseUrl, this.#options.name) });
        this.#connected.resolve(baseUrl);
      },
    });
    this.#loop = loop.run(this.#polling.signal);
  }

  /** Resolves with the relay's base URL once it has taken the first poll. */
  get connected(): Promise<string> {
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
    await Promise.all(this.#active);
    signal.removeEventListener("abort", cut);
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
