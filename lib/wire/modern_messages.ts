/** The messages of the modern protocol as bytes (docs/protocol.md, "Messages"). Pure. */

import { Buffer } from "node:buffer";
import { ProtocolError } from "../base/errors.ts";
import { writeLatin1 } from "../base/latin1.ts";
import {
  INLINE_ANSWER_BYTES,
  INLINE_REQUEST_BYTES,
  INTERIM_OVERHEAD_BYTES,
  MAX_MESSAGE_BYTES,
} from "../base/limits.ts";
import type { RawHeaders } from "../http/message.ts";
import {
  ANSWER,
  BODY_FOLLOWS,
  CANCEL,
  FAIL,
  HEAD,
  ID_CHARS,
  INFORM,
  isId,
  LAST,
  LEAVE,
  NONCE_BYTES,
  PING,
  PONG,
  REQUEST,
  SEEN,
  UNKNOWN_LENGTH,
  WANTS_UPGRADE,
  WELCOME,
} from "./modern.ts";
import { RecordReader } from "./record_reader.ts";
import {
  encodeEmptyRecord,
  encodeRecord,
  measureTexts,
  PayloadReader,
  RECORD_HEAD_BYTES,
  writeLength,
  writeRecordHead,
  writeTexts,
  writeUint16,
} from "./records.ts";

/** A visitor's request, as a server gets it. */
export interface ModernRequest {
  readonly id: string;
  readonly method: string;
  /** Path and query behind the server's name, as sent; in host mode all of the target. */
  readonly target: string;
  /** The visitor's address; "" where it is not known. */
  readonly address: string;
  readonly headers: RawHeaders;
  /** The whole body, or how long the stream is that the server may ask for; null: not known. */
  readonly body: Uint8Array | { readonly streamLength: number | null };
  /** True if the visitor asks to speak another protocol on its connection. */
  readonly wantsUpgrade: boolean;
}

/** Status and fields of an answer, final or interim. */
export interface ModernHead {
  readonly status: number;
  readonly headers: RawHeaders;
}

/** What a relay says on the channel. */
export type RelayMessage =
  | { readonly type: "welcome"; readonly session: string; readonly host: string | undefined }
  | { readonly type: "request"; readonly request: ModernRequest }
  | { readonly type: "cancel"; readonly id: string }
  | { readonly type: "last" }
  | { readonly type: "seen"; readonly nonce: Uint8Array }
  | { readonly type: "pong" };

/** What a server says on the channel. */
export type ServerMessage =
  | {
    readonly type: "answer";
    readonly id: string;
    readonly head: ModernHead;
    readonly body: Uint8Array;
  }
  | { readonly type: "inform"; readonly id: string; readonly head: ModernHead }
  | { readonly type: "fail"; readonly id: string }
  | { readonly type: "leave" }
  | { readonly type: "ping" };

export function encodeWelcome(session: string, host: string | undefined): Uint8Array {
  const texts = ["session", session];
  if (host !== undefined) texts.push("host", host);
  const payload = new Uint8Array(measureTexts(texts));
  writeTexts(payload, 0, texts);
  return encodeRecord(WELCOME, payload);
}

/** @throws {RangeError} where the head is past the bounds of a record. */
export function encodeRequest(request: ModernRequest): Uint8Array {
  const { id, method, target, address, headers, body, wantsUpgrade } = request;
  const isInline = body instanceof Uint8Array;
  const texts = [method, target, address, ...headers];
  const rest = isInline ? body.length : 0;
  const length = ID_CHARS + 1 + 6 + measureTexts(texts) + rest;
  const bytes = Buffer.allocUnsafe(RECORD_HEAD_BYTES + length);
  let at = writeRecordHead(bytes, 0, { type: REQUEST, length });
  at = writeLatin1(bytes, at, id);
  bytes[at++] = (isInline ? 0 : BODY_FOLLOWS) | (wantsUpgrade ? WANTS_UPGRADE : 0);
  at = writeLength(bytes, at, isInline ? rest : body.streamLength ?? UNKNOWN_LENGTH);
  at = writeTexts(bytes, at, texts);
  if (isInline) bytes.set(body, at);
  return bytes;
}

export function encodeCancel(id: string): Uint8Array {
  return encodeId(CANCEL, id);
}

export function encodeLast(): Uint8Array {
  return encodeEmptyRecord(LAST);
}

