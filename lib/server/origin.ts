/**
 * Forwards visitors' requests to an origin, a local web application, and its answers back. Whatever
 * a target says, nothing but the configured address is ever connected to.
 */

import type { Agent } from "node:http";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { toMessage } from "../base/errors.ts";
import { ORIGIN_IDLE_MS } from "../base/limits.ts";
import type { OriginAddress } from "../base/origin_url.ts";
import { endToEndHeaders, headerPairs, headerValue, headerValues } from "../http/headers.ts";
import { hostOf, isLoopbackHost } from "../http/host.ts";
import type { Handler, HttpRequest, RawHeaders } from "../http/message.ts";
import { staysBelow } from "../http/path_reading.ts";
import { moveBelowPrefix, type PublicPlace } from "../http/prefix_rewrite.ts";
import { SilenceWatch } from "../http/silence_watch.ts";
import { parseTarget } from "../http/target.ts";
import { textAnswer } from "../http/text_answer.ts";
import { QUERY_HEADER } from "../wire/classic.ts";
import { createAgent } from "./connection_agent.ts";
import { openOriginConnection, type OriginConnectionOptions } from "./origin_connection.ts";
import { originFailureAnswer, toOriginFailure } from "./origin_failure.ts";
import { sendToOrigin } from "./origin_request.ts";
import { createTrust } from "./trusted_certificates.ts";
import { UnreachableError } from "../client/unreachable_error.ts";

/** A local web application, as the configuration has it. */
export interface OriginConfig {
  /** What visitors ask for behind the server's name; begins and ends with `/`. */
  readonly path: string;
  readonly address: OriginAddress;
  /** Whether the origin is asked without `path`, as if that was its root. */
  readonly stripsPath: boolean;
  /** What it gets as Host: the visitor's, its own, or this one. */
  readonly host: "preserve" | "origin" | { readonly authority: string };
  /** PEM certificates that its own may be signed by, beside the system's. */
  readonly certificates: readonly string[];
  /** Takes any certificate. */
  readonly isInsecure: boolean;
  /** 0 for no limit. */
  readonly connectTimeoutMs: number;
  /** Longest silence while bytes of the origin are waited for; 0 for no limit. */
  readonly silenceTimeoutMs: number;
}

export interface Origin {
  /** Begins and ends with `/`. */
  readonly path: string;
  readonly answer: Handler;
  /** Closes idle connections. */
  close(): void;
}

