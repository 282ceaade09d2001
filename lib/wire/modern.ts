/** Names and numbers of the modern protocol (docs/protocol.md, "Modern"). */

/** The one version there is so far. */
export const MODERN_VERSION = "1";

/** Versions of the modern protocol: what a server speaks, what a relay chooses. */
export const MODERN_HEADER = "X-PTTH-Modern";
/** Id of the server process, 26 characters. */
export const PROCESS_HEADER = "X-PTTH-Process";
/** Id of a session that the new one takes over from in good order. */
export const SUCCESSOR_HEADER = "X-PTTH-Successor-Of";
/** What the WebSocket of a control channel is opened for. */
export const CONTROL_PROTOCOL = "ptth-modern-1";

/** Below the prefix of classic's routes. */
export const MODERN_ROUTE = "/modern/";

/** Types of records. */
export const WELCOME = 0x01;
export const REQUEST = 0x02;
export const CANCEL = 0x03;
export const LAST = 0x04;
export const SEEN = 0x05;
export const PONG = 0x06;
export const ANSWER = 0x11;
export const INFORM = 0x12;
export const FAIL = 0x13;
export const LEAVE = 0x14;
export const PING = 0x15;
export const HEAD = 0x21;
export const DATA = 0x22;
export const END = 0x23;
export const ABORT = 0x24;
export const IDLE = 0x25;

/** Flags of REQUEST. */
export const BODY_FOLLOWS = 0x01;
export const WANTS_UPGRADE = 0x02;

/** Length of a body that is not known. */
export const UNKNOWN_LENGTH = 0xffff_ffff_ffff;

/** Characters of the ids of sessions, processes and exchanges. */
export const ID_CHARS = 26;

/** Bytes of a probe's nonce. */
export const NONCE_BYTES = 16;

/** Content-Length of the probe that finds out whether long bodies pass: 1 TiB. */
export const PROBE_LENGTH = 2 ** 40;

const ID_REGEXP = /^[0-9A-Za-z]{26}$/;

/** True for what can be the id of a session, a process or an exchange. */
export function isId(text: string): boolean {
  return ID_REGEXP.test(text);
}
