/**
 * The classic codec against the least that any codec has to do: a walk over the same bytes. Run by
 * `deno task bench`.
 */

import {
  type ClassicRequest,
  decodeMagicHeader,
  decodePollBody,
  encodeMagicHeader,
  encodePollBody,
} from "../../lib/wire/http_serde.ts";

/** What a browser sends. */
const HEADERS = [
  ["host", "relay.example.com"],
  ["user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"],
  ["accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
  ["accept-language", "en-US,en;q=0.5"],
  ["accept-encoding", "gzip, deflate, br"],
  ["sec-fetch-mode", "navigate"],
].flat();

const REQUEST: ClassicRequest = {
  id: "01JD0000000000000000000000",
  method: "GET",
  uri: "/files/photos/2026/",
  headers: HEADERS,
};

const REQUESTS = [REQUEST];
const POLL_BODY = encodePollBody(REQUESTS);
const ANSWER = {
  status: 200,
  headers: ["content-type", "text/html; charset=utf-8", "etag", '"3-mwswzotj-5yx5g"'],
} as const;
const MAGIC_HEADER = encodeMagicHeader(ANSWER);

Deno.bench({
  name: `control: sum ${POLL_BODY.length} bytes`,
  group: "poll body",
  baseline: true,
  fn: () => {
    let sum = 0;
    for (const byte of POLL_BODY) sum += byte;
    if (sum === 0) throw new Error("unreachable, but keeps the loop");
  },
});
Deno.bench({
  name: "decodePollBody of one request",
  group: "poll body",
  fn: () => void decodePollBody(POLL_BODY),
});
Deno.bench({
  name: "encodePollBody of one request",
  group: "poll body",
  fn: () => void encodePollBody(REQUESTS),
});

Deno.bench({
  name: `control: base64 of ${MAGIC_HEADER.length} characters`,
  group: "magic header",
  baseline: true,
  fn: () => void atob(MAGIC_HEADER),
});
Deno.bench({
  name: "decodeMagicHeader",
  group: "magic header",
  fn: () => void decodeMagicHeader(MAGIC_HEADER),
});
Deno.bench({
  name: "encodeMagicHeader",
  group: "magic header",
  fn: () => void encodeMagicHeader(ANSWER),
});
