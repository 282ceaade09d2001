/**
 * Cross-origin reading (Fetch §3.2). What is let in is reading without credentials: a page of
 * another origin learns no more than anyone would who asks without cookies and passwords, so all
 * fields may be shown to it, and all may be sent by it.
 */

import { headerValue } from "./headers.ts";
import type { HttpAnswer, RawHeaders } from "./message.ts";

/** How long a browser may remember what a preflight told it, in seconds: as long as any does. */
const PREFLIGHT_MAX_AGE_S = 86_400;

/**
 * The answer, readable by scripts of `origin`: `*` for all of them, or one origin as
 * `https://example.com`. It is the same for whoever asks, so it adds no Vary.
 */
export function allowOrigin(answer: HttpAnswer, origin: string): HttpAnswer {
  const headers = [
    ...answer.headers,
    "Access-Control-Allow-Origin",
    origin,
    "Access-Control-Expose-Headers",
    "*",
  ];
  return { ...answer, headers };
}

/** Whether an OPTIONS request asks on behalf of a script (Fetch §3.2.2). */
export function isPreflight(headers: RawHeaders): boolean {
  return headerValue(headers, "origin") !== undefined &&
    headerValue(headers, "access-control-request-method") !== undefined;
}

/** What a preflight is told beside {@linkcode allowOrigin}: all that may be sent. */
export function preflightHeaders(methods: string): RawHeaders {
  return [
    "Access-Control-Allow-Methods",
    methods,
    "Access-Control-Allow-Headers",
    "*",
    "Access-Control-Max-Age",
    String(PREFLIGHT_MAX_AGE_S),
  ];
}
