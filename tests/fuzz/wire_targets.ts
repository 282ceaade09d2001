/** What relays and servers send each other, by both protocols. */

import { ProtocolError } from "../../lib/base/errors.ts";
import { INLINE_ANSWER_BYTES } from "../../lib/base/limits.ts";
import {
  decodeMagicHeader,
  decodePollBody,
  encodeMagicHeader,
  encodePollBody,
} from "../../lib/wire/http_serde.ts";
import {
  encodeAnswer,
  encodeInform,
  encodeRequest,
  readRelayMessages,
  readServerMessages,
  type RelayMessage,
  type ServerMessage,
} from "../../lib/wire/modern_messages.ts";
import { RecordReader } from "../../lib/wire/record_reader.ts";
import { WebSocketReader } from "../../lib/wire/websocket.ts";
import { split, toText } from "./mutate.ts";
import { type FuzzTarget, hold, isSame, refusedBy } from "./target.ts";

const RECORD_TOKENS = [
  ...["\x02", "\x11", "\x12", "\x13", "\x14", "\x15", "\x21", "\x22", "\x23", "\x24", "\x25"],
  ...["\0\0\0\0\0\0", "\xff\xff\xff\xff\xff\xff", "\0\xc8", "\0\x02", "\0\x01", "\xff\xff"],
  ...["01KVR8V0P6GQ4ZB7M3E9T5XAWD", "GET", "/x"],
];

const serverMessages: FuzzTarget = {
  name: "server_messages",
  tokens: RECORD_TOKENS,
  run: (bytes) => {
    refusedBy(ProtocolError, () =>
      readServerMessages(bytes.slice(), (message: ServerMessage) => {
        if (message.type !== "answer" && message.type !== "inform") return;
        const { id, head } = message;
        if (message.type === "answer") {
          hold(message.body.length <= INLINE_ANSWER_BYTES, "its body is no longer than it may be");
        }
        const again = message.type === "answer"
          ? encodeAnswer(id, head, message.body)
          : encodeInform(id, head);
        readServerMessages(again, (other) => {
          hold(isSame(describe(other), describe(message)), "it is read again as it was");
        });
      }));
  },
};

const relayMessages: FuzzTarget = {
  name: "relay_messages",
  tokens: RECORD_TOKENS,
  run: (bytes) => {
    refusedBy(ProtocolError, () =>
      readRelayMessages(bytes.slice(), (message: RelayMessage) => {
        if (message.type !== "request") return;
        readRelayMessages(encodeRequest(message.request), (other) => {
          hold(isSame(describe(other), describe(message)), "it is read again as it was");
        });
      }));
  },
};

/** With bytes as text, for comparison. */
function describe(message: RelayMessage | ServerMessage): unknown {
  if (message.type === "answer") return { ...message, body: toText(message.body) };
  if (message.type !== "request") return message;
  const { body, ...rest } = message.request;
  return { ...rest, body: body instanceof Uint8Array ? toText(body) : body };
}

const records: FuzzTarget = {
  name: "records",
  tokens: RECORD_TOKENS,
  run: (bytes, random) => {
    const whole = readRecords([bytes.slice()]);
    hold(isSame(readRecords(split(bytes, random)), whole), "the pieces do not matter");
  },
};

/** Records as they come, the pieces of long ones together. */
function readRecords(pieces: readonly Uint8Array[]): readonly unknown[] {
  const events: unknown[][] = [];
  const reader = new RecordReader({
    boundOf: (type) => type === 0x22 ? undefined : type < 0x30 ? 1000 : undefined,
    record: (type, payload) => events.push(["record", type, toText(payload)]),
    piece: (piece) => {
      const last = events.at(-1);
      if (last?.[0] === "piece") last[1] += toText(piece);
      else events.push(["piece", toText(piece)]);
    },
  });
  const refused = refusedBy(ProtocolError, () => {
    for (const piece of pieces) reader.push(piece);
    return true;
  }) === undefined;
  return [...events, refused ? "refused" : reader.isBetween];
}

const webSocket: FuzzTarget = {
  name: "websocket",
  tokens: [
    ...[
      "\x82\x80\0\0\0\0",
      "\x02\x81\0\0\0\0x",
      "\x80\x81\0\0\0\0x",
      "\x89\x80\0\0\0\0",
      "\x88\x82\0\0\0\0\x03\xe8",
    ],
    ...[
      "\x82\xfe\x01\0\0\0\0\0",
      "\x82\xff\0\0\0\0\0\x01\0\0",
      "\xc2\x80",
      "\x81\x80",
      "\x82\x01x",
    ],
  ],
  run: (bytes, random) => {
    const whole = readFrames([bytes.slice()]);
    hold(isSame(readFrames(split(bytes, random)), whole), "the pieces do not matter");
  },
};

function readFrames(pieces: readonly Uint8Array[]): readonly unknown[] {
  const events: unknown[] = [];
  const reader = new WebSocketReader({ isMasked: true, maxMessageBytes: 1000 }, {
    message: (bytes) => {
      hold(bytes.length <= 1000, "no message is longer than it may be");
      events.push(["message", toText(bytes)]);
    },
    ping: (payload) => events.push(["ping", toText(payload)]),
    close: (code, reason) => events.push(["close", code, reason]),
  });
  const refused = refusedBy(ProtocolError, () => {
    for (const piece of pieces) reader.push(piece);
    return true;
  }) === undefined;
  return refused ? [...events, "refused"] : events;
}

const MSGPACK_TOKENS = [
  ...[
    "\x90",
    "\x91",
    "\x92",
    "\x93",
    "\x81",
    "\x80",
    "\xc0",
    "\x00",
    "\xdc\xff\xff",
    "\xdd\xff\xff\xff\xff",
  ],
  ...[
    "\xde\xff\xff",
    "\xd9\x05hello",
    "\xda\xff\xff",
    "\xdb\xff\xff\xff\xff",
    "\xc4\x01x",
    "\xc6\xff\xff\xff\xff",
  ],
];

const pollBody: FuzzTarget = {
  name: "poll_body",
  tokens: MSGPACK_TOKENS,
  run: (bytes) => {
    const requests = refusedBy(ProtocolError, () => decodePollBody(bytes));
    if (requests === undefined) return;
    hold(requests.length <= bytes.length, "there are no more requests than bytes");
    hold(isSame(decodePollBody(encodePollBody(requests)), requests), "it is read again as it was");
  },
};

const magicHeader: FuzzTarget = {
  name: "magic_header",
  tokens: ["kg==", "=", "gQ", "wA", "AAAA", "////", "-", "_", " "],
  run: (bytes, random) => {
    // Half of them as base64 of what is in the corpus, so that what it holds is read as well.
    const text = random.chance(0.5) ? toText(bytes) : btoa(toText(bytes));
    const head = refusedBy(ProtocolError, () => decodeMagicHeader(text));
    if (head === undefined) return;
    hold(isSame(decodeMagicHeader(encodeMagicHeader(head)), head), "it is read again as it was");
  },
};

export const WIRE_TARGETS: readonly FuzzTarget[] = [
  ...[serverMessages, relayMessages, records, webSocket, pollBody, magicHeader],
];
