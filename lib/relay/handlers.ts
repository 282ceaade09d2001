/**
 * What the relay answers on its two listeners. Strangers reach the public one; on the admin one,
 * which is bound to a loopback address unless told otherwise, are the pages that are not for them.
 * An address proves nothing behind a reverse proxy, hence two listeners.
 */

import { Buffer } from "node:buffer";
import type { AddressSet } from "../base/cidr.ts";
import type { Clock } from "../base/clock.ts";
import { CLASSIC_ANSWER_TIMEOUT_MS, MODERN_ANSWER_TIMEOUT_MS } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import type { KeyGuard } from "../auth/key_guard.ts";
import { toTripcode } from "../auth/tripcode.ts";
import { headerValue } from "../http/headers.ts";
import type { Handler, HttpAnswer, HttpRequest } from "../http/message.ts";
import { textAnswer } from "../http/text_answer.ts";
import { API_KEY_HEADER } from "../wire/classic.ts";
import { encodePollBody } from "../wire/http_serde.ts";
import { MODERN_HEADER, MODERN_VERSION } from "../wire/modern.ts";
import type { AuditLog, UnregisteredServers } from "./audit_log.ts";
import { answerPoll, badKeyAnswer, tooManyKeysAnswer } from "./classic_poll.ts";
import { takeResponse } from "./classic_response.ts";
import { answerDebug } from "./debug_routes.ts";
import type { ExchangeBook } from "./exchange_book.ts";
import { type Failure, failureAnswer } from "./failure.ts";
import { toProvenance } from "./forwarding.ts";
import { hostNameOf, toHostRoute } from "./host_route.ts";
import { answerModern, type ModernOptions } from "./modern_handlers.ts";
import {
  adminHomePage,
  auditLogPage,
  homePage,
  serverListPage,
  unregisteredServersPage,
} from "./pages.ts";
import type { RegisteredServer, Registry } from "./registry.ts";
import { type Route, toRoute, toVisitRoute, type VisitRoute } from "./routes.ts";
import { findScraper, type ScraperKey, serverListAnswer, toScraperRoute } from "./scraper.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { visit } from "./visitor.ts";

/** What may change while the relay runs. */
export interface RelaySettings {
  readonly publicServerList: boolean;
  /** Further Host names that the admin listener takes. */
  readonly adminHosts: readonly string[];
  readonly debugRoutes: boolean;
  readonly enableScraperApi: boolean;
  readonly scraperKeys: readonly ScraperKey[];
  readonly trustedProxies: AddressSet;
  /** How long a visitor waits for a server that is not connected, in milliseconds. */
  readonly reconnectGraceMs: number;
  /** Silence before an answer begins, in milliseconds; 0 for no limit; undefined: the default. */
  readonly answerTimeoutMs: number | undefined;
  /** NAME in front of it is the host of the server NAME; undefined for no hosts of their own. */
  readonly hostSuffix: string | undefined;
  /** Protocols that visitors may switch to, in lower case. */
  readonly upgradeTokens: readonly string[];
}

export interface RelayState {
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
  readonly sessions: Sessions;
  readonly book: ExchangeBook;
  readonly audit: AuditLog;
  readonly keys: KeyGuard;
  readonly unregistered: UnregisteredServers;
  settings: RelaySettings;
  isStopping: boolean;
}

/** The handler of the public listener. */
export function createPublicHandler(state: RelayState): Handler {
  const modern: ModernOptions = {
    sessions: state.sessions,
    clock: state.clock,
    authenticate: (request, name) => authenticate(state, { request, name }),
    hostOf: (server) => hostNameOf(server, state.settings.hostSuffix),
    onOpened: (request, session) => greet(state, { request, session }),
  };
  return (request) => {
    const route = toHostRoute(request, state.settings.hostSuffix) ??
      toRoute(request.method, request.target);
    switch (route.kind) {
      case "home":
        return homePage();
      case "up_check":
        return upCheckAnswer();
      case "poll":
        return answerServer(state, { request, name: route.name });
      case "response":
        return takeResponse(request, { id: route.id, ...state });
      case "control":
      case "session":
      case "session_poll":
      case "session_messages":
      case "session_probe":
      case "answer_stream":
      case "body_stream":
        return answerModern(request, { route, options: modern });
      case "visit":
        return answerVisitor(state, { request, route });
      case "server_list":
        return state.settings.publicServerList
          ? serverListPage(state.registry.servers, { now: state.clock.now(), hasLinks: true })
          : notFoundAnswer();
      case "scraper":
        return answerScraper(state, { request, path: route.path });
      case "debug": {
        const { clock, settings } = state;
        const answer = settings.debugRoutes
          ? answerDebug(request, { page: route.page, clock })
          : undefined;
        return answer ?? notFoundAnswer();
      }
      case "unregistered_servers":
      case "audit_log":
      case "not_found":
      case "bad":
        return commonAnswer(route);
    }
  };
}

