/** What comes as HTTP: heads and bodies of requests and answers, and what single fields say. */

import { posix } from "node:path";
import { MAX_HEADER_COUNT, MAX_PROXY_HEADER_BYTES, MAX_RANGES } from "../../lib/base/limits.ts";
import { preferredType } from "../../lib/http/accept.ts";
import { rankCodings } from "../../lib/http/accept_encoding.ts";
import { evaluatePreconditions } from "../../lib/http/conditional.ts";
import { isAuthority } from "../../lib/http/host.ts";
import type { RawHeaders } from "../../lib/http/message.ts";
import { staysBelow } from "../../lib/http/path_reading.ts";
import { moveBelowPrefix } from "../../lib/http/prefix_rewrite.ts";
import { readProxyHeader } from "../../lib/http/proxy_protocol.ts";
import { parseRange } from "../../lib/http/range.ts";
import { parseTarget } from "../../lib/http/target.ts";
import { toHostRoute } from "../../lib/relay/host_route.ts";
import { toRoute } from "../../lib/relay/routes.ts";
import { readRequests, type RequestEvent } from "../support/request_events.ts";
import { readEvents } from "../support/response_events.ts";
import { fromText, split, toText } from "./mutate.ts";
import { readStrictly, type StrictRequest } from "./strict_requests.ts";
import { type FuzzTarget, hold, isSame } from "./target.ts";

const HTTP_TOKENS = [
  ...["\r\n", "\n", "\r", "\r\n\r\n", ": ", ":", " ", "\t", "\0", "0\r\n\r\n", "5\r\nhello\r\n"],
  ...[
    "Host: a\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\n",
  ],
  ...["Connection: close\r\n", "Connection: Upgrade\r\n", "Upgrade: websocket\r\n"],
  ...[
    "Expect: 100-continue\r\n",
    "Trailer: X\r\n",
    "HTTP/1.1",
    "HTTP/1.0",
    "GET ",
    "POST ",
    "X: y\r\n",
  ],
  ...[
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 103 X\r\n\r\n",
    "HTTP/1.1 204 X\r\n\r\n",
    ";a=b",
    "\r\n ",
    "\xff",
  ],
];

function holdFields(headers: RawHeaders): void {
  hold(headers.length % 2 === 0, "each field has a value");
  for (const [i, text] of headers.entries()) {
    hold(!/[\r\n\0]/.test(text), "no field holds the end of a line, or NUL");
    if (i % 2 === 0) hold(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text), "each name is a token");
  }
}

/** How many fields of these names there are. */
function count(headers: RawHeaders, ...names: readonly string[]): number {
  return headers.filter((name, i) => i % 2 === 0 && names.includes(name.toLowerCase())).length;
}

const request: FuzzTarget = {
  name: "request",
  tokens: HTTP_TOKENS,
  run: (bytes, random) => {
    const events = readRequests([bytes.slice()]);
    hold(isSame(readRequests(split(bytes, random)), events), "the pieces do not matter");
    // Nothing gets through that the grammar does not know, nor as anything else.
    const whole = wholeOf(events);
    const strict = readStrictly(toText(bytes)).slice(0, whole.length);
    hold(isSame(strict, whole), "each request is one to a strict reader as well");
    for (const event of events) {
      if (event[0] === "end") holdFields(event[1]);
      if (event[0] !== "head") continue;
      const [, line, headers] = event;
      holdFields(headers);
      hold(headers.length <= 2 * MAX_HEADER_COUNT, "there are no more fields than there may be");
      hold(count(headers, "content-length", "transfer-encoding") <= 1, "it is framed in one way");
      // Written out again it is read as the same.
      const [method = "", target = "", version = ""] = line.split(" ");
      const fields = headers.flatMap((name, i) =>
        i % 2 === 0 ? [`${name}: ${headers[i + 1]}`] : []
      );
      const again = [`${method} ${target} HTTP/${version}`, ...fields, "", ""].join("\r\n");
      const [first] = readRequests([fromText(again)]);
      hold(isSame(first, event), "it is read again as it was");
    }
  },
};

