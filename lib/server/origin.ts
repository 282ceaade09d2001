/**
 * Forwards visitors' requests to an origin, a local web application, and its answers back. Whatever
 * a target says, nothing but the configured address is ever connected to.
 */

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { SharedTimers } from "../base/shared_timers.ts";
import { toMessage } from "../base/errors.ts";
import { ORIGIN_IDLE_MS } from "../base/limits.ts";
import { endToEndHeaders, headerValue } from "../http/headers.ts";
import { hostOf, isLoopbackHost } from "../http/host.ts";
import type { Handler, HttpRequest, RawHeaders } from "../http/message.ts";
import { moveBelowPrefix, type PublicPlace } from "../http/prefix_rewrite.ts";
import { SilenceWatch } from "../http/silence_watch.ts";
import { textAnswer } from "../http/text_answer.ts";
import { openOriginConnection, type OriginConnectionOptions } from "./origin_connection.ts";
import type { OriginConfig } from "./origin_config.ts";
import { originFailureAnswer, toOriginFailure } from "./origin_failure.ts";
import { publicHosts, toOriginHeaders, toOriginTarget } from "./origin_head.ts";
import { sendToOrigin } from "./origin_request.ts";
import { TroubleMemory } from "./trouble_memory.ts";
import { createTrust } from "./trusted_certificates.ts";
import { ConnectionPool } from "../client/connection_pool.ts";
import { UnreachableError } from "../client/unreachable_error.ts";

export interface Origin {
  /** Begins and ends with `/`. */
  readonly path: string;
  readonly answer: Handler;
  /** Closes all connections but those that speak another protocol. */
  close(): void;
}

/** An origin that can be asked; connects when it is. */
export function createOrigin(
  config: OriginConfig,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Origin {
  const { address, path } = config;
  const timers = new SharedTimers(clock);
  const trust = createTrust(config.certificates);
  const connection: Omit<OriginConnectionOptions, "signal" | "allowHalfOpen"> = {
    clock,
    timeoutMs: config.connectTimeoutMs,
    trust,
    isInsecure: config.isInsecure,
  };
  const peer = `origin "${address.text}"`;
  const createPool = (allowHalfOpen: boolean, idleMs: number): ConnectionPool =>
    new ConnectionPool({
      open: (signal) => openOriginConnection(address, { ...connection, signal, allowHalfOpen }),
      idleMs,
      clock,
      peer,
    });
  const pool = createPool(false, ORIGIN_IDLE_MS);
  // For connections that are to speak another protocol, and do not come back.
  const upgradePool = createPool(true, 0);
  const silence = new SilenceWatch(timers, config.silenceTimeoutMs || Infinity);
  const trouble = new TroubleMemory(clock);
  const privateAuthorities = toPrivateAuthorities(config);
  return {
    path,
    close: () => {
      pool.close();
      upgradePool.close();
      timers.close();
    },
    answer: async (request) => {
      const target = toOriginTarget(request.target, config);
      if (target === undefined) {
        return textAnswer(400, "The target is malformed, or leaves the application's path");
      }
      const place = new OriginPlace(request, config, privateAuthorities);
      try {
        return await sendToOrigin(request, {
          pool: request.upgrade === null ? pool : upgradePool,
          target,
          headers: toOriginHeaders(request, config),
          toVisitorHeaders: (headers) => moveBelowPrefix(endToEndHeaders(headers), place),
          silence: config.silenceTimeoutMs === 0 ? undefined : silence,
          clock,
          peer,
        });
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        // A visitor who leaves is no fault of the origin's; the body may show it before the signal.
        const isFault = !request.signal.aborted && error.kind !== "body";
        if (isFault && trouble.isNews(error.kind)) {
          log.warn("Origin failed", { origin: address.text, reason: toMessage(error) });
        }
        return originFailureAnswer(toOriginFailure(error));
      }
    },
  };
}

/** Where visitors see what the origin calls `/`. */
class OriginPlace implements PublicPlace {
  readonly prefix: string;
  readonly knownPrefixes: readonly string[];
  readonly privateAuthorities: readonly string[];
  readonly keepsCookieDomain = true;
  readonly #headers: RawHeaders;

  constructor({ headers }: HttpRequest, config: OriginConfig, authorities: readonly string[]) {
    const forwarded = headerValue(headers, "x-forwarded-prefix") ?? "";
    this.prefix = config.stripsPath ? config.path.slice(0, -1) : "";
    this.knownPrefixes = forwarded === "" ? [] : [forwarded + this.prefix];
    this.privateAuthorities = authorities;
    this.#headers = headers;
  }

  /** Applications may write links by either. Few answers have a reference that is looked at. */
  get authorities(): readonly string[] {
    return publicHosts(this.#headers);
  }
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
