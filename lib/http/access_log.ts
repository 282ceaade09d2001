/**
 * One line per exchange: the Combined Log Format of Apache, or JSON. Nothing that a visitor sends
 * can forge a line or move a terminal's cursor: lines are ASCII without control characters.
 */

import type { Clock } from "../base/clock.ts";
import type { ObserveExchange } from "./exchange_observer.ts";
import { headerValue } from "./headers.ts";
import type { Delivery, HttpRequest } from "./message.ts";

export type AccessLogForm = "combined" | "json";

export interface AccessLogOptions {
  readonly form: AccessLogForm;
  readonly clock: Clock;
  /** The user whose password the request had; undefined where it had none. */
  readonly userOf: (request: HttpRequest) => string | undefined;
  /** Takes one finished line, without its line feed. */
  readonly write: (line: string) => void;
}

/** What a line tells. */
export interface AccessRecord {
  readonly request: Pick<
    HttpRequest,
    "method" | "target" | "headers" | "httpVersion" | "remoteAddress"
  >;
  readonly user: string | undefined;
  /** When the request's head had come, in milliseconds since 1970. */
  readonly time: number;
  readonly durationMs: number;
  /** Null where the visitor left before there was an answer. */
  readonly status: number | null;
  /** Of the answer's body. */
  readonly bytes: number;
  readonly delivery: Delivery;
}

/** Writes a line as each exchange ends. */
export function createAccessLog(
  { form, clock, userOf, write }: AccessLogOptions,
): ObserveExchange {
  const format = form === "json" ? formatJson : formatCombined;
  return ({ request, bytesSent }) => {
    const time = clock.now();
    const start = clock.monotonic();
    return (end) =>
      write(format({
        ...end,
        request,
        user: userOf(request),
        time,
        durationMs: clock.monotonic() - start,
        bytes: bytesSent(),
      }));
  };
}

/** What nginx writes for a visitor that left: the format has no other word for it. */
const STATUS_LEFT = 499;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`, in UTC. */
export function formatCombined(record: AccessRecord): string {
  const { method, target, httpVersion, headers, remoteAddress } = record.request;
  const quote = (text: string | undefined): string => `"${escapeBytes(text ?? "-")}"`;
  return [
    escapeBytes(remoteAddress) || "-",
    "-",
    record.user === undefined ? "-" : escapeBytes(toByteText(record.user)),
    `[${toLogTime(record.time)}]`,
    quote(`${method} ${target} HTTP/${httpVersion}`),
    record.status ?? STATUS_LEFT,
    record.bytes === 0 ? "-" : record.bytes,
    quote(headerValue(headers, "referer")),
    quote(headerValue(headers, "user-agent")),
  ].join(" ");
}

/** One object; times are RFC 3339, and what came over the wire has one character per byte. */
export function formatJson(record: AccessRecord): string {
  const { method, target, httpVersion, headers, remoteAddress } = record.request;
  const json = JSON.stringify({
    time: new Date(record.time).toISOString(),
    remote: remoteAddress,
    user: record.user ?? null,
    method,
    target,
    protocol: `HTTP/${httpVersion}`,
    status: record.status,
    bytes: record.bytes,
    duration_ms: Math.round(record.durationMs * 1000) / 1000,
    delivery: record.delivery,
    referer: headerValue(headers, "referer") ?? null,
    user_agent: headerValue(headers, "user-agent") ?? null,
  });
  return json.replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** `23/Nov/2026:07:51:38 +0000` */
function toLogTime(time: number): string {
  const [, year, month, day, clock] = /^(\d+)-(\d+)-(\d+)T([\d:]+)/
    .exec(new Date(time).toISOString()) ?? [];
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${clock} +0000`;
}

/** As Apache does: quotes and backslashes behind a backslash, other bytes as `\xNN`. */
function escapeBytes(text: string): string {
  return text.replace(/["\\]/g, "\\$&").replace(
    /[^\u0020-\u007e]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** One character per byte of UTF-8. */
function toByteText(text: string): string {
  return new TextEncoder().encode(text).reduce((all, byte) => all + String.fromCharCode(byte), "");
}
