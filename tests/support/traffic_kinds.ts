/** What the visitors of the traffic do: each of these is one visitor from its coming to its going. */

import type { SeededRandom } from "./seeded_random.ts";
import type { TrafficExchange } from "./traffic_exchange.ts";
import { type TrafficVisit, type VisitResult, visitSocket, visitTraffic } from "./traffic_visit.ts";
import type { VisitorConnection } from "./visitor_connection.ts";

const KIB = 1024;
const MIB = 1024 * 1024;

/** A file that the server serves, whose bytes are those of exchange 0, downwards. */
export interface TrafficFile {
  /** Behind the prefix. */
  readonly path: string;
  readonly length: number;
}

/** The exchange whose bytes the file has. */
export const FILE_EXCHANGE_NUMBER = 0;

/** What a visitor needs. */
export interface VisitorTools {
  readonly random: SeededRandom;
  /** What stands before all paths; does not end with a slash. */
  readonly prefix: string;
  readonly seed: number;
  readonly file: TrafficFile | undefined;
  /** A connection of its own; undefined if there is nobody to connect to. */
  open(): Promise<VisitorConnection | undefined>;
  /** A number that no other exchange has. */
  nextNumber(): number;
  /** Notes what came of an exchange. */
  note(number: number, result: VisitResult): void;
}

type Visitor = (tools: VisitorTools) => Promise<void>;

/** By what a report calls them; how often each comes stands in {@linkcode WEIGHTS}. */
export const VISITORS = {
  "small GET": (tools) => visitOnce(tools, { length: tools.random.integer(0, 2 * KIB) }),

  "medium GET": (tools) => visitOnce(tools, { length: tools.random.integer(20 * KIB, 300 * KIB) }),

  "big chunked GET": (tools) =>
    visitOnce(tools, { length: tools.random.integer(MIB / 2, 3 * MIB), isChunked: true }),

  "HEAD": (tools) =>
    visitOnce(tools, { length: tools.random.integer(1, 300 * KIB) }, { method: "HEAD" }),

  "POST with length": (tools) => visitOnce(tools, toUploadOf(tools), { upload: "length" }),

  "PUT chunked": (tools) =>
    visitOnce(tools, toUploadOf(tools), { method: "PUT", upload: "chunked" }),

  "range of a file": (tools) => {
    const { random, file } = tools;
    if (file === undefined) return Promise.resolve();
    const from = random.integer(0, file.length - 1);
    const length = random.integer(1, Math.min(file.length - from, 200 * KIB));
    const exchange = { length, number: FILE_EXCHANGE_NUMBER };
    return visitOnce(tools, exchange, { file: { path: file.path, from } });
  },

  "trickling events": (tools) =>
    visitOnce(tools, { kind: "events", length: tools.random.integer(100, 2000) }),

  "upgrade": (tools) => visitUpgrade(tools),

  "leaves early": (tools) => {
    const { random } = tools;
    const how = random.pick(["reset", "end"] as const);
    const length = random.integer(100 * KIB, MIB);
    const leaveAfter = { bytes: random.integer(1, 99 * KIB), how };
    const kind = random.pick(["answer", "sink"] as const);
    const isChunked = random.chance(0.5);
    return visitOnce(tools, { kind, length, isChunked }, {
      leaveAfter,
      ...kind === "sink" ? { upload: isChunked ? "chunked" : "length" } : {},
    });
  },

  "slow reader": (tools) =>
    visitOnce(tools, { length: tools.random.integer(100 * KIB, MIB) }, { pauseMs: 20 }),

  "kept connection": (tools) => visitOften(tools, tools.random.integer(2, 6)),
} as const satisfies Readonly<Record<string, Visitor>>;

export type VisitorKind = keyof typeof VISITORS;

/** Of so many visitors in all, each kind makes up so many. */
export const WEIGHTS: Readonly<Record<VisitorKind, number>> = {
  "small GET": 30,
  "medium GET": 10,
  "big chunked GET": 3,
  "HEAD": 5,
  "POST with length": 10,
  "PUT chunked": 10,
  "range of a file": 5,
  "trickling events": 4,
  "upgrade": 6,
  "leaves early": 6,
  "slow reader": 3,
  "kept connection": 12,
};

function toUploadOf({ random }: VisitorTools): Partial<TrafficExchange> {
  // Those that fit into a message, and those that become streams.
  const length = random.integer(0, random.chance(0.5) ? 12 * KIB : 400 * KIB);
  return { kind: random.pick(["echo", "sink"] as const), length };
}

type VisitChanges = Omit<TrafficVisit, "exchange" | "prefix" | "method"> & {
  readonly method?: string;
};

function toExchange(tools: VisitorTools, changes: Partial<TrafficExchange>): TrafficExchange {
  return {
    kind: "answer",
    seed: tools.seed,
    number: changes.number ?? tools.nextNumber(),
    length: 0,
    isChunked: false,
    ...changes,
  };
}

async function visitOnce(
  tools: VisitorTools,
  changes: Partial<TrafficExchange>,
  { method, ...visit }: VisitChanges = {},
): Promise<void> {
  const exchange = toExchange(tools, changes);
  await onConnection(tools, exchange, (connection) =>
    visitTraffic(connection, {
      exchange,
      prefix: tools.prefix,
      method: method ?? (visit.upload === undefined ? "GET" : "POST"),
      ...visit,
    }));
}

async function visitUpgrade(tools: VisitorTools): Promise<void> {
  const length = tools.random.integer(1, 40 * KIB);
  const exchange = toExchange(tools, { kind: "socket", length });
  await onConnection(
    tools,
    exchange,
    (connection) => visitSocket(connection, { exchange, prefix: tools.prefix }),
  );
}

async function onConnection(
  tools: VisitorTools,
  exchange: TrafficExchange,
  visit: (connection: VisitorConnection) => Promise<VisitResult>,
): Promise<void> {
  const connection = await tools.open();
  if (connection === undefined) return tools.note(exchange.number, { outcome: "unreached" });
  tools.note(exchange.number, await visit(connection));
  connection.leave("end");
  await connection.closed;
}

/** Several exchanges, one after the other, with and without bodies. */
async function visitOften(tools: VisitorTools, count: number): Promise<void> {
  const { random, prefix } = tools;
  const connection = await tools.open();
  if (connection === undefined) {
    return tools.note(tools.nextNumber(), { outcome: "unreached" });
  }
  for (let i = 0; i < count; i++) {
    const hasUpload = random.chance(0.4);
    const upload = random.pick(["length", "chunked"] as const);
    const exchange = toExchange(tools, {
      kind: hasUpload ? random.pick(["echo", "sink"] as const) : "answer",
      length: random.integer(0, random.chance(0.7) ? 4 * KIB : 100 * KIB),
      isChunked: random.chance(0.5),
    });
    const result = await visitTraffic(connection, {
      exchange,
      prefix,
      method: hasUpload ? "POST" : "GET",
      ...hasUpload ? { upload } : {},
    });
    tools.note(exchange.number, result);
    if (result.isReusable !== true) break;
  }
  connection.leave("end");
  await connection.closed;
}
