/** Writes an answer to node:http, with the framing rules of RFC 9112 §6. */

import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { clearImmediate, setImmediate } from "node:timers";
import { toMessage } from "../base/errors.ts";
import { MAX_PIECE_BYTES } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { headerPairs, headerValue, isTrailer, withoutField } from "./headers.ts";
import type { HttpAnswer, RawHeaders } from "./message.ts";
import { freeWhenWritten, ownsChunks } from "./owned_chunks.ts";

export interface SendOptions {
  readonly isHead: boolean;
  /** Announces that no further request is taken on this connection. */
  readonly closesConnection: boolean;
  /** Takes what is left of the request off the connection; resolves when it is, or is given up. */
  readonly requestTaken: () => Promise<void>;
  /** Ends the connection so that no answer on it looks complete. */
  readonly cut: () => void;
  /** Told of every piece of the body that is handed over, in bytes. */
  readonly sent: ((bytes: number) => void) | undefined;
  readonly log: Logger;
}

/** True where a final answer has no body whatever its headers say (RFC 9110 §6.4.1). */
export function isBodyless(status: number, isHead: boolean): boolean {
  return isHead || status === 204 || status === 304;
}

/**
 * Sends the whole answer, or cuts the connection where that is impossible, so that a cut answer
 * never looks complete. Takes over the body. The end shows in the response's `close` event.
 */
export function sendAnswer(
  response: ServerResponse,
  answer: HttpAnswer,
  options: SendOptions,
): void {
  const { status, body } = answer;
  if (response.destroyed) return void destroyBody(body);
  const headers = [...answer.headers];
  if (options.closesConnection) headers.push("Connection", "close");
  const declared = headerValue(headers, "content-length");
  if (isBodyless(status, options.isHead)) {
    if (body instanceof Uint8Array && declared === undefined && status !== 204 && status !== 304) {
      headers.push("Content-Length", String(body.length));
    }
    destroyBody(body);
    response.writeHead(status, headers);
    finish(response, options);
  } else if (body === null || body instanceof Uint8Array) {
    if (declared === undefined) headers.push("Content-Length", String(body?.length ?? 0));
    response.writeHead(status, headers);
    if (body !== null && body.length > 0) finish(response, options, body);
    else finish(response, options);
  } else {
    // RFC 9112 §7.1.2: trailers are chunked coding's, and the engine throws where one is announced
    // and the answer ends with the connection.
    const isOld = response.req.httpVersion === "1.0";
    response.writeHead(status, isOld ? withoutField(headers, "trailer") : headers);
    pump(body, response, {
      declared: declared === undefined ? null : Number(declared),
      trailers: isOld ? undefined : answer.trailers,
      options,
    });
  }
}

/** Gives up a body that nobody will read. */
export function destroyBody(body: HttpAnswer["body"]): void {
  if (body !== null && !(body instanceof Uint8Array)) body.destroy();
}

function pump(
  body: Readable,
  response: ServerResponse,
  { declared, trailers, options }: {
    readonly declared: number | null;
    readonly trailers: HttpAnswer["trailers"];
    readonly options: SendOptions;
  },
): void {
  const isOwned = ownsChunks(body);
  let sent = 0;
  const cut = (reason: string): void => {
    options.log.debug("Answer was cut", { reason, sent, declared });
    options.cut();
  };
  // A head waits for the first bytes of its body, so that both leave together; not for long.
  const flush = setImmediate(() => {
    if (sent === 0) response.flushHeaders();
  });
  response.once("close", () => {
    clearImmediate(flush);
    body.destroy();
  });
  response.on("drain", () => body.resume());
  body.on("error", (error) => cut(toMessage(error)));
  body.on("close", () => {
    if (!body.readableEnded && !response.destroyed) cut("the body ended early");
  });
  body.on("data", (chunk: Uint8Array) => {
    sent += chunk.length;
    if (declared !== null && sent > declared) {
      body.destroy();
      return cut("the body is longer than its Content-Length");
    }
    // Those of other streams may be used again.
    const done = isOwned ? freeWhenWritten(chunk) : undefined;
    if (!writePieces(response, chunk, done)) body.pause();
    options.sent?.(chunk.length);
  });
  body.on("end", () => {
    if (declared !== null && sent < declared) {
      return cut("the body is shorter than its Content-Length");
    }
    if (declared === null && trailers !== undefined) addTrailers(response, trailers());
    finish(response, options);
  });
  // Failed while the handler was still awaited: its events are past.
  if (body.destroyed) cut("the body ended early");
}

/** Where the answer is not chunked, the engine leaves them out. */
function addTrailers(response: ServerResponse, trailers: RawHeaders): void {
  const fields = [...headerPairs(trailers)].filter(([name, value]) => isTrailer(name, value));
  // Its declared type knows no list of pairs, in which a name may stand twice.
  if (fields.length > 0) response.addTrailers(fields as unknown as OutgoingHttpHeaders);
}

/** As `response.write`, in pieces small enough for the silence watch to see a slow reader move. */
function writePieces(
  response: ServerResponse,
  bytes: Uint8Array,
  done?: (error?: Error | null) => void,
): boolean {
  let canTakeMore = true;
  for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) {
    const piece = bytes.subarray(at, at + MAX_PIECE_BYTES);
    const isLast = at + MAX_PIECE_BYTES >= bytes.length;
    canTakeMore = isLast && done !== undefined
      ? response.write(piece, done)
      : response.write(piece);
  }
  return canTakeMore;
}

/**
 * Ends the message. Ending closes a connection that is not kept, and closing with unread bytes in
 * the receive buffer makes the kernel reset it, which may take the answer along: so the last bytes
 * are written first, and the end waits until the request is off the connection (RFC 9112 §9.6).
 */
function finish(response: ServerResponse, options: SendOptions, last?: Uint8Array): void {
  if (last !== undefined) options.sent?.(last.length);
  if (!options.closesConnection) {
    if (last === undefined) response.end();
    else if (last.length <= MAX_PIECE_BYTES) response.end(last);
    else {
      writePieces(response, last);
      response.end();
    }
    return;
  }
  if (last === undefined) response.flushHeaders();
  else writePieces(response, last);
  void options.requestTaken().then(() => response.end());
}