/** The handler of the admin listener: pages alone; neither servers nor visitors come in there. */
export function createAdminHandler(state: RelayState): Handler {
  return (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return textAnswer(405, "Only GET and HEAD are served here", ["Allow", "GET, HEAD"]);
    }
    const route = toRoute(request.method, request.target);
    const now = state.clock.now();
    switch (route.kind) {
      case "home":
        return adminHomePage();
      case "up_check":
        return upCheckAnswer();
      case "server_list":
        return serverListPage(state.registry.servers, {
          now,
          hasLinks: false,
          transportsOf: (name) => state.sessions.of(name).map(({ channel }) => channel.transport),
        });
      case "unregistered_servers":
        return unregisteredServersPage(state.unregistered.servers, now);
      case "audit_log":
        return auditLogPage(state.audit.events);
      default:
        return commonAnswer(route);
    }
  };
}

function commonAnswer(route: Route): HttpAnswer {
  return route.kind === "bad" ? textAnswer(route.status, route.reason) : notFoundAnswer();
}

function upCheckAnswer(): HttpAnswer {
  return textAnswer(200, "Relay is up");
}

function notFoundAnswer(): HttpAnswer {
  return textAnswer(404, "There is nothing here");
}

/** P1: a server asks for work. */
function answerServer(
  state: RelayState,
  { request, name }: { request: HttpRequest; name: string },
): Promise<HttpAnswer> | HttpAnswer {
  // The answer to a HEAD could not carry the requests that it would take.
  if (request.method !== "GET") return textAnswer(405, "A poll is a GET", ["Allow", "GET"]);
  const server = authenticate(state, { request, name });
  if ("status" in server) return server;
  if (offersModern(request)) return modernOffer();
  state.registry.see(server);
  return answerPoll(request, {
    desk: server.desk,
    onReturn: () => {
      state.audit.add(`server ${server.name}`, "connected, classic");
      const fields = { name: server.name, peer: request.remoteAddress, transport: "classic poll" };
      state.log.info("Server connected", fields);
    },
  });
}

/** The server with this name and the request's key, or why there is none. */
function authenticate(
  state: RelayState,
  { request, name }: { request: HttpRequest; name: string },
): RegisteredServer | HttpAnswer {
  const { registry, audit, unregistered, log, isStopping } = state;
  const key = headerValue(request.headers, API_KEY_HEADER.toLowerCase());
  if (key === undefined) return textAnswer(403, `The header ${API_KEY_HEADER} is missing`);
  const server = registry.authenticate(name, key);
  const blocked = judgeKey(state, { request, tripcode: server?.tripcode });
  if (blocked !== undefined) return blocked;
  if (server === undefined) {
    const isKnown = registry.find(name) !== undefined;
    if (!isKnown) unregistered.add(name, toTripcode(Buffer.from(key, "latin1")));
    audit.add(
      `peer ${request.remoteAddress}`,
      `${isKnown ? "wrong key" : "unknown name"}: ${name}`,
    );
    log.debug("Server refused", { name, peer: request.remoteAddress, known: isKnown });
    return badKeyAnswer();
  }
  return isStopping ? textAnswer(503, "The relay is stopping") : server;
}

