/** P5 of classic: a server's answer comes as a request, and its body is the visitor's. */

import { Buffer } from "node:buffer";
import { matchesTripcode } from "../auth/tripcode.ts";
import { ProtocolError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { headerValue } from "../http/headers.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { isBodyless } from "../http/send_answer.ts";
import { textAnswer } from "../http/text_answer.ts";
import { API_KEY_HEADER, MAGIC_HEADER } from "../wire/classic.ts";
import { type ClassicAnswerHead, decodeMagicHeader } from "../wire/http_serde.ts";
import { badKeyAnswer } from "./classic_poll.ts";
import type { Exchange } from "./exchange.ts";
import type { ExchangeBook } from "./exchange_book.ts";
import type { ServerEntry } from "./registry.ts";
import { toVisitorAnswer } from "./visitor_answer.ts";

export interface ResponseOptions {
  readonly id: string;
  readonly book: ExchangeBook;
  readonly log: Logger;
}

/**
 * Hands a server's answer to the visitor who waits for it; resolves when the visitor has all of it
 * or is gone, so that the server knows when to stop reading.
 */
export async function takeResponse(
  request: HttpRequest,
  { id, book, log }: ResponseOptions,
): Promise<HttpAnswer> {
  const head = readHead(request);
  const found = book.find(id);
  if (found.kind === "open" && isForeign(request, found.server)) {
    log.warn("Answer refused: its key is not that of the server", { server: found.server.name });
    return badKeyAnswer();
  }
  if (head instanceof ProtocolError) {
    if (found.kind === "open") {
      log.warn("Answer not understood", { server: found.server.name, reason: head.message });
      found.exchange.fail("bad_answer");
    }
    return textAnswer(400, head.message);
  }
  if (found.kind === "unknown") return textAnswer(400, "No visitor waits for an answer of this id");
  if (found.kind === "abandoned") return textAnswer(502, "The visitor has left");
  const { exchange, server } = found;
  const answer = toAnswer(request, { head, exchange });
  if (answer instanceof ProtocolError) {
    log.warn("Answer not understood", { server: server.name, reason: answer.message });
    exchange.fail("bad_answer");
    return textAnswer(400, answer.message);
  }
  if (!exchange.begin(answer)) return textAnswer(502, "The visitor has left");
  const delivery = await exchange.delivery;
  // A body that the visitor cannot take counts as a visitor that left, as by the original.
  const isTaken = request.body === null ||
    !isBodyless(head.status, exchange.request.method === "HEAD");
  const isComplete = delivery === "delivered" && isTaken;
  return textAnswer(200, isComplete ? "StreamFinished" : "ClientDisconnected");
}

/** True for a key that is not the server's. Classic asks for none: then the id alone is the guard. */
function isForeign(request: HttpRequest, { tripcode }: ServerEntry): boolean {
  const key = headerValue(request.headers, API_KEY_HEADER.toLowerCase());
  return key !== undefined && !matchesTripcode(Buffer.from(key, "latin1"), tripcode);
}

function readHead(request: HttpRequest): ClassicAnswerHead | ProtocolError {
  const magic = headerValue(request.headers, MAGIC_HEADER.toLowerCase());
  if (magic === undefined) return new ProtocolError(`The header ${MAGIC_HEADER} is missing`);
  try {
    return decodeMagicHeader(magic);
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}

/** The visitor's answer: the head from the magic header, the body from the request. */
function toAnswer(
  { body, bodyLength }: HttpRequest,
  { head, exchange }: { head: ClassicAnswerHead; exchange: Exchange },
): HttpAnswer | ProtocolError {
  const { status, headers } = head;
  const declared = headerValue(headers, "content-length");
  if (isBodyless(status, exchange.request.method === "HEAD")) {
    return toVisitorAnswer({ status, headers, body }, exchange.request);
  }
  const posted = body === null ? 0 : bodyLength;
  if (declared !== undefined && posted !== null && declared !== String(posted)) {
    return new ProtocolError(`The answer announces ${declared} bytes, its body ${posted}`);
  }
  const isComplete = declared !== undefined || posted === null;
  const fields = isComplete ? headers : [...headers, "Content-Length", String(posted)];
  return toVisitorAnswer({ status, headers: fields, body }, exchange.request);
}
