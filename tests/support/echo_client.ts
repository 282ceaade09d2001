/** A WebSocket by npm `ws` for tests: what it receives is waited for, one by one. */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type ClientOptions, type RawData, WebSocket } from "ws";

export interface Received {
  readonly data: Uint8Array;
  readonly isBinary: boolean;
}

export class EchoClient implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly #received: Received[] = [];
  #wake = (): void => {};
  /** Code and reason of the close. */
  readonly closed: Promise<readonly [number, string]>;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: RawData, isBinary: boolean) => {
      this.#received.push({ data: toBytes(data), isBinary });
      this.#wake();
    });
    // How a connection ends shows in the code of the close.
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.once("close", (code, reason) => {
        resolve([code, reason.toString()]);
        this.#wake();
      });
    });
  }

  /** Resolves when it is open. */
  static async open(
    url: string,
    { protocols = [], ...options }: ClientOptions & { readonly protocols?: string[] } = {},
  ): Promise<EchoClient> {
    const socket = new WebSocket(url, protocols, options);
    const client = new EchoClient(socket);
    await once(socket, "open");
    return client;
  }

  async next(): Promise<Received> {
    for (;;) {
      const message = this.#received.shift();
      if (message !== undefined) return message;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error("It is closed");
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async nextText(): Promise<string> {
    const { data, isBinary } = await this.next();
    if (isBinary) throw new TypeError("It is not a text");
    return Buffer.from(data).toString();
  }

  /** Sends a text, and returns the next one that comes. */
  async ask(text: string): Promise<string> {
    this.socket.send(text);
    return await this.nextText();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return new Uint8Array(data as Buffer<ArrayBuffer>);
}
