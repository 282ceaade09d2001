/** The scraper API (docs/protocol.md, "Scraper API"): for programs with a key of their own. */

import { Buffer } from "node:buffer";
import { matchesTripcode } from "../auth/tripcode.ts";
import { MAX_SCRAPER_KEY_MS } from "../base/limits.ts";
import { headerValue } from "../http/headers.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { textAnswer } from "../http/text_answer.ts";
import { API_KEY_HEADER } from "../wire/classic.ts";
import type { RegisteredServer } from "./registry.ts";

/** A program that may ask, as the configuration has it. */
export interface ScraperKey {
  readonly name: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The tripcode of its key. */
  readonly hash: string;
}

const VERSIONS = ["v1/", "api/"];

export type ScraperRoute =
  | { readonly kind: "test" }
  | { readonly kind: "server_list" }
  /** `rest` is what follows "server/". */
  | { readonly kind: "server"; readonly rest: string; readonly prefix: string };

/** What a path behind "/scraper/" asks for; undefined for nothing that there is. */
export function toScraperRoute(path: string): ScraperRoute | "unknown" | "unknown_version" {
  const version = VERSIONS.find((candidate) => path.startsWith(candidate));
  if (version === undefined) return "unknown_version";
  const rest = path.slice(version.length);
  if (rest === "test") return { kind: "test" };
  if (rest === "server_list") return { kind: "server_list" };
  if (rest.startsWith("server/")) {
    return { kind: "server", rest: rest.slice(7), prefix: `/scraper/${version}server/` };
  }
  return "unknown";
}

/** The scraper whose key the request carries, if it is valid at `now` (ms since 1970). */
export function findScraper(
  request: HttpRequest,
  { keys, now }: { keys: readonly ScraperKey[]; now: number },
): ScraperKey | undefined {
  const key = headerValue(request.headers, API_KEY_HEADER.toLowerCase());
  if (key === undefined) return undefined;
  const bytes = Buffer.from(key, "latin1");
  return keys.find(({ notBefore, notAfter, hash }) =>
    matchesTripcode(bytes, hash) &&
    now >= notBefore.getTime() && now < notAfter.getTime() &&
    notAfter.getTime() - notBefore.getTime() <= MAX_SCRAPER_KEY_MS
  );
}

/** The list as JSON; text/plain, as by the original. */
export function serverListAnswer(servers: readonly RegisteredServer[]): HttpAnswer {
  return textAnswer(
    200,
    JSON.stringify({
      servers: servers.map(({ name, displayName, lastSeen }) => ({
        name,
        display_name: displayName,
        last_seen: lastSeen === null ? null : toRfc3339(lastSeen),
      })),
    }),
  );
}

/** With nine digits of a second and an offset, as the original writes it. */
function toRfc3339(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000000+00:00");
}
