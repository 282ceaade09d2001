import { assertEquals } from "@std/assert";
import { parseOriginUrl } from "../../lib/base/origin_url.ts";
import type { OriginConfig } from "../../lib/server/origin_config.ts";
import { toOriginHeaders } from "../../lib/server/origin_head.ts";
import { createFakeRequest } from "../support/fake_request.ts";

function configOf(changes: Partial<OriginConfig>): OriginConfig {
  const address = parseOriginUrl("http://127.0.0.1:3000/base/");
  if (address === undefined) throw new TypeError("malformed");
  return {
    path: "/",
    address,
    stripsPath: true,
    host: "preserve",
    certificates: [],
    isInsecure: false,
    connectTimeoutMs: 0,
    silenceTimeoutMs: 0,
    ...changes,
  };
}

type Row = readonly [asked: string, told: string];

function assertTold(
  field: string,
  { config, fields = [] }: {
    readonly config: Partial<OriginConfig>;
    readonly fields?: readonly string[];
  },
  rows: readonly Row[],
): void {
  for (const [asked, told] of rows) {
    const headers = ["Host", "Relay.test:81", ...fields, field, asked];
    const all = toOriginHeaders(createFakeRequest("/", { headers }), configOf(config));
    assertEquals(all[all.indexOf(field) + 1], told, asked);
  }
}

const BELOW = ["X-Forwarded-Prefix", "/servers/me", "X-Forwarded-Host", "public.test"];

Deno.test("toOriginHeaders tells where to copy or move to as the origin knows it (RFC 4918 §10.3)", () => {
  assertTold("Destination", { config: { path: "/dav/" }, fields: BELOW }, [
    ["http://relay.test:81/servers/me/dav/a%20b?c", "/base/a%20b?c"],
    ["https://PUBLIC.test/servers/me/dav/", "/base/"],
    ["/servers/me/dav/x", "/base/x"],
    // Elsewhere.
    ["http://elsewhere.test/servers/me/dav/x", "http://elsewhere.test/servers/me/dav/x"],
    ["http://public.test/servers/other/dav/x", "http://public.test/servers/other/dav/x"],
    ["/servers/me/files/x", "/servers/me/files/x"],
    ["/dav/x", "/dav/x"],
    ["/servers/me/dav/../x", "/servers/me/dav/../x"],
    // Nothing at all.
    ["dav/x", "dav/x"],
    ["*", "*"],
    ["", ""],
  ]);
  assertTold("Destination", { config: {} }, [
    ["https://relay.test:81/x", "/base/x"],
    ["https://relay.test/x", "https://relay.test/x"],
  ]);
  const kept = configOf({ path: "/dav/", stripsPath: false });
  assertTold("destination", { config: kept, fields: BELOW }, [
    ["http://public.test/servers/me/dav/x", "/base/dav/x"],
  ]);
});

Deno.test("toOriginHeaders tells what locks are for as the origin knows it (RFC 4918 §10.4)", () => {
  assertTold("If", { config: { path: "/dav/" }, fields: BELOW }, [
    [
      '<http://public.test/servers/me/dav/a> (<urn:uuid:1> ["e"]) </servers/me/dav/> (Not <DAV:no-lock>)',
      '</base/a> (<urn:uuid:1> ["e"]) </base/> (Not <DAV:no-lock>)',
    ],
    ["(<urn:uuid:1>)", "(<urn:uuid:1>)"],
    [
      "<http://elsewhere.test/servers/me/dav/a> (<urn:uuid:1>)",
      "<http://elsewhere.test/servers/me/dav/a> (<urn:uuid:1>)",
    ],
  ]);
});
