/** Sends answers, with the framing rules of RFC 9112 §6. */

import type { Socket } from "node:net";
import { MAX_PIECE_BYTES } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { AnswerStream } from "./answer_stream.ts";
import { AnswerWriter, type Ongoing } from "./answer_writer.ts";
import { toFieldLine, toStatusLine } from "./encode_head.ts";
import { encodeLatin1 } from "../base/latin1.ts";
import type { HttpAnswer, HttpRequest, RawHeaders } from "./message.ts";
import { writePart } from "./write_part.ts";

export interface SendOptions {
  readonly request: Pick<HttpRequest, "method" | "httpVersion">;
  /** Announces that no further request is taken on this connection. */
  readonly closesConnection: boolean;
  /** The Date field, where the answer has none of its own. */
  readonly date: string;
  /** All of the answer has been handed to the network; called once, never if that fails. */
  readonly handedOver: (error?: Error | null) => void;
  /** Ends the connection so that no answer on it looks complete. */
  readonly cut: () => void;
  /** Told of every piece of the body that is handed over, in bytes. */
  readonly sent: ((bytes: number) => void) | undefined;
  readonly log: Logger;
}

export interface Sending {
  /** True where the answer says, or shows by its end, that the connection takes no other request. */
  readonly closesConnection: boolean;
  /** Null where all of it has been written already. */
  readonly ongoing: Ongoing | null;
}

/** True where a final answer has no body whatever its headers say (RFC 9110 §6.4.1). */
export function isBodyless(status: number, isHead: boolean): boolean {
  return isHead || status === 204 || status === 304;
}

/** Gives up a body that nobody will read. */
export function destroyBody(body: HttpAnswer["body"]): void {
  if (body !== null && !(body instanceof Uint8Array)) body.destroy();
}

/**
 * Sends the whole answer, or cuts the connection where that is impossible, so that a cut answer
 * never looks complete. Takes over the body.
 *
 * @throws {TypeError} for a head that cannot be written, before anything has been; the body is
 *   still the caller's then.
 */
export function sendAnswer(socket: Socket, answer: HttpAnswer, options: SendOptions): Sending {
  const { status, body } = answer;
  const { request, date, handedOver, sent } = options;
  const fields = readFields(status, answer.headers);
  const isHead = request.method === "HEAD";
  const hasBody = !isBodyless(status, isHead);
  const stream = body !== null && !(body instanceof Uint8Array) ? body : null;
  // RFC 9112 §6.3: without a length or chunks, the end of the connection is that of the answer.
  const isUnbounded = hasBody && stream !== null && fields.length === null;
  const isChunked = isUnbounded && request.httpVersion === "1.1";
  const closesConnection = options.closesConnection || (isUnbounded && !isChunked);

  let head = toStatusLine(status) + fields.lines;
  if (isChunked) head += `Transfer-Encoding: chunked\r\n${fields.trailerLines}`;
  if (stream === null && status !== 204 && status !== 304) {
    head += lengthLine(body, fields.length, isHead);
  }
  if (closesConnection) head += "Connection: close\r\n";
  else if (request.httpVersion === "1.0") head += "Connection: keep-alive\r\n";
  head += fields.hasDate ? "\r\n" : `Date: ${date}\r\n\r\n`;

  let ongoing: Ongoing | null = null;
  if (!hasBody || body === null) {
    destroyBody(body);
    socket.write(encodeLatin1(head), handedOver);
  } else if (stream !== null) {
    ongoing = new AnswerStream(stream, {
      socket,
      head,
      length: fields.length,
      isChunked,
      trailers: answer.trailers,
      sent,
      cut: options.cut,
      handedOver,
      log: options.log,
    });
  } else if (body instanceof Uint8Array) {
    sent?.(body.length);
    if (body.length <= MAX_PIECE_BYTES) {
      writePart(socket, {
        before: head,
        bytes: body,
        after: "",
        owned: undefined,
        written: handedOver,
      });
    } else {
      const writer = new AnswerWriter(socket, {
        head,
        isChunked,
        drained: () => {},
        handedOver,
      });
      writer.write(body, false);
      writer.end("");
      ongoing = writer;
    }
  }
  return { closesConnection, ongoing };
}

/** What the fields of an answer come to. */
interface Fields {
  /** But for those that frame the answer, which are the engine's, and Trailer. */
  readonly lines: string;
  /** RFC 9112 §7.1.2: trailers are chunked coding's, and so is the field that announces them. */
  readonly trailerLines: string;
  /** The declared length of the body, or null. */
  readonly length: number | null;
  readonly hasDate: boolean;
}

/** @throws {TypeError} for what cannot stand in a head. */
function readFields(status: number, headers: RawHeaders): Fields {
  let lines = "";
  let trailerLines = "";
  let length: number | null = null;
  let hasDate = false;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const value = headers[i + 1] ?? "";
    const line = toFieldLine(name, value);
    // Most names are told apart from these by their length.
    switch (name.length) {
      case 4:
        hasDate ||= name.toLowerCase() === "date";
        break;
      case 7:
        if (name.toLowerCase() !== "trailer") break;
        trailerLines += line;
        continue;
      case 10:
      case 17:
        if (OF_THE_ENGINE.has(name.toLowerCase())) continue;
        break;
      case 14:
        if (name.toLowerCase() !== "content-length") break;
        if (length !== null || !LENGTH_REGEXP.test(value)) {
          throw new TypeError("Cannot encode head: the Content-Length field is malformed");
        }
        length = Number(value);
        // RFC 9110 §8.6: never with a 204.
        if (status === 204) continue;
        break;
    }
    lines += line;
  }
  return { lines, trailerLines, length, hasDate };
}

const OF_THE_ENGINE: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
]);
const LENGTH_REGEXP = /^[0-9]{1,15}$/;

/** @throws {TypeError} for bytes that are not as long as the head says. */
function lengthLine(body: HttpAnswer["body"], declared: number | null, isHead: boolean): string {
  const length = body instanceof Uint8Array ? body.length : 0;
  if (declared === null) return isHead && body === null ? "" : `Content-Length: ${length}\r\n`;
  if (declared !== length && !isHead) {
    throw new TypeError(`Cannot encode head: ${length} bytes are announced as ${declared}`);
  }
  return "";
}
