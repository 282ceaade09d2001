/** What happened lately, for the operator; bounded, in memory. */

import type { Clock } from "../base/clock.ts";
import { MAX_AUDIT_EVENTS, MAX_UNREGISTERED_SERVERS } from "../base/limits.ts";

export interface AuditEvent {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Who was at it: "visitor 192.0.2.1", "server alpha", "scraper x", "relay". */
  readonly who: string;
  /** What they did, in a few words; may hold anything a peer sent. */
  readonly what: string;
}

export class AuditLog {
  readonly #clock: Clock;
  readonly #events: AuditEvent[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Newest first. */
  get events(): readonly AuditEvent[] {
    return this.#events.toReversed();
  }

  add(who: string, what: string): void {
    this.#events.push({ time: this.#clock.now(), who, what });
    if (this.#events.length > MAX_AUDIT_EVENTS) this.#events.shift();
  }
}

/** A name that polled and is not in the configuration. */
export interface UnregisteredServer {
  readonly name: string;
  /** The tripcode of the key that it came with. */
  readonly tripcode: string;
  /** When it polled last, in ms since 1970. */
  readonly lastSeen: number;
}

export class UnregisteredServers {
  readonly #clock: Clock;
  /** By name and tripcode, oldest first. */
  readonly #servers = new Map<string, UnregisteredServer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Newest first. */
  get servers(): readonly UnregisteredServer[] {
    return [...this.#servers.values()].reverse();
  }

  add(name: string, tripcode: string): void {
    const key = `${tripcode} ${name}`;
    this.#servers.delete(key);
    this.#servers.set(key, { name, tripcode, lastSeen: this.#clock.now() });
    if (this.#servers.size <= MAX_UNREGISTERED_SERVERS) return;
    const [oldest] = this.#servers.keys();
    if (oldest !== undefined) this.#servers.delete(oldest);
  }
}
