/** What stands in single fields and options, and what is written into answers because of it. */

import { Buffer } from "node:buffer";
import { createAddressSet, parseCidr } from "../../lib/base/cidr.ts";
import { parseOriginUrl } from "../../lib/base/origin_url.ts";
import { checkRelayUrl } from "../../lib/base/relay_address.ts";
import { checkServerName } from "../../lib/base/server_name.ts";
import { parseCredentials } from "../../lib/http/basic_auth.ts";
import { evaluatePreconditions } from "../../lib/http/conditional.ts";
import { isWeakMatch, parseEtagList } from "../../lib/http/etag.ts";
import { formatHttpDate, parseHttpDate } from "../../lib/http/http_date.ts";
import { createMultipart } from "../../lib/http/multipart_byteranges.ts";
import { parseRange } from "../../lib/http/range.ts";
import { toText } from "./mutate.ts";
import { type FuzzTarget, hold, isSame } from "./target.ts";

const NOW = Date.UTC(2026, 10, 23);

const credentials: FuzzTarget = {
  name: "credentials",
  tokens: ["Basic ", "basic  ", "=", "==", ":", "Og==", "YTpi", "-", "_", "/w==", "\n", "Bearer "],
  run: (bytes) => {
    const values = toText(bytes).split("\n");
    const found = parseCredentials(values.flatMap((value) => ["Authorization", value]));
    if (found === undefined) return;
    const { name, password } = found;
    hold(values.length === 1, "who sends two says nothing");
    hold(!name.includes(":"), "a name has no colon");
    const encoded = Buffer.from(`${name}:${password}`).toString("base64");
    const again = parseCredentials(["authorization", `basic ${encoded}`]);
    hold(isSame(again, found), "they are read again as they were");
  },
};

const date: FuzzTarget = {
  name: "date",
  tokens: [
    ...["Sun, ", "Sunday, ", "GMT", " GMT", "Nov", "Feb", "06", "-94 ", "1994", "0000", "9999"],
    ...["23:59:60", "24:00:00", "31 ", " 6", "29 Feb 2000", "  ", "\t"],
  ],
  run: (bytes) => {
    const time = parseHttpDate(toText(bytes), NOW);
    if (time === undefined) return;
    hold(Number.isInteger(time / 1000), "it is a whole second");
    const text = formatHttpDate(time);
    hold(parseHttpDate(text, NOW) === time, `${text} is read again as it was`);
    hold(
      time < NOW + 51 * 366 * 86_400_000 || /[0-9]{4}/.test(toText(bytes)),
      "two digits of a year are near",
    );
  },
};

const etag: FuzzTarget = {
  name: "etag",
  tokens: ['"', 'W/"', 'w/"', ",", ", ", "*", '""', '"a"', "\\", "\xe9", "\t"],
  run: (bytes) => {
    const text = toText(bytes);
    const tags = parseEtagList(text);
    if (tags === "*") return hold(text.trim() === "*", "only a star is a star");
    hold(tags.length <= text.length / 2, "there are no more than fit");
    for (const tag of tags) {
      hold(/^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag), `${tag} is a tag`);
    }
    hold(isSame(parseEtagList(tags.join(", ")), tags), "they are read again as they were");
    // Whoever asks with these is told what the list says, by whatever it was joined.
    for (const etag of ['"a"', 'W/"a"', ...tags.slice(0, 2)]) {
      const request = { method: "GET", headers: ["If-None-Match", text] };
      const verdict = evaluatePreconditions(request, { etag, lastModified: 0 }, NOW);
      const isKnown = tags.some((tag) => isWeakMatch(tag, etag));
      hold(
        verdict === (isKnown ? "not_modified" : "proceed"),
        "a copy is fresh if its tag is told",
      );
    }
  },
};