/** An origin that can be asked; connects when it is. */
export function createOrigin(
  config: OriginConfig,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Origin {
  const { address, path } = config;
  const trust = createTrust(config.certificates);
  const connection: Omit<OriginConnectionOptions, "signal" | "allowHalfOpen"> = {
    clock,
    timeoutMs: config.connectTimeoutMs,
    trust,
    isInsecure: config.isInsecure,
  };
  const open = (signal: AbortSignal, allowHalfOpen: boolean): ReturnType<
    typeof openOriginConnection
  > => openOriginConnection(address, { ...connection, signal, allowHalfOpen });
  const pool = createAgent((signal) => open(signal, false), { idleMs: ORIGIN_IDLE_MS });
  /** For a connection that will not come back. */
  const once = (): Agent => createAgent((signal) => open(signal, true), { idleMs: 0 });
  const silence = new SilenceWatch(clock, config.silenceTimeoutMs || Infinity);
  return {
    path,
    close: () => pool.destroy(),
    answer: async (request) => {
      const target = toOriginTarget(request.target, config);
      if (target === undefined) {
        return textAnswer(400, "The target is malformed, or leaves the application's path");
      }
      const place = toPlace(request, config);
      try {
        return await sendToOrigin(request, {
          agent: request.upgrade === null ? pool : once(),
          target,
          headers: toOriginHeaders(request, config),
          toVisitorHeaders: (headers) => moveBelowPrefix(endToEndHeaders(headers), place),
          silence: config.silenceTimeoutMs === 0 ? undefined : silence,
          clock,
          peer: `origin "${address.text}"`,
        });
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        // A visitor who leaves is no fault of the origin's; the body may show it before the signal.
        if (!request.signal.aborted && error.kind !== "body") {
          log.warn("Origin failed", { origin: address.text, reason: toMessage(error) });
        }
        return originFailureAnswer(toOriginFailure(error));
      }
    },
  };
}

/**
 * The target that the origin gets; undefined for one that is no path, or that reads as one outside
 * of the origin's own.
 */
function toOriginTarget(
  target: string,
  { path, address, stripsPath }: OriginConfig,
): string | undefined {
  const parts = parseTarget(target);
  if (parts.kind !== "origin") return undefined;
  if (!parts.path.startsWith(path) || !staysBelow(parts.path, path.slice(0, -1))) return undefined;
  const rest = stripsPath ? parts.path.slice(path.length) : parts.path.slice(1);
  return address.basePath + rest + parts.query;
}

/** Where visitors see what the origin calls `/`. */
function toPlace(request: HttpRequest, config: OriginConfig): PublicPlace {
  const prefix = config.stripsPath ? config.path.slice(0, -1) : "";
  const forwarded = headerValue(request.headers, "x-forwarded-prefix") ?? "";
  // Where a reverse proxy on the way changes Host, applications may write links by either.
  const hosts = ["x-forwarded-host", "host"].map((name) => headerValue(request.headers, name));
  return {
    prefix,
    knownPrefixes: forwarded === "" ? [] : [forwarded + prefix],
    authorities: hosts.flatMap((host) => host === undefined ? [] : [host.toLowerCase()]),
    privateAuthorities: toPrivateAuthorities(config),
    keepsCookieDomain: true,
  };
}

const DROPPED: ReadonlySet<string> = new Set([
  "content-length",
  "host",
  "via",
  "x-forwarded-prefix",
  QUERY_HEADER.toLowerCase(),
]);

/** The fields as they came, less those of this hop; Host comes first (RFC 9110 §7.2). */
function toOriginHeaders(request: HttpRequest, config: OriginConfig): RawHeaders {
  const { headers } = request;
  const fields: string[] = ["Host", toHost(headers, config)];
  for (const [name, value] of headerPairs(endToEndHeaders(headers))) {
    if (!DROPPED.has(name.toLowerCase())) fields.push(name, value);
  }
  const prefix = (headerValue(headers, "x-forwarded-prefix") ?? "") +
    (config.stripsPath ? config.path.slice(0, -1) : "");
  if (prefix !== "") fields.push("X-Forwarded-Prefix", prefix);
  fields.push("Via", [...headerValues(headers, "via"), "1.1 ptth_server"].join(", "));
  if (request.upgrade !== null) fields.push("Connection", "Upgrade", "Upgrade", request.upgrade);
  else if (headerValue(headers, "te") === "trailers") {
    fields.push("TE", "trailers", "Connection", "TE, keep-alive");
  }
  return [...fields, ...toFraming(request)];
}

/** Those whose requests say nothing of a body they lack; for others node:http would say "chunked". */
const BARE_METHODS: ReadonlySet<string> = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "TRACE"]);

/**
 * How the body is framed, by what there is of it and not by what the visitor's fields say of it: a
 * body that nothing announces would be read as a further request.
 */
function toFraming({ method, headers, body, bodyLength, upgrade }: HttpRequest): RawHeaders {
  if (body === null || upgrade !== null) {
    const isBare = BARE_METHODS.has(method) && headerValue(headers, "content-length") !== "0";
    return isBare ? [] : ["Content-Length", "0"];
  }
  if (bodyLength !== null) return ["Content-Length", String(bodyLength)];
  const trailer = headerValue(headers, "trailer");
  // Only there can fields follow the body (RFC 9112 §7.1.2).
  return [...trailer === undefined ? [] : ["Trailer", trailer], "Transfer-Encoding", "chunked"];
}

function toHost(headers: RawHeaders, { host, address }: OriginConfig): string {
  if (host === "origin") return address.authority;
  if (host !== "preserve") return host.authority;
  return headerValue(headers, "host") ?? address.authority;
}

/** The authorities that mean this origin to itself, and nothing to visitors; in lower case. */
function toPrivateAuthorities({ address, host }: OriginConfig): readonly string[] {
  const { endpoint, isTls, authority } = address;
  const own = authority.toLowerCase();
  const named = typeof host === "object" ? [host.authority.toLowerCase()] : [];
  if ("socketPath" in endpoint) return [own, ...named];
  // Programs on this computer call it by any of its names.
  const isLocal = isLoopbackHost(hostOf(own));
  const names = isLocal ? ["localhost", "127.0.0.1", "[::1]"] : [];
  const port = endpoint.port === (isTls ? 443 : 80) ? "" : `:${endpoint.port}`;
  return [own, ...named, ...names.map((name) => name + port)];
}
