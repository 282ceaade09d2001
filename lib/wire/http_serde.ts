/**
 * The classic protocol's messages as bytes (docs/protocol.md, "Message layouts"): poll bodies, which
 * carry visitors' requests to a server, and magic headers, which carry an answer's status and
 * headers back. Encoders write the canonical form; decoders take every form that the original
 * takes and refuse the rest with a ProtocolError.
 */

import { Buffer } from "node:buffer";
import { ProtocolError } from "../base/errors.ts";
import { MAX_MESSAGE_HEADERS } from "../base/limits.ts";
import { headerPairs } from "../http/headers.ts";
import type { RawHeaders } from "../http/message.ts";
import {
  CLASSIC_METHOD_NAMES,
  CLASSIC_METHODS,
  CLASSIC_STATUS_NAMES,
  CLASSIC_STATUSES,
  type ClassicMethod,
  type ClassicStatus,
} from "./classic.ts";
import { MsgpackReader, MsgpackWriter } from "./msgpack.ts";

/** A visitor's request on its way to a server. */
export interface ClassicRequest {
  /** Names the exchange in the answer; the only secret that guards it. */
  readonly id: string;
  readonly method: ClassicMethod;
  /** The path after the server's name, still percent-encoded, without query. */
  readonly uri: string;
  /** Each name once, lower case. */
  readonly headers: RawHeaders;
}

/** Status and headers of a server's answer; the body travels as the POST's body. */
export interface ClassicAnswerHead {
  readonly status: ClassicStatus;
  /** Each name once. */
  readonly headers: RawHeaders;
}

/** The body of a poll's answer, `[[id, [{method: nil}, uri, headers]], …]`. */
export function encodePollBody(requests: readonly ClassicRequest[]): Uint8Array {
  const writer = new MsgpackWriter().writeArrayLength(requests.length);
  for (const { id, method, uri, headers } of requests) {
    writer.writeArrayLength(2).writeString(id).writeArrayLength(3);
    writer.writeMapLength(1).writeByte(CLASSIC_METHODS.indexOf(method)).writeNil();
    writer.writeString(uri);
    writeHeaders(writer, headers);
  }
  return writer.finish();
}

/** @throws {ProtocolError} if the bytes are not a poll body, whole and with nothing after it. */
export function decodePollBody(bytes: Uint8Array): ClassicRequest[] {
  const reader = new MsgpackReader(bytes, "poll body");
  const requests: ClassicRequest[] = [];
  const count = reader.readArrayLength();
  for (let i = 0; i < count; i++) {
    requests.push(reader.within(i, () => readWrappedRequest(reader)));
  }
  if (!reader.isAtEnd) reader.fail("bytes follow the message");
  return requests;
}

/** The value of the magic header: base64 of `[{status: nil}, headers]`. */
export function encodeMagicHeader(head: ClassicAnswerHead): string {
  const writer = new MsgpackWriter().writeArrayLength(2);
  writer.writeMapLength(1).writeByte(CLASSIC_STATUSES.indexOf(head.status)).writeNil();
  writeHeaders(writer, head.headers);
  return Buffer.from(writer.finish()).toString("base64");
}

/** @throws {ProtocolError} if the text is not padded standard base64 of an answer's head. */
export function decodeMagicHeader(text: string): ClassicAnswerHead {
  const bytes = Buffer.from(text, "base64");
  // Buffer skips what is not base64 and takes the url-safe alphabet; the round trip does not.
  if (bytes.toString("base64") !== text) {
    throw new ProtocolError("Cannot decode magic header: it is not padded standard base64");
  }
  const reader = new MsgpackReader(bytes, "magic header");
  // Extra array fields and trailing bytes are ignored, as the original does: nothing more is read.
  const head = readStruct<{ status_code: ClassicStatus; headers: RawHeaders }>(reader, {
    status_code: () => readEnum(reader, CLASSIC_STATUSES, CLASSIC_STATUS_NAMES),
    headers: () => readHeaders(reader),
  }, { takesExtraFields: true });
  return { status: head.status_code, headers: head.headers };
}

