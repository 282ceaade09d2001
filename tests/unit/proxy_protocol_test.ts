import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { MAX_PROXY_HEADER_BYTES, MAX_PROXY_LINE_BYTES } from "../../lib/base/limits.ts";
import { type ProxyHeaderReading, readProxyHeader } from "../../lib/http/proxy_protocol.ts";
import {
  fromHex,
  SIGNATURE,
  toBinaryHeader,
  V1_IPV4,
  V1_IPV6,
  V2_IPV4,
  V2_IPV6,
  V2_LOCAL,
  V2_WITH_EXTRAS,
} from "../support/proxy_headers.ts";

function read(text: string): ProxyHeaderReading {
  return readProxyHeader(Buffer.from(text, "latin1"));
}

const LONG_IPV6 = "abcd:abcd:abcd:abcd:abcd:abcd:abcd:abcd";
const IPV4_BLOCK = fromHex("cb007105c6336401138801bb");
const toIPv6Block = (source: string): string => fromHex(source + "00".repeat(16) + "138801bb");

/** What it is, the header, and the address that it tells. */
const HEADERS: readonly (readonly [string, string, string | null])[] = [
  ["v1 of IPv4", V1_IPV4, "203.0.113.5"],
  ["v1 of IPv4, the shortest", "PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0"],
  [
    "v1 of IPv4, the longest",
    "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
    "255.255.255.255",
  ],
  ["v1 of IPv6", V1_IPV6, "2001:db8::5"],
  ["v1 of IPv6, the shortest", "PROXY TCP6 :: :: 0 0\r\n", "::"],
  [
    "v1 of IPv6, the longest",
    `PROXY TCP6 ${LONG_IPV6} ${LONG_IPV6} 65535 65535\r\n`.toUpperCase(),
    LONG_IPV6,
  ],
  ["v1 of IPv6 in a long form", "PROXY TCP6 2001:DB8:0:0:00:0:0:05 ::1 1 2\r\n", "2001:db8::5"],
  ["v1 of mapped IPv4", "PROXY TCP6 ::FFFF:203.0.113.5 ::1 1 2\r\n", "::ffff:203.0.113.5"],
  ["v1 of mapped IPv4 as digits", "PROXY TCP6 0::ffff:cb00:7105 ::1 1 2\r\n", "::ffff:203.0.113.5"],
  ["v1 UNKNOWN", "PROXY UNKNOWN\r\n", null],
  ["v1 UNKNOWN with a space", "PROXY UNKNOWN \r\n", null],
  ["v1 UNKNOWN with addresses", "PROXY UNKNOWN 203.0.113.5 198.51.100.1 5000 443\r\n", null],
  ["v1 UNKNOWN, the longest", `PROXY UNKNOWN ${"\xff".repeat(91)}\r\n`, null],
  ["v2 of IPv4", V2_IPV4, "203.0.113.5"],
  ["v2 of IPv4 with extras", V2_WITH_EXTRAS, "203.0.113.5"],
  ["v2 of IPv6", V2_IPV6, "2001:db8::5"],
  [
    "v2 of mapped IPv4",
    toBinaryHeader(0x21, 0x21, toIPv6Block("00000000000000000000ffffcb007105")),
    "::ffff:203.0.113.5",
  ],
  ["v2 LOCAL", V2_LOCAL, null],
  ["v2 LOCAL with addresses", toBinaryHeader(0x20, 0x11, IPV4_BLOCK), null],
  ["v2 LOCAL of no known family", toBinaryHeader(0x20, 0xff, "?"), null],
  ["v2 of no family", toBinaryHeader(0x21, 0x00), null],
  ["v2 of no family, with extras", toBinaryHeader(0x21, 0x00, "\x04\0\0"), null],
  ["v2 of IPv4 over no transport", toBinaryHeader(0x21, 0x10, IPV4_BLOCK), null],
  ["v2 of UDP over IPv4", toBinaryHeader(0x21, 0x12, IPV4_BLOCK), null],
  ["v2 of UDP over IPv6", toBinaryHeader(0x21, 0x22, toIPv6Block("00".repeat(16))), null],
  ["v2 of a UNIX socket", toBinaryHeader(0x21, 0x31, "/".repeat(216)), null],
  ["v2 of a UNIX datagram", toBinaryHeader(0x21, 0x32, "/".repeat(216)), null],
  [
    "v2, the longest",
    toBinaryHeader(0x21, 0x11, IPV4_BLOCK.padEnd(MAX_PROXY_HEADER_BYTES - 16, "\0")),
    "203.0.113.5",
  ],
];

