/**
 * Mixed traffic of visitors against a relay, or a proxy in front of one, every byte of which is
 * checked. What it finds are counts, and violations of what docs/semantics.md promises.
 */

import type { SeededRandom } from "./seeded_random.ts";
import {
  type TrafficFile,
  type VisitorKind,
  VISITORS,
  type VisitorTools,
  WEIGHTS,
} from "./traffic_kinds.ts";
import type { TrafficOutcome, VisitResult } from "./traffic_visit.ts";
import { VisitorConnection } from "./visitor_connection.ts";

/** Far more than any wait that is promised to end: docs/semantics.md has 20 s at the most. */
const HUNG_MS = 45_000;
const HUNG_CHECK_MS = 500;
/** Before a visitor comes again who found nobody, so that it makes no tight loop. */
const UNREACHED_PAUSE_MS = 20;

export interface TrafficOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Of the relay, or of what is in front of it. */
  readonly port: number;
  /** Of the server. */
  readonly name: string;
  /** Decides what visitors do; its seed is part of every exchange. */
  readonly random: SeededRandom;
  /** A file that the server serves beside; without one no ranges are asked for. */
  readonly file?: TrafficFile;
  /** Which visitors come; default: all kinds. */
  readonly kinds?: readonly VisitorKind[];
  /** An exchange on which nothing has moved for so long hangs; milliseconds. */
  readonly hungMs?: number;
  /** Told at once of each violation. */
  readonly onViolation?: (text: string) => void;
}

export interface TrafficReport {
  /** How many exchanges there were of each kind and outcome. */
  readonly kinds: Readonly<
    Partial<Record<VisitorKind | "probe", Partial<Record<TrafficOutcome, number>>>>
  >;
  /** Of all kinds. */
  readonly total: Readonly<Record<TrafficOutcome, number>>;
  /** How many exchanges were refused, by status and reason. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
}

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #bag: readonly VisitorKind[];
  readonly #kinds: Partial<Record<VisitorKind | "probe", Partial<Record<TrafficOutcome, number>>>> =
    {};
  readonly #refusals: Record<string, number> = {};
  readonly #violations: string[] = [];
  readonly #goodNumbers = new Set<number>();
  readonly #connections = new Map<VisitorConnection, VisitorKind | "probe">();
  readonly #loops = new Set<Promise<void>>();
  #lastNumber = 0;
  #isRunning = false;
  #hungTimer: ReturnType<typeof setInterval> | undefined;

  constructor(options: TrafficOptions) {
    this.#options = options;
    const kinds = options.kinds ?? Object.keys(VISITORS) as VisitorKind[];
    this.#bag = kinds
      .filter((kind) => kind !== "range of a file" || options.file !== undefined)
      .flatMap((kind) => Array.from({ length: WEIGHTS[kind] }, () => kind));
  }

  /** Lets so many visitors come, one after the other each, until {@linkcode stop}. */
  start(concurrency: number): void {
    this.#isRunning = true;
    this.#watch();
    for (let i = 0; i < concurrency; i++) this.#add(this.#loop(this.#options.random.fork()));
  }

  /** Lets nobody come any more; resolves when all have their answers, or hang and are cut. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    while (this.#loops.size > 0) await Promise.all(this.#loops);
    clearInterval(this.#hungTimer);
    this.#hungTimer = undefined;
  }

  /** Asks again and again until a good answer comes; returns how long that took, in milliseconds. */
  async untilGood(): Promise<number> {
    const begin = performance.now();
    this.#watch();
    const before = this.#count("probe", "ok");
    while (this.#count("probe", "ok") === before) {
      await VISITORS["small GET"](this.#toTools("probe", this.#options.random));
      if (this.#count("probe", "ok") === before) await pause(UNREACHED_PAUSE_MS);
    }
    return performance.now() - begin;
  }

  /** Numbers of exchanges that had a good answer, and so must have been delivered. */
  get goodNumbers(): ReadonlySet<number> {
    return this.#goodNumbers;
  }

  report(): TrafficReport {
    const total = { ok: 0, refused: 0, cut: 0, unreached: 0, left: 0, violation: 0 };
    for (const counts of Object.values(this.#kinds)) {
      for (const [outcome, count] of Object.entries(counts)) {
        total[outcome as TrafficOutcome] += count;
      }
    }
    return {
      kinds: structuredClone(this.#kinds),
      total,
      refusals: { ...this.#refusals },
      violations: [...this.#violations],
    };
  }

  #add(loop: Promise<void>): void {
    this.#loops.add(loop);
    void loop.finally(() => this.#loops.delete(loop));
  }

  async #loop(random: SeededRandom): Promise<void> {
    while (this.#isRunning) {
      const kind = random.pick(this.#bag);
      const unreached = this.#count(kind, "unreached");
      await VISITORS[kind](this.#toTools(kind, random));
      if (this.#count(kind, "unreached") > unreached) await pause(UNREACHED_PAUSE_MS);
    }
  }

  #toTools(kind: VisitorKind | "probe", random: SeededRandom): VisitorTools {
    const { name, file } = this.#options;
    return {
      random,
      prefix: `/servers/${name}`,
      seed: this.#options.random.seed,
      file,
      open: () => this.#open(kind),
      nextNumber: () => ++this.#lastNumber,
      note: (number, result) => this.#note(kind, number, result),
    };
  }

  async #open(kind: VisitorKind | "probe"): Promise<VisitorConnection | undefined> {
    const { host = "127.0.0.1", port } = this.#options;
    const connection = new VisitorConnection({ host, port });
    this.#connections.set(connection, kind);
    void connection.closed.then(() => this.#connections.delete(connection));
    if (await connection.connected) return connection;
    await connection.closed;
    return undefined;
  }

  #note(kind: VisitorKind | "probe", number: number, { outcome, detail = "" }: VisitResult): void {
    const counts = this.#kinds[kind] ??= {};
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (outcome === "ok" && number > 0) this.#goodNumbers.add(number);
    if (outcome === "refused") this.#refusals[detail] = (this.#refusals[detail] ?? 0) + 1;
    if (outcome === "violation") this.#violate(`${kind}, exchange ${number}: ${detail}`);
  }

  #violate(text: string): void {
    this.#violations.push(text);
    this.#options.onViolation?.(text);
  }

  #count(kind: VisitorKind | "probe", outcome: TrafficOutcome): number {
    return this.#kinds[kind]?.[outcome] ?? 0;
  }

  #watch(): void {
    const { hungMs = HUNG_MS } = this.#options;
    this.#hungTimer ??= setInterval(() => {
      const oldest = performance.now() - hungMs;
      for (const [connection, kind] of this.#connections) {
        if (connection.progressAt >= oldest) continue;
        this.#violate(
          `${kind} hangs: nothing has moved for ${hungMs} ms (${connection.state})`,
        );
        connection.leave("reset");
      }
    }, HUNG_CHECK_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
