/**
 * Speaks modern to a relay: opens a session in the best way that gets through, and looks for a
 * better one now and then (docs/protocol.md, "Negotiation").
 */

import { type Clock, pause } from "../base/clock.ts";
import { ClosedError } from "../base/errors.ts";
import { CONTROL_RETRY_MS, MAX_CONTROL_RETRY_MS, WELCOME_TIMEOUT_MS } from "../base/limits.ts";
import { whenAborted } from "../base/when_aborted.ts";
import type { Channel, ChannelOptions, ChannelRefusal } from "./channel.ts";
import { openControlChannel } from "./control_channel.ts";
import { ModernSession, type SessionOptions, type Welcome } from "./modern_session.ts";
import { openPollChannel } from "./poll_channel.ts";
import type { Connection, ModernEnd } from "./poll_loop.ts";

export interface LinkOptions
  extends Omit<SessionOptions, "baseUrl">, Omit<ChannelOptions, "baseUrl" | "successorOf"> {
  readonly clock: Clock;
  /** 0 to 1, as Math.random. */
  readonly random: () => number;
}

export interface RunOptions {
  /** Asks for no more exchanges, and ends the session when those in flight are over. */
  readonly signal: AbortSignal;
  /** Called when a session is open, and when another has taken its place. */
  readonly onOpen: (connection: Connection) => void;
}

/** A session that is open. */
interface Open {
  readonly session: ModernSession;
  readonly transport: Channel["transport"];
  readonly welcome: Welcome;
}

export class ModernLink {
  readonly #options: LinkOptions;
  /** Sessions that are over, or gave way to a better one, and have exchanges in flight. */
  readonly #lingering = new Set<Promise<void>>();

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Resolves when no exchange is in flight any more; after the end of {@linkcode run}. */
  async whenIdle(): Promise<void> {
    await Promise.all(this.#lingering);
  }

  /** Until the session is lost, or `signal` aborts and all is over. Never rejects. */
  async run(baseUrl: string, { signal, onOpen }: RunOptions): Promise<ModernEnd> {
    const { working } = this.#options;
    let current = await this.#open(baseUrl, signal);
    if ("kind" in current) return current;
    tell(current, onOpen);
    let retryMs = CONTROL_RETRY_MS;
    for (;;) {
      const { session } = current;
      const better = await this.#wait(current, { baseUrl, retryMs, signal });
      if (better === "stopping") {
        await session.leave(working);
        return { kind: "lost", reason: "stopped" };
      }
      if (better === "retry_later") {
        retryMs = Math.min(2 * retryMs, MAX_CONTROL_RETRY_MS);
        continue;
      }
      if (typeof better === "string") {
        this.#linger(session.whenIdle());
        return { kind: "lost", reason: better };
      }
      this.#linger(session.leave(working));
      current = better;
      tell(current, onOpen);
    }
  }

  #linger(idle: Promise<void>): void {
    const lingering = idle.finally(() => this.#lingering.delete(lingering));
    this.#lingering.add(lingering);
  }

  /** What happens first: a stop, the session's end (its reason), or a better session. */
  async #wait(
    { session, transport }: Open,
    { baseUrl, retryMs, signal }: {
      readonly baseUrl: string;
      readonly retryMs: number;
      readonly signal: AbortSignal;
    },
  ): Promise<Open | string> {
    const { clock } = this.#options;
    const waiting = new AbortController();
    const over = session.over.finally(() => waiting.abort());
    const stopping = whenAborted(signal).then(() => "stopping");
    try {
      if (transport === "control channel") return await Promise.race([over, stopping]);
      const due = pause(clock, retryMs, AbortSignal.any([waiting.signal, signal])).then(() =>
        "due"
      );
      const first = await Promise.race([over, stopping, due]);
      if (first !== "due") return first;
      // These end the pause too, and may come after it.
      if (signal.aborted) return await stopping;
      if (waiting.signal.aborted) return await over;
      const better = await this.#openControl({ baseUrl, signal, successorOf: session.id });
      return "kind" in better ? "retry_later" : better;
    } finally {
      waiting.abort();
    }
  }

  async #open(baseUrl: string, signal: AbortSignal): Promise<Open | ModernEnd> {
    const control = await this.#openControl({ baseUrl, signal });
    if (!("kind" in control) || control.kind !== "blocked") return control;
    this.#options.log.info("No control channel: long polls are used", { reason: control.reason });
    const channel = await openPollChannel({ ...this.#options, baseUrl, signal });
    if ("kind" in channel) return channel;
    const session = new ModernSession(channel, { ...this.#options, baseUrl });
    channel.start(session, () => session.id);
    return await toOpen(session, channel);
  }

  async #openControl(
    options: Pick<ChannelOptions, "baseUrl" | "successorOf"> & { readonly signal: AbortSignal },
  ): Promise<Open | ChannelRefusal> {
    const { clock } = this.#options;
    const channel = await openControlChannel({ ...this.#options, ...options });
    if ("kind" in channel) return channel;
    const session = new ModernSession(channel, { ...this.#options, baseUrl: options.baseUrl });
    channel.start(session);
    const timer = clock.after(WELCOME_TIMEOUT_MS, () => {
      session.end("no welcome came");
      void session.close();
    });
    const open = await toOpen(session, channel);
    clock.clear(timer);
    return "kind" in open ? { kind: "blocked", reason: open.reason } : open;
  }
}

function tell({ session, transport, welcome }: Open, onOpen: RunOptions["onOpen"]): void {
  onOpen({ transport, host: welcome.host, path: session.path?.kind });
}

async function toOpen(
  session: ModernSession,
  { transport }: Channel,
): Promise<Open | ChannelRefusal> {
  try {
    return { session, transport, welcome: await session.welcome };
  } catch (error) {
    if (!(error instanceof ClosedError)) throw error;
    return { kind: "trouble", reason: error.message };
  }
}