/** Requests that have been read to their end. */
function wholeOf(events: readonly RequestEvent[]): readonly StrictRequest[] {
  const requests: StrictRequest[] = [];
  let [line, headers, body]: [string, RawHeaders, string] = ["", [], ""];
  for (const event of events) {
    if (event[0] === "head") [line, headers, body] = [event[1], event[2], ""];
    else if (event[0] === "body") body += event[1];
    else if (event[0] === "end") requests.push({ line, headers, body, trailers: event[1] });
  }
  return requests;
}

const answer: FuzzTarget = {
  name: "answer",
  tokens: HTTP_TOKENS,
  run: (bytes, random) => {
    const expected = random.pick([[{}], [{ isHead: true }], [{}, {}], [{ allowsSwitch: true }]]);
    const options = { expected, closes: random.chance(0.5) };
    const events = readEvents([bytes.slice()], options);
    // What comes behind a switch is nobody's answer any more.
    if (events.some(([kind]) => kind === "switched")) return;
    hold(isSame(readEvents(split(bytes, random), options), events), "the pieces do not matter");
    for (const event of events) {
      if (event[0] === "head" || event[0] === "interim") holdFields(event[2]);
    }
  },
};

const range: FuzzTarget = {
  name: "range",
  tokens: ["bytes=", "-", ",", " ", "=", "0-", "-1", "0-0", "\t", "bytes"],
  run: (bytes, random) => {
    const length = random.pick([0, 1, 10, 1000, 2 ** 40, Number.MAX_SAFE_INTEGER]);
    const found = parseRange(toText(bytes), length);
    if (found.kind !== "ranges") return;
    hold(
      found.ranges.length > 0 && found.ranges.length <= MAX_RANGES,
      "there are as many as may be",
    );
    let sum = 0;
    for (const { first, last } of found.ranges) {
      hold(Number.isSafeInteger(first) && Number.isSafeInteger(last), "bounds are integers");
      hold(first >= 0 && first <= last && last < length, "each lies within");
      sum += last - first + 1;
    }
    hold(sum <= length, "no byte is sent twice");
  },
};

const conditional: FuzzTarget = {
  name: "conditional",
  tokens: [
    ...[
      "If-None-Match: ",
      "If-Match: ",
      "If-Modified-Since: ",
      "If-Unmodified-Since: ",
      "If-Range: ",
    ],
    ...['"a"', 'W/"a"', "*", ", ", "\n", "Sun, 06 Nov 1994 08:49:37 GMT", "GMT", '"'],
  ],
  run: (bytes) => {
    const headers = toText(bytes).split("\n").flatMap((line) => {
      const colon = line.indexOf(": ");
      return colon < 0 ? [] : [line.slice(0, colon), line.slice(colon + 2)];
    });
    const validators = { etag: '"a"', lastModified: 784_111_777_000 };
    const verdict = evaluatePreconditions({ method: "GET", headers }, validators, 1e12);
    hold(
      ["proceed", "not_modified", "precondition_failed"].includes(verdict),
      "there is a verdict",
    );
  },
};

const proxyHeader: FuzzTarget = {
  name: "proxy_header",
  tokens: [
    "PROXY ",
    "TCP4 ",
    "TCP6 ",
    "UNKNOWN",
    "\r\n",
    "\r\n\r\n\0\r\nQUIT\n",
    "\x21\x11\0\x0c",
    "::1",
  ],
  run: (bytes) => {
    const whole = readProxyHeader(bytes);
    for (let length = 0; length <= Math.min(bytes.length, 600); length++) {
      const part = readProxyHeader(bytes.subarray(0, length));
      if (part.kind === "incomplete") continue;
      hold(isSame(part, whole) || part.kind === "malformed", "more bytes do not change a header");
      if (part.kind === "malformed") hold(whole.kind === "malformed", "nor make it well-formed");
    }
    if (whole.kind === "incomplete" || whole.kind === "malformed") return;
    hold(whole.length <= MAX_PROXY_HEADER_BYTES && whole.length <= bytes.length, "it ends within");
  },
};

