/** GETs on a connection that is kept, with as little work as it takes: what measures must not wait. */

const DECODER = new TextDecoder("latin1");
const LAST_CHUNK = new TextEncoder().encode("\r\n0\r\n\r\n");
const MAX_ANSWER_BYTES = 64 * 1024;

/** Asks for one small file again and again. Closed at the end of the scope. */
export class AnswerReader implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #question: Uint8Array;
  readonly #buffer = new Uint8Array(MAX_ANSWER_BYTES);

  #isClosed = false;

  private constructor(connection: Deno.TcpConn, question: Uint8Array) {
    this.#connection = connection;
    this.#question = question;
  }

  static async connect(url: string): Promise<AnswerReader> {
    const { host, hostname, port, pathname } = new URL(url);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    connection.setNoDelay(true);
    const question = `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    return new AnswerReader(connection, new TextEncoder().encode(question));
  }

  /**
   * Resolves when the whole answer is there.
   *
   * @throws {Error} where that is not 200, or without an end
   */
  async get(): Promise<void> {
    // It is smaller than any socket's buffer, so that one write takes it all.
    await this.#connection.write(this.#question);
    let isWhole: ((length: number) => boolean) | undefined;
    for (let length = 0; isWhole?.(length) !== true;) {
      const count = await this.#connection.read(this.#buffer.subarray(length));
      if (count === null) throw new Error("it closed the connection after a request");
      length += count;
      isWhole ??= this.#readHead(length);
    }
  }

  /** Ends a wait for an answer, too; may be called again. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  /** How to tell from the bytes received that they are all; undefined before the end of the head. */
  #readHead(length: number): ((length: number) => boolean) | undefined {
    const text = DECODER.decode(this.#buffer.subarray(0, length));
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const head = text.slice(0, end + 2);
    if (!head.startsWith("HTTP/1.1 200")) throw new Error(`it answered ${head.slice(9, 12)}`);
    const bytes = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (bytes !== undefined) {
      const whole = end + "\r\n\r\n".length + Number(bytes);
      return (length) => length >= whole;
    }
    if (!/\r\ntransfer-encoding: *chunked/i.test(head)) throw new Error("its answer has no end");
    return (length) =>
      LAST_CHUNK.every((byte, at) => this.#buffer[length - LAST_CHUNK.length + at] === byte);
  }
}
