/** Connections whose peer asks to speak another protocol on them (RFC 9110 §7.8). */

import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { ClosedError, toMessage } from "../base/errors.ts";
import { TCP_KEEP_ALIVE_MS } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { encodeHead } from "./encode_head.ts";
import type { HttpAnswer } from "./message.ts";
import { SocketFlow } from "./socket_flow.ts";

/**
 * What comes on such a connection. Read from the start, as far as it fits into a buffer, since only
 * reading shows that the peer is gone. Destroying it leaves the connection alone.
 */
export class ConnectionBody extends Readable {
  readonly ownsChunks = true;
  readonly #socket: Socket;
  readonly #flow: SocketFlow;
  #hasEnded = false;

  /** `head` is what came together with the request. */
  constructor(socket: Socket, head: Uint8Array) {
    super();
    this.#socket = socket;
    this.#flow = new SocketFlow(socket);
    this.on("error", () => {});
    // Whoever had it may have taken its listeners off; a reset would end the process.
    socket.on("error", () => {});
    if (head.length > 0) this.push(head);
    socket.on("data", this.#take);
    socket.once("end", () => {
      this.#hasEnded = true;
      this.push(null);
    });
    socket.once("close", () => {
      this.#flow.release();
      if (!this.#hasEnded) this.destroy(new ClosedError("The peer closed the connection"));
    });
  }

  /** True when the peer has said that it sends no more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  override _read(): void {
    this.#flow.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket.off("data", this.#take);
    // So that the end of the connection still shows.
    this.#flow.resume();
    callback(error);
  }

  readonly #take = (chunk: Uint8Array): void => {
    this.#flow.took(chunk);
    if (!this.push(chunk)) this.#flow.pause();
  };
}

export interface SwitchOptions {
  /** What the peer sends. */
  readonly comes: ConnectionBody;
  /** Ends the connection so that nothing on it looks complete. */
  readonly cut: () => void;
  readonly sent: ((bytes: number) => void) | undefined;
  readonly log: Logger;
}

/** A connection that has switched. */
export interface SwitchedConnection {
  /** True while the peer is the one that everybody waits for; never for being quiet. */
  isWaitingForPeer(): boolean;
  /** True when all that goes to the peer has been handed to the network. */
  isWhole(): boolean;
}

/**
 * Answers 101 and sends the answer's body, whose end is a half-close. The connection closes when
 * both directions have ended. Takes over the body.
 *
 * @throws {TypeError} for a field that cannot stand in a head.
 */
export function switchProtocols(
  socket: Socket,
  { headers, body }: HttpAnswer,
  { comes, cut, sent, log }: SwitchOptions,
): SwitchedConnection {
  socket.write(encodeHead(101, [...headers, "Connection", "Upgrade"]));
  // A quiet connection is legitimate for hours; this is how one whose peer is gone is found.
  socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
  let hasEnded = false;
  const end = (): void => {
    hasEnded = true;
    socket.end();
  };
  const fail = (reason: string): void => {
    if (hasEnded || socket.destroyed) return;
    log.debug("Switched connection was cut", { reason });
    cut();
  };
  socket.once("close", () => {
    comes.destroy();
    if (body !== null && !(body instanceof Uint8Array)) body.destroy();
  });
  if (body === null || body instanceof Uint8Array) {
    if (body !== null) socket.write(body);
    end();
  } else {
    body.on("data", (chunk: Uint8Array) => {
      if (!socket.write(chunk)) body.pause();
      sent?.(chunk.length);
    });
    socket.on("drain", () => body.resume());
    body.once("end", end);
    body.on("error", (error) => fail(toMessage(error)));
    body.on("close", () => fail("what goes to the peer ended early"));
    if (body.destroyed) fail("what goes to the peer ended early");
  }
  return {
    // Once our side has ended, a peer that neither sends nor ends is not waited for for ever.
    isWaitingForPeer: () => socket.writableLength > 0 || (hasEnded && !comes.hasEnded),
    isWhole: () => hasEnded && socket.writableFinished,
  };
}