/** `nonce` has NONCE_BYTES. */
export function encodeSeen(nonce: Uint8Array): Uint8Array {
  return encodeRecord(SEEN, nonce);
}

export function encodePong(): Uint8Array {
  return encodeEmptyRecord(PONG);
}

/** @throws {RangeError} where the head is past the bounds of a record. */
export function encodeAnswer(id: string, head: ModernHead, body: Uint8Array): Uint8Array {
  return Buffer.concat([encodeAnswerHead(id, head, body.length), body]);
}

/** An answer up to its body, which follows as the rest of the record. @throws as encodeAnswer. */
export function encodeAnswerHead(id: string, head: ModernHead, bodyLength: number): Uint8Array {
  return encodeHead({ type: ANSWER, id, head, bodyLength });
}

/** @throws {RangeError} where the head is past the bounds of a record. */
export function encodeInform(id: string, head: ModernHead): Uint8Array {
  return encodeHead({ type: INFORM, id, head });
}

/** What an interim answer counts for towards MAX_INTERIM_BYTES. @throws {RangeError} as above. */
export function weighInform({ headers }: ModernHead): number {
  return INTERIM_OVERHEAD_BYTES + measureTexts(headers);
}

/** The first record of an answer stream. @throws {RangeError} as encodeAnswer. */
export function encodeStreamHead(head: ModernHead): Uint8Array {
  return encodeHead({ type: HEAD, id: "", head });
}

export function encodeFail(id: string): Uint8Array {
  return encodeId(FAIL, id);
}

export function encodeLeave(): Uint8Array {
  return encodeEmptyRecord(LEAVE);
}

export function encodePing(): Uint8Array {
  return encodeEmptyRecord(PING);
}

/** @throws {ProtocolError} */
export function decodeStreamHead(payload: Uint8Array): ModernHead {
  const reader = new PayloadReader(payload, "HEAD");
  const head = readHead(reader);
  reader.expectEnd();
  return head;
}

/**
 * Takes the messages of a relay out of bytes that hold them whole.
 *
 * @throws {ProtocolError} at the first that is none; those before it have been handed on.
 */
export function readRelayMessages(bytes: Uint8Array, take: (message: RelayMessage) => void): void {
  readWhole(bytes, {
    bounds: RELAY_BOUNDS,
    take: (type, payload) => take(decodeRelayMessage(type, payload)),
  });
}

/** The same for the messages of a server. @throws {ProtocolError} */
export function readServerMessages(
  bytes: Uint8Array,
  take: (message: ServerMessage) => void,
): void {
  readWhole(bytes, {
    bounds: SERVER_BOUNDS,
    take: (type, payload) => take(decodeServerMessage(type, payload)),
  });
}

const RELAY_BOUNDS: ReadonlyMap<number, number> = new Map([
  [WELCOME, MAX_MESSAGE_BYTES],
  [REQUEST, MAX_MESSAGE_BYTES],
  [CANCEL, ID_CHARS],
  [LAST, 0],
  [SEEN, NONCE_BYTES],
  [PONG, 0],
]);

const SERVER_BOUNDS: ReadonlyMap<number, number> = new Map([
  [ANSWER, MAX_MESSAGE_BYTES],
  [INFORM, MAX_MESSAGE_BYTES],
  [FAIL, ID_CHARS],
  [LEAVE, 0],
  [PING, 0],
]);

function readWhole(
  bytes: Uint8Array,
  { bounds, take }: {
    readonly bounds: ReadonlyMap<number, number>;
    readonly take: (type: number, payload: Uint8Array) => void;
  },
): void {
  const reader = new RecordReader({
    boundOf: (type) => bounds.get(type),
    record: take,
    piece: () => {},
  });
  reader.push(bytes);
  if (!reader.isBetween) throw new ProtocolError("A record is cut short");
}

function decodeRelayMessage(type: number, payload: Uint8Array): RelayMessage {
  switch (type) {
    case WELCOME:
      return decodeWelcome(payload);
    case REQUEST:
      return { type: "request", request: decodeRequest(payload) };
    case CANCEL:
      return { type: "cancel", id: decodeId(payload, "CANCEL") };
    case SEEN:
      if (payload.length !== NONCE_BYTES) throw new ProtocolError("Cannot decode SEEN: no nonce");
      // A copy; that of a Buffer's slice() would be none.
      return { type: "seen", nonce: new Uint8Array(payload) };
    case LAST:
      return { type: "last" };
    default:
      return { type: "pong" };
  }
}

