/** One exchange of the traffic as its visitor sees it, each byte checked. */

import { SINK_ANSWER } from "./traffic_handler.ts";
import {
  toTrafficPath,
  TrafficBytes,
  TrafficCheck,
  type TrafficExchange,
} from "./traffic_exchange.ts";
import type { AnswerHead } from "./answer_reader.ts";
import type { AnswerEnd, VisitorConnection } from "./visitor_connection.ts";

const PIECE_BYTES = 16 * 1024;

export type TrafficOutcome =
  /** The whole answer came, and was right. */
  | "ok"
  /** The relay or the server said, as `Proxy-Status`, why there is none. */
  | "refused"
  /** The connection broke before the answer was whole, and nobody could take it for whole. */
  | "cut"
  /** There was nobody to connect to. */
  | "unreached"
  /** The visitor went away itself. */
  | "left"
  | "violation";

export interface VisitResult {
  readonly outcome: TrafficOutcome;
  /** What was wrong, or why it was refused. */
  readonly detail?: string;
  /** Whether the connection may carry another exchange. */
  readonly isReusable?: boolean;
}

/** What is asked, beside what both ends know of an exchange. */
export interface TrafficVisit {
  readonly exchange: TrafficExchange;
  readonly method: string;
  /** Before the path; does not end with a slash. */
  readonly prefix: string;
  /** A range of a file instead: its path behind the prefix, and where the range begins. */
  readonly file?: { readonly path: string; readonly from: number };
  /** How the body that goes up tells its length; without one nothing goes up. */
  readonly upload?: "length" | "chunked";
  /** Read so many bytes, then pause; milliseconds. */
  readonly pauseMs?: number;
  /** The visitor leaves when it has read, or has sent, so many bytes. */
  readonly leaveAfter?: { readonly bytes: number; readonly how: "reset" | "end" };
}

/** Carries an exchange out on a connection, which it does not close unless the visitor leaves. */
export async function visitTraffic(
  connection: VisitorConnection,
  visit: TrafficVisit,
): Promise<VisitResult> {
  const { method, upload } = visit;
  const answer = new AnswerCheck(visit);
  let hasLeft = false;
  const leaveAt = (bytes: number): void => {
    if (visit.leaveAfter === undefined || bytes < visit.leaveAfter.bytes || hasLeft) return;
    hasLeft = true;
    connection.leave(visit.leaveAfter.how);
  };
  await connection.send(toHead(visit));
  const sending = upload === undefined
    ? Promise.resolve()
    : sendUpload(connection, visit, leaveAt, () => answer.isRefused);
  const end = await connection.read(method, {
    head: (head) => answer.takeHead(head),
    body: (bytes) => {
      answer.takeBody(bytes);
      leaveAt(answer.length);
      return visit.pauseMs === undefined ? undefined : pause(visit.pauseMs);
    },
  });
  const isSent = await Promise.race([sending.then(() => true), nextTurn().then(() => false)]);
  if (hasLeft) return answer.fault === undefined ? { outcome: "left" } : violation(answer.fault);
  return judge(visit, { end, answer, isSent });
}

/** The same for bytes on a connection that was switched. */
export async function visitSocket(
  connection: VisitorConnection,
  { exchange, prefix }: Pick<TrafficVisit, "exchange" | "prefix">,
): Promise<VisitResult> {
  const fields = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
  await connection.send(
    toHead({ exchange, prefix, method: "GET" }, [
      ...fields,
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]),
  );
  const answer = new AnswerCheck({ exchange });
  const end = await connection.read("GET", {
    head: (head) => answer.takeHead(head),
    body: (bytes) => answer.takeBody(bytes),
  });
  if (end.how !== "complete" || end.head.status !== 101) {
    return judge({ exchange, prefix, method: "GET" }, { end, answer, isSent: true });
  }
  const bytes = new TrafficBytes(exchange, "up");
  const check = new TrafficCheck(bytes);
  // Said bit by bit, and heard before the next bit is said.
  while (check.offset < exchange.length) {
    const until = Math.min(check.offset + PIECE_BYTES / 4, exchange.length);
    await connection.send(bytes.slice(check.offset, until - check.offset));
    const isThere = await connection.readBytes(
      (chunk) => check.push(chunk),
      () => check.offset >= until,
    );
    if (check.fault !== undefined) return violation(`upgrade: ${check.fault}`);
    if (!isThere) return { outcome: "cut" };
  }
  if (check.offset > exchange.length) return violation("upgrade: more came back than was said");
  return { outcome: "ok" };
}

