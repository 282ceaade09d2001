/** The sessions that are open, by their ids. */

import type { Clock } from "../base/clock.ts";
import { CHANNEL_SILENCE_MS, MAX_SESSIONS_PER_SERVER } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { SilenceWatch } from "../http/silence_watch.ts";
import { createId } from "../wire/create_id.ts";
import type { RegisteredServer } from "./registry.ts";
import { type Channel, Session, type SessionEnd } from "./session.ts";

export interface SessionsOptions {
  readonly clock: Clock;
  readonly log: Logger;
}

/** Who opens a session. */
export interface Opener {
  readonly server: RegisteredServer;
  /** The id of the process. */
  readonly process: string;
  /** A session of the process that it has not lost, and that is to give way. */
  readonly successorOf: string | undefined;
}

export class Sessions {
  /** Looks after channels, and after streams whose session is lost. */
  readonly silence: SilenceWatch;
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<string, Session>();

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.silence = new SilenceWatch(options.clock, CHANNEL_SILENCE_MS);
  }

  /** Undefined where there is no such session any more. */
  find(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** Those of one server. */
  of(name: string): readonly Session[] {
    return [...this.#sessions.values()].filter((session) => session.server.name === name);
  }

  /**
   * Opens a session for a process. One that the process had before ends: at once, since it has lost
   * it, unless it is leaving, or named as the one to take over from in good order. "full" where the
   * server has as many as it may.
   */
  open(
    { server, process, successorOf }: Opener,
    openChannel: (session: Session) => Channel,
  ): Session | "full" {
    const others = this.of(server.name);
    const before = others.filter((other) => other.process === process && !other.isLeaving);
    if (others.length - before.length >= MAX_SESSIONS_PER_SERVER) return "full";
    for (const session of before) {
      if (session.id === successorOf) session.stop();
      else session.end("replaced");
    }
    const { name, tripcode, displayName, queue } = server;
    const session = new Session({
      ...this.#options,
      id: createId(),
      process,
      server: { name, tripcode, displayName },
      queue,
      silence: this.silence,
      onOver: (over, end) => this.#close(over, end),
    }, openChannel);
    this.#sessions.set(session.id, session);
    return session;
  }

  /** Ends all of them; what they have goes on for as long as it moves. */
  endAll(end: SessionEnd): void {
    for (const session of [...this.#sessions.values()]) session.end(end);
  }

  #close(session: Session, end: SessionEnd): void {
    this.#sessions.delete(session.id);
    this.#options.log.info("Server disconnected", {
      name: session.server.name,
      transport: session.channel.transport,
      reason: end,
    });
  }
}
