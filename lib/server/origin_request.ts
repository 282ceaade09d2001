/** One request to an origin, with all that HTTP/1.1 can say in both directions. */

import { type Clock, type Timer } from "../base/clock.ts";
import { EXPECT_WAIT_MS, INLINE_ANSWER_BYTES } from "../base/limits.ts";
import type { ClientExchange, SwitchedSocket } from "../client/client_exchange.ts";
import type { ConnectionPool } from "../client/connection_pool.ts";
import { UnreachableError } from "../client/unreachable_error.ts";
import { headerValue } from "../http/headers.ts";
import type { HttpAnswer, HttpRequest, RawHeaders } from "../http/message.ts";
import { isBodyless } from "../http/send_answer.ts";
import type { SilenceWatch, Watched } from "../http/silence_watch.ts";
import { ConnectionBody } from "../http/switched_connection.ts";

/** The way that a request takes. */
export interface OriginWay {
  readonly pool: ConnectionPool;
  /** The request target, as the origin gets it. */
  readonly target: string;
  /** All fields. */
  readonly headers: RawHeaders;
  /** What visitors get of the fields of an answer. */
  readonly toVisitorHeaders: (headers: RawHeaders) => RawHeaders;
  /** Watches over the origin's silence; undefined for no limit. */
  readonly silence: SilenceWatch | undefined;
  readonly clock: Clock;
  /** How messages call the origin. */
  readonly peer: string;
}

/**
 * Sends a visitor's request; resolves with the head of the answer, whose body then streams. A GET or
 * HEAD without a body goes out once more where a kept connection turns out to be closed.
 *
 * @throws {UnreachableError}
 */
export async function sendToOrigin(request: HttpRequest, way: OriginWay): Promise<HttpAnswer> {
  try {
    return await sendOnce(request, way);
  } catch (error) {
    const isStale = error instanceof UnreachableError && error.kind === "stale";
    const isSafe = request.method === "GET" || request.method === "HEAD";
    if (!isStale || !isSafe || request.body !== null) throw error;
    return await sendOnce(request, way);
  }
}

async function sendOnce(request: HttpRequest, way: OriginWay): Promise<HttpAnswer> {
  const { method, body, bodyLength, upgrade, signal } = request;
  const { pool, target, headers, toVisitorHeaders, clock, silence } = way;
  const isExpecting = upgrade === null &&
    headerValue(request.headers, "expect")?.toLowerCase() === "100-continue";
  const exchange = await pool.send({
    method,
    target,
    headers,
    // What comes behind an upgrade is no body of this request.
    body: upgrade === null ? body : null,
    length: bodyLength,
    trailers: () => request.trailers,
    allowsSwitch: upgrade !== null,
    holdsBody: isExpecting,
    onInterim: (status, fields) => {
      if (status === 100) exchange.sendBody();
      else request.inform(status, toVisitorHeaders(fields));
    },
    signal,
  });
  const watching = silence?.add(toWatched(exchange, way));
  const unwatch = (): void => {
    if (watching !== undefined) silence?.remove(watching);
  };
  let timer: Timer | undefined;
  // RFC 9110 §10.1.1: an origin may ignore it, so it is not waited for without end.
  if (isExpecting) timer = clock.after(EXPECT_WAIT_MS, () => exchange.sendBody());
  try {
    const answer = await exchange.answer;
    if (answer.switched !== null) {
      unwatch();
      return switchProtocols(request, { ...way, headers: answer.headers }, answer.switched);
    }
    // A visitor that asked for another protocol says nothing where that is refused.
    if (upgrade !== null) body?.destroy();
    if (answer.status > 599) {
      const fault = `its status is ${answer.status}`;
      const message = `Cannot use the answer of ${way.peer}: ${fault}`;
      const error = new UnreachableError("protocol", message);
      answer.body.destroy(error);
      throw error;
    }
    const answerHeaders = toVisitorHeaders(answer.headers);
    const trailer = headerValue(answer.headers, "trailer");
    const hasNone = isBodyless(answer.status, method === "HEAD");
    const mayBeWhole = !hasNone && trailer === undefined && answer.body.trailers.length === 0;
    const whole = mayBeWhole ? answer.body.takeWhole(INLINE_ANSWER_BYTES) : undefined;
    if (hasNone || whole !== undefined) {
      unwatch();
      return { status: answer.status, headers: answerHeaders, body: whole ?? null };
    }
    answer.body.once("close", unwatch);
    return {
      status: answer.status,
      // Announces fields behind the body, which come along.
      headers: trailer === undefined ? answerHeaders : [...answerHeaders, "Trailer", trailer],
      body: answer.body,
      trailers: () => answer.body.trailers,
    };
  } catch (error) {
    unwatch();
    body?.destroy();
    throw error;
  } finally {
    if (timer !== undefined) clock.clear(timer);
  }
}

/** Until the answer begins, and while it is read; but not for what the visitor is slow with. */
function toWatched(exchange: ClientExchange, { peer }: OriginWay): Watched {
  return {
    isWaitingForPeer: () => exchange.isWaitingForPeer,
    progress: () => exchange.progress,
    cut: () => {
      const message = `Cannot complete a request to ${peer}: it fell silent`;
      exchange.cut(new UnreachableError("silent", message));
    },
  };
}

/** The connection is the visitor's now: what it says goes there, and what comes is the answer. */
function switchProtocols(
  { body, signal, upgrade }: HttpRequest,
  { headers, toVisitorHeaders }: OriginWay,
  { socket, head }: SwitchedSocket,
): HttpAnswer {
  // The socket itself would lose its other direction where it is destroyed after its end.
  const comes = new ConnectionBody(socket, head);
  // No end: half of what a visitor had to say must not look like all of it.
  const cut = (): void => void socket.resetAndDestroy();
  signal.addEventListener("abort", cut, { once: true });
  comes.once("close", () => {
    if (!comes.readableEnded) cut();
  });
  if (body === null) socket.end();
  else {
    body.on("data", (chunk: Uint8Array) => {
      if (!socket.write(chunk)) body.pause();
    });
    socket.on("drain", () => body.resume());
    // A half-close: what the origin still has to say comes.
    body.on("end", () => socket.end());
    body.on("close", () => {
      if (!body.readableEnded) cut();
    });
    if (body.destroyed) cut();
  }
  socket.once("close", () => {
    signal.removeEventListener("abort", cut);
    body?.destroy();
  });
  const protocol = headerValue(headers, "upgrade") ?? upgrade ?? "";
  return {
    status: 101,
    headers: [...toVisitorHeaders(headers), "Upgrade", protocol],
    body: comes,
  };
}
