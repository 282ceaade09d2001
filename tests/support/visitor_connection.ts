/** A visitor's connection, on which every answer is read to its end, or to where it breaks. */

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { type AnswerHead, AnswerReader } from "./answer_reader.ts";

/** How an answer ended. */
export type AnswerEnd =
  | { readonly how: "complete"; readonly head: AnswerHead }
  /** The connection went before all had come; without a head if nothing had. */
  | { readonly how: "cut"; readonly head: AnswerHead | undefined }
  | { readonly how: "malformed"; readonly reason: string };

export interface AnswerHandlers {
  head?(head: AnswerHead): void;
  /** Where it returns a promise, reading pauses until that resolves. */
  body?(bytes: Uint8Array): Promise<void> | void;
}

export interface VisitorConnectionOptions {
  readonly host: string;
  readonly port: number;
}

export class VisitorConnection {
  readonly #socket: Socket;
  /** When something last moved, by performance.now(). */
  progressAt = performance.now();
  #isGone = false;
  #held: Uint8Array = new Uint8Array();
  #take: ((bytes: Uint8Array) => void) | undefined;
  #wakeReader = (): void => {};
  readonly #gone = Promise.withResolvers<void>();
  readonly #connected = Promise.withResolvers<boolean>();

  constructor({ host, port }: VisitorConnectionOptions) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.once("connect", () => {
      this.progressAt = performance.now();
      this.#connected.resolve(true);
    });
    this.#socket.on("data", (chunk: Uint8Array) => {
      this.progressAt = performance.now();
      if (this.#take === undefined) this.#held = Buffer.concat([this.#held, chunk]);
      else this.#take(chunk);
    });
    // The event of its close tells all.
    this.#socket.on("error", () => {});
    this.#socket.once("end", () => this.#end());
    this.#socket.once("close", () => {
      this.#end();
      this.#gone.resolve();
    });
  }

  /** True once it stands, false if it cannot be had. */
  get connected(): Promise<boolean> {
    return this.#connected.promise;
  }

  /** Resolves when it is gone. */
  get closed(): Promise<void> {
    return this.#gone.promise;
  }

  /** How far it has come, for whoever wonders why it comes no further. */
  get state(): string {
    const { bytesWritten, bytesRead, connecting, writableLength } = this.#socket;
    const phase = connecting ? "connecting" : this.#isGone ? "ended" : "open";
    return `${phase}, ${bytesWritten - writableLength} bytes sent, ${bytesRead} received`;
  }

  /** Sends bytes; resolves when there is room for more. Those that cannot go any more are dropped. */
  async send(bytes: Uint8Array | string): Promise<void> {
    if (this.#isGone) return;
    const data = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    if (this.#socket.write(data)) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        this.progressAt = performance.now();
        this.#socket.off("drain", go).off("close", go);
        resolve();
      };
      this.#socket.on("drain", go).on("close", go);
    });
  }

  /** Reads the next answer. */
  async read(method: string, { head: onHead, body: onBody }: AnswerHandlers): Promise<AnswerEnd> {
    let head: AnswerHead | undefined;
    let malformed: string | undefined;
    let pauses = Promise.resolve();
    const reader = new AnswerReader(method, {
      head: (one) => {
        head = one;
        onHead?.(one);
      },
      body: (bytes) => {
        const wait = onBody?.(bytes);
        if (wait !== undefined) pauses = this.#pauseFor(Promise.all([pauses, wait]));
      },
    });
    this.#take = (bytes) => {
      try {
        this.#held = reader.push(bytes);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        malformed = error.message;
      }
      this.#wakeReader();
    };
    if (this.#held.length > 0) this.#take(this.#held);
    while (!reader.isComplete && malformed === undefined && !this.#isGone) {
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    this.#take = undefined;
    await pauses;
    if (malformed !== undefined) return { how: "malformed", reason: malformed };
    if (head !== undefined && reader.isComplete) return { how: "complete", head };
    return { how: "cut", head };
  }

  /** Reads what comes, whatever that is, until `isEnough` says so; false if it is cut before. */
  async readBytes(take: (bytes: Uint8Array) => void, isEnough: () => boolean): Promise<boolean> {
    this.#take = (bytes) => {
      take(bytes);
      this.#wakeReader();
    };
    const held = this.#held;
    this.#held = new Uint8Array();
    if (held.length > 0) this.#take(held);
    while (!isEnough() && !this.#isGone) {
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    this.#take = undefined;
    return isEnough();
  }

  /** Leaves at once: by a reset, or in good order. */
  leave(how: "reset" | "end"): void {
    if (how === "reset") this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  async #pauseFor(wait: Promise<unknown>): Promise<void> {
    this.#socket.pause();
    await wait;
    this.progressAt = performance.now();
    this.#socket.resume();
  }

  #end(): void {
    this.#isGone = true;
    this.#connected.resolve(false);
    this.#wakeReader();
  }
}