/** Follows an answer. */
class AnswerCheck {
  readonly #check: TrafficCheck;
  readonly #isSink: boolean;
  readonly #goodStatus: number;
  #isGood = false;
  #length = 0;
  #text = "";

  constructor({ exchange, file }: Pick<TrafficVisit, "exchange" | "file">) {
    this.#isSink = exchange.kind === "sink";
    this.#goodStatus = file === undefined ? 200 : 206;
    const direction = exchange.kind === "echo" ? "up" : "down";
    this.#check = new TrafficCheck(new TrafficBytes(exchange, direction), file?.from);
  }

  /** Whether an answer of this status brings what was asked for. */
  isGood(status: number): boolean {
    return status === this.#goodStatus;
  }

  /** True once a head has come that brings no answer of the origin. */
  isRefused = false;

  get length(): number {
    return this.#length;
  }

  /** What was wrong so far with the bytes of a good answer. */
  get fault(): string | undefined {
    return this.#isGood && !this.#isSink ? this.#check.fault : undefined;
  }

  /** Of an answer that is short, and no bytes of the traffic. */
  get text(): string {
    return this.#text;
  }

  takeHead({ status }: AnswerHead): void {
    this.#isGood = this.isGood(status);
    this.isRefused = !this.#isGood && status !== 101;
  }

  takeBody(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (this.#isGood && !this.#isSink) this.#check.push(bytes);
    else if (this.#text.length < 200) this.#text += String.fromCharCode(...bytes.slice(0, 200));
  }
}

function judge(
  { exchange, method }: TrafficVisit,
  { end, answer, isSent }: {
    readonly end: AnswerEnd;
    readonly answer: AnswerCheck;
    readonly isSent: boolean;
  },
): VisitResult {
  if (answer.fault !== undefined) return violation(`answer is corrupted: ${answer.fault}`);
  if (end.how === "malformed") return violation(`answer is malformed: ${end.reason}`);
  if (end.how === "cut") return { outcome: "cut" };
  const { status, fields } = end.head;
  const reason = fields.get("proxy-status");
  if (reason !== undefined) {
    const isKnown = /^ptth_(?:relay|server); error=[a-z_]+$/.test(reason);
    if (!isKnown || ![502, 503, 504].includes(status)) return unexpected(end.head, answer.text);
    return { outcome: "refused", detail: `${status} ${reason}`, isReusable: false };
  }
  if (!answer.isGood(status)) return unexpected(end.head, answer.text);
  const isReusable = isSent && fields.get("connection")?.toLowerCase() !== "close";
  const length = method === "HEAD" ? Number(fields.get("content-length")) : answer.length;
  if (exchange.kind === "sink") {
    return answer.text === SINK_ANSWER
      ? { outcome: "ok", isReusable }
      : violation(`answer is ${JSON.stringify(answer.text)}`);
  }
  if (length !== exchange.length) {
    const count = `${length} of ${exchange.length} bytes`;
    return violation(`answer was cut and looks complete: ${count}`);
  }
  return { outcome: "ok", isReusable };
}

function violation(detail: string): VisitResult {
  return { outcome: "violation", detail };
}

function unexpected({ status }: AnswerHead, text: string): VisitResult {
  return violation(`answer is ${status} ${JSON.stringify(text)}`);
}

function toHead(
  { exchange, method, prefix, upload, file }: TrafficVisit,
  fields: readonly string[] = [],
): string {
  const path = file?.path ?? toTrafficPath(exchange);
  const lines = [`${method} ${prefix}${path} HTTP/1.1`, "Host: relay.test", ...fields];
  if (file !== undefined) {
    lines.push(`Range: bytes=${file.from}-${file.from + exchange.length - 1}`);
  }
  if (upload === "length") lines.push(`Content-Length: ${exchange.length}`);
  if (upload === "chunked") lines.push("Transfer-Encoding: chunked");
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Sends the body, up to where the visitor leaves, or the answer is known to be none. */
async function sendUpload(
  connection: VisitorConnection,
  { exchange, upload }: TrafficVisit,
  leaveAt: (bytes: number) => void,
  isRefused: () => boolean,
): Promise<void> {
  const bytes = new TrafficBytes(exchange, "up");
  for (let at = 0; at < exchange.length && !isRefused();) {
    const piece = bytes.slice(at, Math.min(PIECE_BYTES, exchange.length - at));
    if (upload === "length") await connection.send(piece);
    else {
      await connection.send(`${piece.length.toString(16)}\r\n`);
      await connection.send(piece);
      await connection.send("\r\n");
    }
    at += piece.length;
    leaveAt(at);
  }
  if (upload === "chunked" && !isRefused()) await connection.send("0\r\n\r\n");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