for (const [what, header, source] of HEADERS) {
  Deno.test(`readProxyHeader reads ${what}, whatever follows, and waits for all of it`, () => {
    const expected = { kind: "header", length: header.length, source } as const;
    for (const next of ["", "GET / HTTP/1.1\r\n\r\n", "\r\n", "\n", header]) {
      assertEquals(read(header + next), expected);
    }
    for (let length = 0; length < header.length; length++) {
      assertEquals(read(header.slice(0, length)), { kind: "incomplete" }, `${length} bytes`);
    }
  });
}

const NO_VERSION = "it begins as neither version does";
const NO_LINE = "its line ends by less than CR LF";
const NO_ADDRESS = "an address is none";
const NO_PORTS = "its ports are not two";
const NO_PROTOCOL = "its protocol is unknown";
const NO_COMMAND = "its version or command is unknown";
const NO_FAMILY = "its family or transport is unknown";

const line = (fields: string): string => `PROXY ${fields}\r\n`;
const v1 = (
  { protocol = "TCP4", source = "192.0.2.1", destination = "192.0.2.2", ports = "1 2" },
): string => line(`${protocol} ${source} ${destination} ${ports}`);

const MALFORMED: readonly (readonly [string, string, string])[] = [
  ["a request", "GET / HTTP/1.1\r\n\r\n", NO_VERSION],
  ["a single wrong byte", "X", NO_VERSION],
  ["a wrong byte after right ones", "PROXX", NO_VERSION],
  ["lower case", "proxy TCP4", NO_VERSION],
  ["a tab", "PROXY\tTCP4", NO_VERSION],
  ["what stands before it", ` ${V1_IPV4}`, NO_VERSION],
  ["TLS", "\x16\x03\x01\x02\x00", NO_VERSION],
  ["a request after empty lines", "\r\n\r\nGET", NO_VERSION],
  ["a signature that is not whole", `${SIGNATURE.slice(0, -1)}?`, NO_VERSION],
  ["no protocol", line(""), NO_PROTOCOL],
  ["another protocol", v1({ protocol: "UDP4" }), NO_PROTOCOL],
  ["a protocol in lower case", v1({ protocol: "tcp4" }), NO_PROTOCOL],
  ["a protocol with more to it", line("UNKNOWNS"), NO_PROTOCOL],
  ["two spaces", line(" TCP4 192.0.2.1 192.0.2.2 1 2"), NO_PROTOCOL],
  ["nothing after the protocol", line("TCP4"), NO_ADDRESS],
  ["an address too few", line("TCP4 192.0.2.1 1 2"), NO_ADDRESS],
  ["an address with a leading zero", v1({ source: "192.0.2.01" }), NO_ADDRESS],
  ["an address past 255", v1({ source: "192.0.2.256" }), NO_ADDRESS],
  ["an address of three numbers", v1({ source: "192.0.2" }), NO_ADDRESS],
  ["an address that is a name", v1({ source: "localhost" }), NO_ADDRESS],
  ["a wrong destination", v1({ destination: "x" }), NO_ADDRESS],
  ["an IPv6 address as TCP4", v1({ source: "::1" }), NO_ADDRESS],
  ["an IPv4 address as TCP6", v1({ protocol: "TCP6" }), NO_ADDRESS],
  [
    "an address with a zone",
    v1({ protocol: "TCP6", source: "fe80::1%eth0", destination: "::1" }),
    NO_ADDRESS,
  ],
  [
    "an address in brackets",
    v1({ protocol: "TCP6", source: "[::1]", destination: "::1" }),
    NO_ADDRESS,
  ],
  ["two gaps", v1({ protocol: "TCP6", source: "1::2::3", destination: "::1" }), NO_ADDRESS],
  ["no ports", line("TCP4 192.0.2.1 192.0.2.2"), NO_PORTS],
  ["one port", v1({ ports: "1" }), NO_PORTS],
  ["three ports", v1({ ports: "1 2 3" }), NO_PORTS],
  ["a space at the end", v1({ ports: "1 2 " }), NO_PORTS],
  ["an empty port", v1({ ports: "1  2" }), NO_PORTS],
  ["a port past 65535", v1({ ports: "1 65536" }), NO_PORTS],
  ["a port with a leading zero", v1({ ports: "01 2" }), NO_PORTS],
  ["a port with a sign", v1({ ports: "+1 2" }), NO_PORTS],
  ["a port in hexadecimal", v1({ ports: "0x1 2" }), NO_PORTS],
  ["a line feed alone", v1({}).replace("\r", ""), NO_LINE],
  ["a carriage return alone", v1({}).replace("\n", "G"), NO_LINE],
  ["a line feed alone in what is ignored", "PROXY UNKNOWN a\n\r\n", NO_LINE],
  ["a carriage return alone in what is ignored", "PROXY UNKNOWN a\rb\r\n", NO_LINE],
  ["a line too long by one", `PROXY UNKNOWN ${"x".repeat(92)}\r\n`, "its line is too long"],
  ["a line without an end", "PROXY ".padEnd(MAX_PROXY_LINE_BYTES, "x"), "its line is too long"],
  ["version 1 in binary", `${SIGNATURE}\x11`, NO_COMMAND],
  ["version 3", `${SIGNATURE}\x31`, NO_COMMAND],
  ["another command", `${SIGNATURE}\x22`, NO_COMMAND],
  ["a request in place of the command", `${SIGNATURE}GET /`, NO_COMMAND],
  ["another family", `${SIGNATURE}\x21\x41\0\0`, NO_FAMILY],
  ["another transport", `${SIGNATURE}\x21\x13\0\0`, NO_FAMILY],
  [
    "IPv4 in too few bytes",
    toBinaryHeader(0x21, 0x11, IPV4_BLOCK.slice(1)),
    "it is too short for its addresses",
  ],
  [
    "IPv6 in too few bytes",
    toBinaryHeader(0x21, 0x21, V2_IPV6.slice(17)),
    "it is too short for its addresses",
  ],
  ["too many bytes, announced", `${SIGNATURE}\x21\x11\x0f\xf1`, "it is too long"],
  ["too many bytes for a health check", `${SIGNATURE}\x20\x00\xff\xff`, "it is too long"],
];

for (const [what, bytes, reason] of MALFORMED) {
  Deno.test(`readProxyHeader refuses ${what}`, () => {
    assertEquals(read(bytes), { kind: "malformed", reason });
    assertEquals(read(`${bytes}GET / HTTP/1.1\r\n\r\n`), { kind: "malformed", reason });
  });
}

Deno.test("property: readProxyHeader judges any bytes, never more than the limits allow", () => {
  const starts = fc.constantFrom("", "PROXY ", "PROXY TCP4 ", SIGNATURE, `${SIGNATURE}\x21\x11`);
  const tails = fc.string({ unit: fc.nat(255).map((byte) => String.fromCharCode(byte)) });
  fc.assert(fc.property(starts, tails, (start, tail) => {
    const bytes = start + tail;
    const reading = read(bytes);
    // What has been decided stays so.
    if (reading.kind !== "incomplete") assertEquals(read(`${bytes}?`), reading);
    if (reading.kind === "header") assert(reading.length <= bytes.length);
    const full = bytes + "?".repeat(MAX_PROXY_HEADER_BYTES);
    assertNotEquals(read(full).kind, "incomplete");
  }));
});