function decodeServerMessage(type: number, payload: Uint8Array): ServerMessage {
  switch (type) {
    case ANSWER: {
      const reader = new PayloadReader(payload, "ANSWER");
      const id = readId(reader);
      const head = readHead(reader);
      const body = reader.readRest();
      if (isInterim(head.status)) return reader.fail(`its status is ${head.status}`);
      if (body.length > INLINE_ANSWER_BYTES) {
        return reader.fail(`its body is over ${INLINE_ANSWER_BYTES} bytes`);
      }
      return { type: "answer", id, head, body };
    }
    case INFORM: {
      const reader = new PayloadReader(payload, "INFORM");
      const id = readId(reader);
      const head = readHead(reader);
      reader.expectEnd();
      const { status } = head;
      if (!isInterim(status) || status < 102) return reader.fail(`its status is ${status}`);
      return { type: "inform", id, head };
    }
    case FAIL:
      return { type: "fail", id: decodeId(payload, "FAIL") };
    case LEAVE:
      return { type: "leave" };
    default:
      return { type: "ping" };
  }
}

function decodeWelcome(payload: Uint8Array): RelayMessage {
  const reader = new PayloadReader(payload, "WELCOME");
  const texts = reader.readTexts();
  reader.expectEnd();
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < texts.length; i += 2) values.set(texts[i] ?? "", texts[i + 1] ?? "");
  const session = values.get("session") ?? "";
  if (!isId(session)) return reader.fail("there is no id of a session");
  return { type: "welcome", session, host: values.get("host") };
}

function decodeRequest(payload: Uint8Array): ModernRequest {
  const reader = new PayloadReader(payload, "REQUEST");
  const id = readId(reader);
  const flags = reader.readByte();
  const length = reader.readLength();
  const [method = "", target = "", address = "", ...headers] = reader.readTexts();
  if (method === "" || target === "" || headers.length % 2 !== 0) {
    return reader.fail("its texts are incomplete");
  }
  const wantsUpgrade = (flags & WANTS_UPGRADE) !== 0;
  if (wantsUpgrade && (flags & BODY_FOLLOWS) === 0) {
    return reader.fail("it wants an upgrade, and no body follows");
  }
  const base = { id, method, target, address, headers, wantsUpgrade };
  if ((flags & BODY_FOLLOWS) !== 0) {
    reader.expectEnd();
    return { ...base, body: { streamLength: length === UNKNOWN_LENGTH ? null : length } };
  }
  const body = reader.readRest();
  if (body.length !== length || length > INLINE_REQUEST_BYTES) {
    return reader.fail(`its body has ${body.length} bytes, not ${length}, or too many`);
  }
  return { ...base, body };
}

/** Of any status: one that HTTP does not know is a fault of that answer alone. */
function readHead(reader: PayloadReader): ModernHead {
  const status = reader.readUint16();
  const headers = reader.readTexts();
  if (headers.length % 2 !== 0) return reader.fail("a field has no value");
  return { status, headers };
}

/** RFC 9110 §15.2. */
function isInterim(status: number): boolean {
  return status >= 100 && status < 200;
}

function readId(reader: PayloadReader): string {
  const id = reader.readLatin1(ID_CHARS);
  return isId(id) ? id : reader.fail("there is no id");
}

function decodeId(payload: Uint8Array, what: string): string {
  const reader = new PayloadReader(payload, what);
  return readId(reader);
}

function encodeId(type: number, id: string): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEAD_BYTES + ID_CHARS);
  writeLatin1(bytes, writeRecordHead(bytes, 0, { type, length: ID_CHARS }), id);
  return bytes;
}

function encodeHead(
  { type, id, head, bodyLength = 0 }: {
    readonly type: number;
    /** "" where the record has none. */
    readonly id: string;
    readonly head: ModernHead;
    /** Bytes of the record that follow what is made here. */
    readonly bodyLength?: number;
  },
): Uint8Array {
  const { status, headers } = head;
  const length = id.length + 2 + measureTexts(headers);
  const bytes = Buffer.allocUnsafe(RECORD_HEAD_BYTES + length);
  let at = writeRecordHead(bytes, 0, { type, length: length + bodyLength });
  at = writeLatin1(bytes, at, id);
  at = writeUint16(bytes, at, status);
  writeTexts(bytes, at, headers);
  return bytes;
}