/** The answer where nobody at this address is told any more whether a key is right. */
function judgeKey(
  { keys, settings, audit, log }: RelayState,
  { request, tripcode }: { request: HttpRequest; tripcode: string | undefined },
): HttpAnswer | undefined {
  const { address } = toProvenance(request, {
    trustedProxies: settings.trustedProxies,
    prefix: "",
  });
  const verdict = keys.judge({ address, tripcode });
  if (verdict.kind === "blocked") return tooManyKeysAnswer(verdict.waitMs);
  if (verdict.kind === "wrong" && verdict.isLast) {
    audit.add(`peer ${address}`, "too many wrong keys: no more are taken for a while");
    log.warn("Too many wrong keys: no more are taken for a while", { peer: address });
  }
  return undefined;
}

/** True for a poll of a server that speaks modern too (docs/protocol.md, "Negotiation"). */
function offersModern(request: HttpRequest): boolean {
  const versions = headerValue(request.headers, MODERN_HEADER.toLowerCase())?.split(",") ?? [];
  return versions.some((version) => version.trim() === MODERN_VERSION);
}

function modernOffer(): HttpAnswer {
  const headers = ["Cache-Control", "no-store", MODERN_HEADER, MODERN_VERSION];
  return { status: 200, headers, body: encodePollBody([]) };
}

/** A session has been opened. */
function greet(
  { registry, audit, log }: RelayState,
  { request, session }: { request: HttpRequest; session: Session },
): void {
  const { name } = session.server;
  const { transport } = session.channel;
  registry.see(session.server);
  audit.add(`server ${name}`, `connected, ${transport}`);
  log.info("Server connected", { name, peer: request.remoteAddress, transport });
}

function answerVisitor(
  state: RelayState,
  { request, route }: { request: HttpRequest; route: VisitRoute },
): Promise<HttpAnswer> | HttpAnswer {
  const server = route.hostSuffix === undefined
    ? state.registry.find(route.name)
    : state.registry.findByHost(route.name);
  if (server === undefined) return failureAnswer("no_such_server");
  const refusal = (): Failure | undefined => {
    if (state.isStopping) return "relay_stopping";
    return state.registry.find(server.name)?.queue === server.queue ? undefined : "no_such_server";
  };
  const failure = refusal();
  if (failure !== undefined) return failureAnswer(failure);
  const { settings } = state;
  const { trustedProxies } = settings;
  const provenance = toProvenance(request, { trustedProxies, prefix: route.prefix });
  state.audit.add(
    `visitor ${provenance.address}`,
    `${request.method} ${route.path} of ${server.name}`,
  );
  return visit(request, {
    server,
    route,
    provenance,
    options: {
      clock: state.clock,
      book: state.book,
      graceMs: settings.reconnectGraceMs,
      answerTimeoutMs: {
        classic: settings.answerTimeoutMs ?? CLASSIC_ANSWER_TIMEOUT_MS,
        modern: settings.answerTimeoutMs ?? MODERN_ANSWER_TIMEOUT_MS,
      },
      refusal,
    },
  });
}

/** Order of the checks as by the original: on or off, version, key, path. */
function answerScraper(
  state: RelayState,
  { request, path }: { request: HttpRequest; path: string },
): Promise<HttpAnswer> | HttpAnswer {
  const { settings, registry } = state;
  if (!settings.enableScraperApi) return textAnswer(403, "The scraper API is off");
  const route = toScraperRoute(path);
  if (route === "unknown_version") return textAnswer(404, "There is no such version of the API");
  const scraper = findScraper(request, { keys: settings.scraperKeys, now: state.clock.now() });
  if (headerValue(request.headers, API_KEY_HEADER.toLowerCase()) !== undefined) {
    const blocked = judgeKey(state, { request, tripcode: scraper?.hash });
    if (blocked !== undefined) return blocked;
  }
  if (scraper === undefined) return textAnswer(403, "The key is missing or not valid");
  if (route === "unknown") return notFoundAnswer();
  state.audit.add(`scraper ${scraper.name}`, path);
  switch (route.kind) {
    case "test":
      return textAnswer(200, "You're valid!");
    case "server_list":
      return serverListAnswer(registry.servers);
    case "server": {
      const target = toVisitRoute(route.rest, route.prefix);
      return target.kind === "visit"
        ? answerVisitor(state, { request, route: target })
        : commonAnswer(target);
    }
  }
}
