/** The registry against a model of it, through any number of configurations. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { toTripcode } from "../../lib/auth/tripcode.ts";
import { Registry } from "../../lib/relay/registry.ts";
import type { Taker } from "../../lib/relay/server_queue.ts";
import { ManualClock } from "../support/manual_clock.ts";

const NAMES = ["alpha", "Beta", "gamma-1"] as const;
const KEYS = ["key one", "key two", ""] as const;

type Name = typeof NAMES[number];

/** A name and the key whose tripcode it is configured with. */
interface Entry {
  readonly name: Name;
  readonly key: string;
}

/** What is configured, and who of those that connected is still welcome. */
interface Model {
  entries: readonly Entry[];
  /** By the number of the taker. */
  readonly connected: Map<number, Entry>;
  count: number;
}

class Real {
  readonly clock = new ManualClock();
  readonly registry = new Registry(this.clock, []);
  /** Numbers of takers that were told to go, in order. */
  readonly revoked: number[] = [];

  update(entries: readonly Entry[]): void {
    this.registry.update(entries.map(({ name, key }) => ({
      name,
      tripcode: toTripcode(key),
      displayName: name,
    })));
  }
}

/** A new configuration, as a file has it: each name once. */
class Update implements fc.Command<Model, Real> {
  constructor(readonly entries: readonly Entry[]) {}

  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): void {
    real.revoked.length = 0;
    real.update(this.entries);
    const isKept = ({ name, key }: Entry): boolean =>
      this.entries.some((entry) => entry.name === name && entry.key === key);
    const gone = [...model.connected].filter(([, entry]) => !isKept(entry)).map(([at]) => at);
    for (const at of gone) model.connected.delete(at);
    // Each is told once, and nobody else is.
    assertEquals(real.revoked.toSorted((a, b) => a - b), gone.toSorted((a, b) => a - b));
    model.entries = this.entries;
    assertEquals(
      real.registry.servers.map(({ name }) => name),
      this.entries.map(({ name }): string => name).sort(),
    );
  }

  toString(): string {
    return `update(${this.entries.map(({ name, key }) => `${name}=${key}`).join(", ")})`;
  }
}

/** A process comes with a name and a key. */
class Connect implements fc.Command<Model, Real> {
  constructor(readonly name: string, readonly key: string) {}

  check(): boolean {
    return true;
  }

  run(model: Model, real: Real): void {
    const entry = model.entries.find(({ name }) => name === this.name);
    const server = real.registry.authenticate(this.name, this.key);
    assertEquals(server !== undefined, entry !== undefined && entry.key === this.key);
    assertEquals(real.registry.find(this.name)?.name, entry?.name);
    const label = this.name.toLowerCase();
    const ofLabel = model.entries.find(({ name }) => name.toLowerCase() === label);
    assertEquals(real.registry.findByHost(label)?.name, ofLabel?.name);
    if (server === undefined || entry === undefined) return;
    real.registry.see(server);
    assertEquals(real.registry.find(this.name)?.lastSeen, real.clock.now());
    const at = model.count++;
    const taker: Taker = {
      isReady: false,
      rank: 0,
      load: 0,
      take: () => {},
      stop: () => {},
      revoke: () => void real.revoked.push(at),
    };
    server.queue.attach(taker);
    model.connected.set(at, entry);
  }

  toString(): string {
    return `connect(${this.name}, ${this.key})`;
  }
}

Deno.test("model: whoever is configured with a key is let in with it, whoever no longer is, is told once", () => {
  const entry = fc.record({ name: fc.constantFrom(...NAMES), key: fc.constantFrom(...KEYS) });
  const configuration = fc.uniqueArray(entry, { selector: ({ name }) => name });
  const names = fc.constantFrom(...NAMES, "nosuch", "ALPHA", "%61lpha2");
  const commands = fc.commands([
    configuration.map((entries) => new Update(entries)),
    fc.tuple(names, fc.constantFrom(...KEYS, "wrong")).map(([name, key]) => new Connect(name, key)),
  ], { maxCommands: 60 });
  fc.assert(
    fc.property(commands, (run) => {
      const real = new Real();
      fc.modelRun(() => ({
        model: { entries: [], connected: new Map(), count: 0 },
        real,
      }), run);
      assert(real.clock.pendingCount === 0, "no timer is left");
    }),
    { numRuns: 300 },
  );
});