const address: FuzzTarget = {
  name: "address",
  tokens: [
    ...["http://", "https://", "unix:/", "//", "\\", "@", ":", "?", "#", "[::1]", "127.0.0.1"],
    ...[":0", "/..", "%2e", "%00", " ", "\t", "\n", "::ffff:", "/8", "/128", "/33", "/08"],
    ...["%eth0", "0x7f"],
  ],
  run: (bytes, random) => {
    const text = toText(bytes);
    const origin = parseOriginUrl(text);
    if (origin !== undefined) {
      hold(!/[?#\s]/.test(text), "an origin has no query and no fragment");
      hold(/^unix:/.test(text) || new URL(text).username === "", "nor a user");
      const { basePath, authority, endpoint } = origin;
      hold(basePath.startsWith("/") && basePath.endsWith("/"), "its path is that of a folder");
      hold(/^[!-~]+$/.test(basePath), "its path can stand in a request line");
      hold(/^[!-~]+$/.test(authority), "what it is called can stand in a head");
      hold(isSame(parseOriginUrl(origin.text), origin), "it is read again as it was");
      if ("port" in endpoint) hold(endpoint.port > 0 && endpoint.port < 65536, "it has a port");
    }
    if (checkRelayUrl(text) === undefined) {
      const { username, password, search, hash, protocol } = new URL(text);
      hold([username, password, search, hash].join("") === "", "a relay's address has no secret");
      hold(/^https?:$/.test(protocol), "a relay is asked by HTTP");
    }
    if (checkServerName(text) === undefined) {
      const { pathname } = new URL(`http://h/servers/${text}/`);
      hold(pathname === `/servers/${text}/`, "a name stays the same in a URL");
    }
    const cidr = parseCidr(text);
    if (cidr === undefined) return;
    const set = createAddressSet([cidr]);
    hold(set.has(cidr.address), "a range has the address that it is named after");
    // Another bit is another address: of the same range, unless it is one of the prefix.
    const isShort = cidr.family === "ipv4";
    const prefixLength = cidr.prefixLength + (isShort ? 96 : 0);
    const bit = random.integer(isShort ? 96 : 0, 127);
    const other = toBits(cidr.address) ^ (1n << BigInt(127 - bit));
    hold(
      set.has(toText6(other)) === bit >= prefixLength,
      "it has all of its addresses, and no other",
    );
  },
};

/** As a number of 128 bits; IPv4 as it is mapped into IPv6 (RFC 4291 §2.5.5.2). */
function toBits(address: string): bigint {
  const full = address.includes(":") ? address : `::ffff:${address}`;
  const { hostname } = new URL(`http://[${full}]/`);
  const [before = [], after = []] = hostname.slice(1, -1).split("::").map((part) =>
    part.split(":").filter((group) => group !== "")
  );
  const zeros = Array(8 - before.length - after.length).fill("0");
  const groups = [...before, ...zeros, ...after].map((group) => group.padStart(4, "0"));
  return BigInt(`0x${groups.join("")}`);
}

function toText6(bits: bigint): string {
  return bits.toString(16).padStart(32, "0").match(/.{4}/g)?.join(":") ?? "";
}

const multipart: FuzzTarget = {
  name: "multipart",
  tokens: ["bytes=", "-", ",", "0-0", "-1", "9-", "1-2", " "],
  run: (bytes, random) => {
    const file = Uint8Array.from({ length: random.integer(1, 300) }, () => random.integer(0, 255));
    const found = parseRange(toText(bytes), file.length);
    if (found.kind !== "ranges") return;
    const boundary = "A1b2C3d4E5f6";
    const options = { boundary, mediaType: "text/plain", completeLength: file.length };
    const { contentLength, contentType, pieces } = createMultipart(found.ranges, options);
    const body = pieces.map((piece) =>
      toText(piece instanceof Uint8Array ? piece : file.subarray(piece.first, piece.last + 1))
    ).join("");
    hold(body.length === contentLength, "it is as long as it says");
    // Read back as RFC 2046 §5.1.1 has it.
    const [, name = ""] = /boundary=(\w+)$/.exec(contentType) ?? [];
    const parts = `\r\n${body}`.split(`\r\n--${name}`);
    hold(parts.shift() === "" && parts.pop() === "--\r\n", "it begins and ends by its boundary");
    const read = parts.map((part) => {
      const [head = ""] = part.split("\r\n\r\n", 1);
      const [, first, last, length] =
        /\r\nContent-Range: bytes ([0-9]+)-([0-9]+)\/([0-9]+)$/.exec(head) ?? [];
      hold(Number(length) === file.length, "each part tells the length of all");
      const data = part.slice(head.length + 4);
      hold(data === toText(file.subarray(Number(first), Number(last) + 1)), "it has what it says");
      return { first: Number(first), last: Number(last) };
    });
    hold(isSame(read, found.ranges), "each range that is asked for has its part");
  },
};

export const VALUE_TARGETS: readonly FuzzTarget[] = [credentials, date, etag, address, multipart];