const path: FuzzTarget = {
  name: "path",
  tokens: ["/", "..", ".", "%2e", "%2f", "%5c", "\\", ";", "%00", "//", "?", "%", "%c0%ae", "home"],
  run: (bytes) => {
    const text = `/servers/a/${toText(bytes).replace(/[?#].*/s, "")}`;
    if (!staysBelow(text, "/servers/a")) return;
    for (const reading of readingsOf(text)) {
      const normal = posix.normalize(reading);
      hold(/^\/servers\/a(?:\/|$)/.test(normal), `${reading} stays below, as it is read`);
    }
  },
};

/** What programs make of a path before they normalise it. */
function readingsOf(text: string): readonly string[] {
  const decoded = text.replace(/%2e/gi, ".").replace(/%2f/gi, "/").replace(/%5c/gi, "\\");
  return [text, decoded, text.replaceAll("\\", "/"), decoded.replaceAll("\\", "/")];
}

const route: FuzzTarget = {
  name: "route",
  tokens: [
    ...[
      "/servers/",
      "/7ZSFUKGV/",
      "modern/",
      "control/",
      "http_listen/",
      "http://relay.test",
      "..",
      "%2f",
    ],
    ...["/frontend/", "/scraper/v1/", "?", "#", "*", "home", "\\", "//", "%"],
  ],
  run: (bytes) => {
    const text = toText(bytes);
    const target = parseTarget(text);
    const found = toRoute("GET", text);
    if (found.kind === "visit") {
      hold(target.kind !== "bad", "what is visited is a target");
      hold(!found.name.includes("/") && found.path.startsWith("/"), "it names a server and a path");
    }
    const [host = "", rest = "/"] = text.split("\n");
    // The listener refuses others before.
    if (!isAuthority(host)) return;
    const byHost = toHostRoute({ target: rest, headers: ["Host", host] }, "relay.test");
    if (byHost !== undefined) hold(!/[./]/.test(byHost.name), "a host names a server by one label");
  },
};

const accept: FuzzTarget = {
  name: "accept",
  tokens: [
    "text/html",
    "*/*",
    ";q=",
    "0",
    "1",
    ".5",
    ",",
    " ",
    "gzip",
    "br",
    "identity",
    "*",
    ";",
    "=",
  ],
  run: (bytes) => {
    const value = toText(bytes);
    const types = ["text/plain", "text/html"] as const;
    hold(types.includes(preferredType(["Accept", value], types)), "there is always a type");
    const codings = rankCodings(["Accept-Encoding", value]);
    hold(new Set(codings).size === codings.length, "each coding comes once");
  },
};

const rewrite: FuzzTarget = {
  name: "rewrite",
  tokens: [
    ...[
      "Location: ",
      "Set-Cookie: ",
      "Link: ",
      "Refresh: ",
      "Content-Location: ",
      "/",
      "//",
      "http://",
    ],
    ...[
      "relay.test",
      "; Path=/",
      "; Domain=x",
      "<",
      ">",
      "; rel=x",
      "0;url=",
      "..",
      "\n",
      '"',
      "'",
      ",",
    ],
  ],
  run: (bytes) => {
    const headers = toText(bytes).split("\n").flatMap((line) => {
      const colon = line.indexOf(": ");
      return colon < 0 ? [] : [line.slice(0, colon), line.slice(colon + 2)];
    });
    const place = { prefix: "/servers/a", authorities: ["relay.test"], keepsCookieDomain: false };
    const moved = moveBelowPrefix(headers, place);
    hold(moved.length % 2 === 0, "each field has a value");
    const [before, after] = [headers, moved].map((all) =>
      all.join("").match(/[\r\n]/g)?.length ?? 0
    );
    hold((after ?? 0) <= (before ?? 0), "no line's end comes in");
  },
};

export const HTTP_TARGETS: readonly FuzzTarget[] = [
  ...[request, answer, range, conditional, proxyHeader, path, route, accept, rewrite],
];
