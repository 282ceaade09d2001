/**
 * What a request to the relay asks for, decided on the raw method and target alone
 * (docs/protocol.md, "Routes"). Pure; whether a route is served on a listener is decided there.
 */

import { staysBelow } from "../http/path_reading.ts";
import { parseTarget } from "../http/target.ts";
import { CLASSIC_PREFIX, LISTEN_ROUTE, RESPONSE_ROUTE } from "../wire/classic.ts";
import { isId, MODERN_ROUTE } from "../wire/modern.ts";

export type Route =
  | { readonly kind: "home" }
  | { readonly kind: "up_check" }
  | { readonly kind: "poll"; readonly name: string }
  | { readonly kind: "response"; readonly id: string }
  | ModernRoute
  | { readonly kind: "server_list" }
  | VisitRoute
  | { readonly kind: "unregistered_servers" }
  | { readonly kind: "audit_log" }
  | { readonly kind: "debug"; readonly page: string }
  | { readonly kind: "scraper"; readonly path: string }
  | { readonly kind: "not_found" }
  | { readonly kind: "bad"; readonly status: 400 | 405; readonly reason: string };

/** A request of a server that speaks modern (docs/protocol.md, "Modern"). */
export type ModernRoute =
  | { readonly kind: "control"; readonly name: string }
  | { readonly kind: "session"; readonly name: string }
  | { readonly kind: "session_poll"; readonly session: string; readonly received: number }
  | { readonly kind: "session_messages"; readonly session: string; readonly index: number }
  | { readonly kind: "session_probe"; readonly session: string }
  | {
    readonly kind: "answer_stream" | "body_stream";
    readonly session: string;
    readonly id: string;
    /** The number of a segment; undefined for a stream on a connection of its own. */
    readonly index: number | undefined;
  };

/** A visitor's request for something that a server has. */
export interface VisitRoute {
  readonly kind: "visit";
  /** As in the target, still percent-encoded. */
  readonly name: string;
  /** The rest of the path, still percent-encoded, beginning with "/". */
  readonly path: string;
  /** The part of the path before `path`: what the visitor's links have to start with. */
  readonly prefix: string;
  /** With its "?"; "" where there is none. */
  readonly query: string;
  /** Where the name is a label of the host, in lower case: what follows it; else undefined. */
  readonly hostSuffix: string | undefined;
}

const VISIT_PREFIXES = ["/frontend/servers/", "/servers/"];
const DEBUG_PREFIX = "/frontend/debug/";
const SCRAPER_PREFIX = "/scraper/";

/** POST takes routes of its own; every other method those of GET, as the original has it. */
export function toRoute(method: string, target: string): Route {
  const parts = parseTarget(target);
  if (parts.kind === "bad") return { kind: "bad", status: 400, reason: "The target is malformed" };
  if (parts.kind === "asterisk") return { kind: "not_found" };
  const modern = after(parts.path, CLASSIC_PREFIX + MODERN_ROUTE) ??
    after(parts.path, MODERN_ROUTE);
  if (modern !== undefined) return toModernRoute(modern);
  const route = method === "POST" ? toPostRoute(parts.path) : toGetRoute(parts.path);
  return route.kind === "visit" ? { ...route, query: parts.query } : route;
}

function toPostRoute(path: string): Route {
  const id = after(path, CLASSIC_PREFIX + RESPONSE_ROUTE) ?? after(path, RESPONSE_ROUTE);
  if (id !== undefined) return { kind: "response", id };
  if (path === `${DEBUG_PREFIX}endless_sink`) return { kind: "debug", page: "endless_sink" };
  for (const prefix of VISIT_PREFIXES) {
    const rest = after(path, prefix);
    if (rest !== undefined && rest !== "") return toVisitRoute(rest, prefix);
  }
  return { kind: "bad", status: 400, reason: "Nothing here takes a POST" };
}

function toGetRoute(path: string): Route {
  const name = after(path, CLASSIC_PREFIX + LISTEN_ROUTE) ?? after(path, LISTEN_ROUTE);
  if (name !== undefined && !name.includes("/")) return { kind: "poll", name };
  for (const prefix of VISIT_PREFIXES) {
    const rest = after(path, prefix);
    if (rest !== undefined) return toVisitRoute(rest, prefix);
  }
  const scraper = after(path, SCRAPER_PREFIX);
  if (scraper !== undefined) return { kind: "scraper", path: scraper };
  const debug = after(path, DEBUG_PREFIX);
  if (debug !== undefined) return { kind: "debug", page: debug };
  switch (path) {
    case "/":
      return { kind: "home" };
    case "/frontend/relay_up_check":
      return { kind: "up_check" };
    case "/frontend/unregistered_servers":
      return { kind: "unregistered_servers" };
    case "/frontend/audit_log":
      return { kind: "audit_log" };
    case "/frontend/test_mysterious_error":
      return { kind: "debug", page: "test_mysterious_error" };
    default:
      return { kind: "not_found" };
  }
}

/** `rest` is what follows a prefix such as `/servers/`, or `/scraper/v1/server/`. */
export function toVisitRoute(rest: string, prefix: string): Route {
  if (rest === "") return { kind: "server_list" };
  const slash = rest.indexOf("/");
  if (slash < 0) {
    return { kind: "bad", status: 400, reason: "A slash has to follow the server's name" };
  }
  const name = rest.slice(0, slash);
  const path = rest.slice(slash);
  const route = {
    kind: "visit",
    name,
    path,
    prefix: prefix + name,
    query: "",
    hostSuffix: undefined,
  } as const;
  // Who tidies it before or after us must not come to another server by it.
  if (staysBelow(route.prefix + path, route.prefix)) return route;
  return { kind: "bad", status: 400, reason: "The path can be read as one of another server" };
}

/** `rest` is what follows `/modern/`. */
function toModernRoute(rest: string): Route {
  const [kind, first = "", second, third, ...more] = rest.split("/");
  if (first === "" || more.length > 0) return { kind: "not_found" };
  switch (kind) {
    case "control":
    case "session":
      return second === undefined ? { kind, name: first } : { kind: "not_found" };
    case "probe":
      return second === undefined
        ? { kind: "session_probe", session: first }
        : { kind: "not_found" };
    case "poll":
    case "messages": {
      const number = parseNumber(second);
      if (number === undefined || third !== undefined) return { kind: "not_found" };
      return kind === "poll"
        ? { kind: "session_poll", session: first, received: number }
        : { kind: "session_messages", session: first, index: number };
    }
    case "answer":
    case "body": {
      const index = third === undefined ? undefined : parseNumber(third);
      if (second === undefined || !isId(second)) return { kind: "not_found" };
      if (third !== undefined && index === undefined) return { kind: "not_found" };
      return { kind: `${kind}_stream`, session: first, id: second, index };
    }
    default:
      return { kind: "not_found" };
  }
}

/** A number of at most nine digits, in its one spelling. */
function parseNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^(?:0|[1-9][0-9]{0,8})$/.test(text) ? Number(text) : undefined;
}

function after(text: string, prefix: string): string | undefined {
  return text.startsWith(prefix) ? text.slice(prefix.length) : undefined;
}
