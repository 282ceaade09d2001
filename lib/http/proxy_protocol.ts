/**
 * The header that a TCP load balancer puts in front of a connection, to tell whose it is: the PROXY
 * protocol of HAProxy (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt), version 1
 * (§2.1, a line of text) and version 2 (§2.2, binary).
 */

import { Buffer } from "node:buffer";
import { isIPv4, isIPv6, SocketAddress } from "node:net";
import { MAX_PROXY_HEADER_BYTES, MAX_PROXY_LINE_BYTES } from "../base/limits.ts";

/** What the first bytes of a connection are. */
export type ProxyHeaderReading =
  | { readonly kind: "incomplete" }
  | ProxyHeader
  | { readonly kind: "malformed"; readonly reason: string };

export interface ProxyHeader {
  readonly kind: "header";
  /** Bytes that it takes up; what follows is the connection's own. */
  readonly length: number;
  /**
   * The address that the connection comes from, in the form that sockets have; null where the
   * header does not tell, or says that the connection is the load balancer's own.
   */
  readonly source: string | null;
}

const LINE_START = Buffer.from("PROXY ", "latin1");
const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

/** Version 2: signature, version and command, family and transport, length of what follows. */
const FIXED_BYTES = 16;
const LOCAL = 0x20;
const PROXY = 0x21;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;
/** The highest that exist: AF_UNIX and DGRAM. */
const LAST_FAMILY = 3;
const LAST_TRANSPORT = 2;

/**
 * Reads the header that `bytes` begin with: all that has come so far. "incomplete" is never said of
 * more bytes than the limits allow, nor of a beginning that no header has.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const bytes = new TextEncoder().encode("PROXY TCP4 192.0.2.7 10.0.0.1 5000 80\r\nGET /");
 * assertEquals(readProxyHeader(bytes), { kind: "header", length: 39, source: "192.0.2.7" });
 * ```
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeaderReading {
  if (isAlike(bytes, LINE_START)) return readLine(bytes);
  if (isAlike(bytes, SIGNATURE)) return readBinary(bytes);
  return malformed("it begins as neither version does");
}

/** True if `bytes` begin with `start`, or may do when more of them have come. */
function isAlike(bytes: Uint8Array, start: Uint8Array): boolean {
  const length = Math.min(bytes.length, start.length);
  return Buffer.compare(bytes.subarray(0, length), start.subarray(0, length)) === 0;
}

function readLine(bytes: Uint8Array): ProxyHeaderReading {
  const text = Buffer.from(bytes.subarray(0, MAX_PROXY_LINE_BYTES)).toString("latin1");
  const end = text.search(/[\r\n]/);
  const lineEnd = end < 0 ? "" : text.slice(end, end + 2);
  if (lineEnd === "\r\n") return readFields(text.slice(0, end));
  if (lineEnd !== "" && lineEnd !== "\r") return malformed("its line ends by less than CR LF");
  return text.length < MAX_PROXY_LINE_BYTES ? INCOMPLETE : malformed("its line is too long");
}

/** `line` is without its end. */
function readFields(line: string): ProxyHeaderReading {
  const length = line.length + 2;
  const [, protocol, ...fields] = line.split(" ");
  // What else such a line says is to be ignored.
  if (protocol === "UNKNOWN") return { kind: "header", length, source: null };
  if (protocol !== "TCP4" && protocol !== "TCP6") return malformed("its protocol is unknown");
  const [source = "", destination = "", ...ports] = fields;
  const isAddress = protocol === "TCP4" ? isIPv4 : isPlainIPv6;
  if (!isAddress(source) || !isAddress(destination)) return malformed("an address is none");
  if (ports.length !== 2 || !ports.every(isPort)) return malformed("its ports are not two");
  return { kind: "header", length, source: protocol === "TCP4" ? source : tidyIPv6(source) };
}

function readBinary(bytes: Uint8Array): ProxyHeaderReading {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length <= SIGNATURE.length) return INCOMPLETE;
  const command = view.getUint8(SIGNATURE.length);
  if (command !== LOCAL && command !== PROXY) return malformed("its version or command is unknown");
  if (bytes.length < FIXED_BYTES) return INCOMPLETE;
  const kind = view.getUint8(SIGNATURE.length + 1);
  const restBytes = view.getUint16(SIGNATURE.length + 2);
  const length = FIXED_BYTES + restBytes;
  if (length > MAX_PROXY_HEADER_BYTES) return malformed("it is too long");
  if (command === PROXY) {
    if (kind >> 4 > LAST_FAMILY || (kind & 15) > LAST_TRANSPORT) {
      return malformed("its family or transport is unknown");
    }
    if (restBytes < addressBytes(kind)) return malformed("it is too short for its addresses");
  }
  if (bytes.length < length) return INCOMPLETE;
  // What follows the addresses, as the name that a visitor asked for by TLS, is of no use here.
  return { kind: "header", length, source: command === PROXY ? readSource(view, kind) : null };
}

/** How long two addresses and ports are; 0 for what is not read. */
function addressBytes(kind: number): number {
  if (kind === TCP_OVER_IPV4) return 2 * 4 + 2 * 2;
  return kind === TCP_OVER_IPV6 ? 2 * 16 + 2 * 2 : 0;
}

/** Null for what is no TCP connection over IP: such senders have no address that is meant here. */
function readSource(view: DataView, kind: number): string | null {
  const at = (index: number): number => FIXED_BYTES + index;
  if (kind === TCP_OVER_IPV4) {
    return Array.from({ length: 4 }, (_, i) => view.getUint8(at(i))).join(".");
  }
  if (kind !== TCP_OVER_IPV6) return null;
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(at(2 * i)).toString(16));
  return tidyIPv6(groups.join(":"));
}

/** No zone index: it would name an interface of the sender. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes("%");
}

/** The form of RFC 5952, so that one address is always the same text. */
function tidyIPv6(address: string): string {
  return new SocketAddress({ address, family: "ipv6" }).address;
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65535;
}

const INCOMPLETE: ProxyHeaderReading = { kind: "incomplete" };

function malformed(reason: string): ProxyHeaderReading {
  return { kind: "malformed", reason };
}