function readWrappedRequest(reader: MsgpackReader): ClassicRequest {
  const { id, req } = readStruct<{ id: string; req: Omit<ClassicRequest, "id"> }>(reader, {
    id: () => reader.readString(),
    req: () =>
      readStruct<Omit<ClassicRequest, "id">>(reader, {
        method: () => readEnum(reader, CLASSIC_METHODS, CLASSIC_METHOD_NAMES),
        uri: () => reader.readString(),
        headers: () => readHeaders(reader),
      }),
  });
  return { id, ...req };
}

/** How each field of a struct is read, in the struct's order. */
type FieldReaders<T> = { readonly [K in keyof T]-?: () => T[K] };

/** A struct: an array of its fields in order, or a map from their names in any order. */
function readStruct<T extends object>(
  reader: MsgpackReader,
  fields: FieldReaders<T>,
  { takesExtraFields = false } = {},
): T {
  const names = Object.keys(fields) as (keyof T & string)[];
  const values: Partial<T> = {};
  if (reader.isMapNext()) {
    const count = reader.readMapLength();
    for (let i = 0; i < count; i++) {
      const key = reader.readString();
      const name = names.find((candidate) => candidate === key);
      if (name === undefined) return reader.fail(`unknown field ${JSON.stringify(key)}`);
      if (Object.hasOwn(values, name)) return reader.fail(`field "${name}" is given twice`);
      values[name] = reader.within(name, fields[name]);
    }
    const missing = names.find((name) => !Object.hasOwn(values, name));
    if (missing !== undefined) return reader.fail(`field "${missing}" is missing`);
  } else {
    const count = reader.readArrayLength();
    if (count < names.length || (count > names.length && !takesExtraFields)) {
      return reader.fail(`expected ${names.length} fields, not ${count}`);
    }
    for (const name of names) values[name] = reader.within(name, fields[name]);
  }
  return values as T;
}

/** An enum: a map of one entry, from the variant's index or name to nil. */
function readEnum<T>(reader: MsgpackReader, variants: readonly T[], names: readonly string[]): T {
  const count = reader.readMapLength();
  if (count !== 1) return reader.fail(`expected a map of one entry, not ${count}`);
  const index = reader.isStringNext()
    ? names.indexOf(reader.readString())
    : reader.readUnsigned(variants.length - 1);
  const variant = variants[index];
  if (variant === undefined) return reader.fail("unknown variant");
  reader.readNil();
  return variant;
}

function readHeaders(reader: MsgpackReader): RawHeaders {
  const count = reader.readMapLength();
  if (count > MAX_MESSAGE_HEADERS) return reader.fail(`more than ${MAX_MESSAGE_HEADERS} headers`);
  const headers: string[] = [];
  const seen = new Set<string>();
  for (let i = 0; i < count; i++) {
    const name = reader.readString();
    if (seen.has(name.toLowerCase())) return reader.fail(`header ${JSON.stringify(name)} twice`);
    seen.add(name.toLowerCase());
    headers.push(name, reader.within(name, () => readHeaderValue(reader)));
  }
  return headers;
}

/** A value: an array of its bytes; here a string with one character per byte. */
function readHeaderValue(reader: MsgpackReader): string {
  const length = reader.readArrayLength();
  let value = "";
  for (let i = 0; i < length; i++) value += String.fromCharCode(reader.readUnsigned(0xff));
  return value;
}

function writeHeaders(writer: MsgpackWriter, headers: RawHeaders): void {
  writer.writeMapLength(headers.length / 2);
  for (const [name, value] of headerPairs(headers)) {
    writer.writeString(name).writeArrayLength(value.length);
    for (let i = 0; i < value.length; i++) writer.writeByte(value.charCodeAt(i));
  }
}
