/** A TCP connection for tests that must see, and send, the very bytes. */

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

export class RawConnection {
  readonly socket: Socket;
  #received = "";
  #isEnded = false;
  #wake = (): void => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Uint8Array) => {
      this.#received += Buffer.from(chunk).toString("latin1");
      this.#wake();
    });
    const end = (): void => {
      this.#isEnded = true;
      this.#wake();
    };
    socket.on("error", end).on("end", end).on("close", end);
  }

  /**
   * With `allowHalfOpen` it can send on after the peer has ended its side; `localAddress` is the
   * address to come from.
   */
  static open(
    port: number,
    { allowHalfOpen = false, localAddress }: {
      readonly allowHalfOpen?: boolean;
      readonly localAddress?: string | undefined;
    } = {},
  ): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const from = localAddress === undefined ? {} : { localAddress };
      const options = { port, host: "127.0.0.1", allowHalfOpen, ...from };
      const socket = connect(options, () => resolve(new RawConnection(socket)));
      socket.once("error", reject);
    });
  }

  /** Everything received so far, one character per byte. */
  get received(): string {
    return this.#received;
  }

  /** Sends text, one byte per character; resolves when it is handed to the system. */
  send(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(Buffer.from(text, "latin1"), (error) => error ? reject(error) : resolve());
    });
  }

  /** Waits until `part` has been received; returns all up to its end and takes it off. */
  async readThrough(part: string): Promise<string> {
    for (;;) {
      const at = this.#received.indexOf(part);
      if (at >= 0) {
        const text = this.#received.slice(0, at + part.length);
        this.#received = this.#received.slice(at + part.length);
        return text;
      }
      if (this.#isEnded) {
        throw new Error(`Connection ended before ${JSON.stringify(part)}: ${this.#received}`);
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Waits until the peer has closed; returns what came till then. */
  async readToEnd(): Promise<string> {
    while (!this.#isEnded) await new Promise<void>((resolve) => this.#wake = resolve);
    return this.#received;
  }

  /** Closes; resolves when the socket is gone. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.closed) return resolve();
      this.socket.once("close", () => resolve());
      this.socket.destroy();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Sends one request and returns all that comes until the peer closes. */
export async function exchangeBytes(port: number, request: string): Promise<string> {
  await using connection = await RawConnection.open(port);
  await connection.send(request);
  return await connection.readToEnd();
}
