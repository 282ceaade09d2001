/** The servers that the configuration allows, each with its queue. */

import { Buffer } from "node:buffer";
import { matchesTripcode } from "../auth/tripcode.ts";
import type { Clock } from "../base/clock.ts";
import { ClassicDesk } from "./classic_desk.ts";
import { ServerQueue } from "./server_queue.ts";

/** A server as the configuration has it; declared here too, since this layer knows no files. */
export interface ServerEntry {
  readonly name: string;
  readonly tripcode: string;
  readonly displayName: string;
}

/** A server that is allowed to connect, connected or not. */
export interface RegisteredServer extends ServerEntry {
  readonly queue: ServerQueue;
  /** Where its classic polls come in. */
  readonly desk: ClassicDesk;
  /** When it last asked for work, in ms since 1970; null if never since the relay started. */
  readonly lastSeen: number | null;
}

export class Registry {
  readonly #clock: Clock;
  #servers = new Map<string, { -readonly [K in keyof RegisteredServer]: RegisteredServer[K] }>();

  #byLabel: ReadonlyMap<string, RegisteredServer> = new Map();

  constructor(clock: Clock, entries: readonly ServerEntry[]) {
    this.#clock = clock;
    this.update(entries);
  }

  /** Sorted by display name. */
  get servers(): readonly RegisteredServer[] {
    return [...this.#servers.values()].sort((a, b) => compare(a.displayName, b.displayName));
  }

  /** `name` may still be percent-encoded. */
  find(name: string): RegisteredServer | undefined {
    return this.#servers.get(name) ?? this.#servers.get(decodeName(name));
  }

  /** By the label of a host name, which has no upper case. */
  findByHost(label: string): RegisteredServer | undefined {
    return this.#byLabel.get(label);
  }

  /** The server that this name and key belong to. `key` has one character per byte. */
  authenticate(name: string, key: string): RegisteredServer | undefined {
    const server = this.find(name);
    if (server === undefined) return undefined;
    return matchesTripcode(Buffer.from(key, "latin1"), server.tripcode) ? server : undefined;
  }

  /** A server asks for work. */
  see({ name }: Pick<ServerEntry, "name">): void {
    const server = this.#servers.get(name);
    if (server !== undefined) server.lastSeen = this.#clock.now();
  }

  /** Takes a new list. Servers that stay keep their queue; others, and who waits for them, do not. */
  update(entries: readonly ServerEntry[]): void {
    const before = this.#servers;
    this.#servers = new Map(entries.map((entry) => {
      const old = before.get(entry.name);
      const kept = old?.tripcode === entry.tripcode ? old : undefined;
      const queue = kept?.queue ?? new ServerQueue();
      const desk = kept?.desk ?? new ClassicDesk(this.#clock, queue);
      return [entry.name, { ...entry, queue, desk, lastSeen: kept?.lastSeen ?? null }];
    }));
    this.#byLabel = new Map(
      [...this.#servers.values()].map((server) => [server.name.toLowerCase(), server]),
    );
    for (const { name, queue } of before.values()) {
      if (this.#servers.get(name)?.queue !== queue) queue.revoke();
    }
  }
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // Not valid percent-encoding: then it is no name of ours either.
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
