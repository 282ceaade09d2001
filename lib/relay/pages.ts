/** The relay's pages for people: plain HTML, everything escaped, links relative. */

import { escapeControls } from "../base/log.ts";
import { escapeHtml, htmlPage, PAGE_HEADERS } from "../http/html.ts";
import type { HttpAnswer } from "../http/message.ts";
import type { AuditEvent, UnregisteredServer } from "./audit_log.ts";
import type { RegisteredServer } from "./registry.ts";

const utf8 = new TextEncoder();

/** A classic server between two polls is as good as connected, as by the original. */
const CONNECTED_MS = 60_000;

/** The public front page: it names no server. */
export function homePage(): HttpAnswer {
  return page(
    "PTTH relay",
    `<h1>PTTH relay</h1>
<p>This relay carries requests to servers behind firewalls. Ask whoever gave you this address for the
full link to a server.`,
  );
}

/** The front page of the admin listener. */
export function adminHomePage(): HttpAnswer {
  return page(
    "PTTH relay",
    `<h1>PTTH relay</h1>
<ul>
<li><a href="./frontend/servers/">Servers</a>
<li><a href="./frontend/unregistered_servers">Unregistered servers</a>
<li><a href="./frontend/audit_log">Audit log</a>
</ul>`,
  );
}

export interface ServerListOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** On the admin listener, where visitors are not served, names do not link anywhere. */
  readonly hasLinks: boolean;
  /** How the processes of a server are connected, one each; default: nobody is told. */
  readonly transportsOf?: (name: string) => readonly string[];
}

/** All servers that are registered, connected or not. */
export function serverListPage(
  servers: readonly RegisteredServer[],
  { now, hasLinks, transportsOf = () => [] }: ServerListOptions,
): HttpAnswer {
  const rows = servers.map(({ name, displayName, lastSeen, queue, desk }) => {
    const label = escapeHtml(displayName);
    const cell = hasLinks ? `<a href="./${encodeURIComponent(name)}/">${label}</a>` : label;
    const isConnected = queue.takerCount > 0 || desk.wasHereWithin(CONNECTED_MS);
    const seen = isConnected
      ? `Connected${formatTransports(transportsOf(name))}`
      : formatLastSeen(lastSeen, now);
    return `<tr><td>${cell}<td>${escapeHtml(name)}<td>${seen}`;
  });
  return page(
    "Servers",
    `<h1>Servers</h1>
${rows.length === 0 ? "<p>No server is registered." : table(["Server", "Name", "Seen"], rows)}`,
  );
}

/** ` by control channel`, and where there are more than one ` by control channel (2), long poll`. */
function formatTransports(transports: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const transport of transports) counts.set(transport, (counts.get(transport) ?? 0) + 1);
  const words = [...counts].map(([transport, count]) =>
    count === 1 ? transport : `${transport} (${count})`
  );
  return words.length === 0 ? "" : ` by ${words.join(", ")}`;
}

/** Names that polled without being registered, with the lines that would register them. */
export function unregisteredServersPage(
  servers: readonly UnregisteredServer[],
  now: number,
): HttpAnswer {
  const rows = servers.map(({ name, tripcode, lastSeen }) =>
    `<tr><td>${escapeHtml(escapeControls(name))}<td>${formatLastSeen(lastSeen, now)}<td><pre>` +
    escapeHtml(`[[servers]]\nname = ${toTomlString(name)}\ntripcode = "${tripcode}"`) + "</pre>"
  );
  return page(
    "Unregistered servers",
    `<h1>Unregistered servers</h1>
<p>These names tried to connect and are not in the relay's configuration. To let one in, make sure
that the tripcode is the one that its owner reads on their side, and paste the lines into the file.
${rows.length === 0 ? "<p>None so far." : table(["Name", "Seen", "Lines"], rows)}`,
  );
}

export function auditLogPage(events: readonly AuditEvent[]): HttpAnswer {
  const rows = events.map(({ time, who, what }) =>
    `<tr><td>${formatTime(time)}<td>${escapeHtml(escapeControls(who))}<td>` +
    escapeHtml(escapeControls(what))
  );
  return page(
    "Audit log",
    `<h1>Audit log</h1>
${rows.length === 0 ? "<p>Nothing so far." : table(["Time (UTC)", "Who", "What"], rows)}`,
  );
}

/**
 * When a server was last seen, in words.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const now = Date.parse("2026-11-23T12:00:00Z");
 * assertEquals(formatLastSeen(null, now), "Never");
 * assertEquals(formatLastSeen(now - 59_000, now), "Just now");
 * assertEquals(formatLastSeen(now - 5 * 60_000, now), "5 m ago");
 * ```
 */
export function formatLastSeen(lastSeen: number | null, now: number): string {
  if (lastSeen === null) return "Never";
  const minutes = Math.floor((now - lastSeen) / 60_000);
  if (minutes < 1) return "Just now";
  if (minutes < 60) return `${minutes} m ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return formatTime(lastSeen);
}

function formatTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

// JSON's escapes are a subset of those of a basic string in TOML, but for DEL.
function toTomlString(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007F");
}

function table(columns: readonly string[], rows: readonly string[]): string {
  const heads = columns.map((column) => `<th scope="col">${column}`).join("");
  return `<table>\n<thead><tr>${heads}\n<tbody>\n${rows.join("\n")}\n</table>`;
}

function page(title: string, body: string): HttpAnswer {
  return {
    status: 200,
    headers: [...PAGE_HEADERS, "Cache-Control", "no-store"],
    body: utf8.encode(htmlPage(title, body)),
  };
}
