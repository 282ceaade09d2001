/** A relay, and a server that forwards to an application which reads carelessly. */

import { assert } from "@std/assert";
import { createDispatcher } from "../../lib/server/dispatch.ts";
import type { Connection } from "../../lib/server/poll_loop.ts";
import { LenientOrigin, type LenientRequest, type Preference } from "./lenient_origin.ts";
import type { Middlebox } from "./middleboxes.ts";
import { openOrigin } from "./origins.ts";
import { RawConnection } from "./raw_connection.ts";
import { startRelay, startServer } from "./tunnel.ts";

export interface SmugglingWorldOptions {
  readonly preference: Preference;
  readonly hostSuffix: string;
  /** Starts what the server has to go through to the relay. Default: nothing is in between. */
  readonly startMiddle?: ((relayPort: number) => Promise<Middlebox>) | undefined;
}

export class SmugglingWorld implements AsyncDisposable {
  readonly origin: LenientOrigin;
  /** The relay's, for visitors. */
  readonly port: number;
  /** By which the server is asked. */
  readonly transport: Connection["transport"];
  readonly #stack: AsyncDisposableStack;

  private constructor(
    origin: LenientOrigin,
    { port, transport, stack }: {
      readonly port: number;
      readonly transport: Connection["transport"];
      readonly stack: AsyncDisposableStack;
    },
  ) {
    this.origin = origin;
    this.port = port;
    this.transport = transport;
    this.#stack = stack;
  }

  static async start(
    { preference, hostSuffix, startMiddle }: SmugglingWorldOptions,
  ): Promise<SmugglingWorld> {
    const stack = new AsyncDisposableStack();
    const origin = stack.use(await LenientOrigin.start(preference));
    const relay = stack.use(await startRelay({ hostSuffix }));
    const middle = await startMiddle?.(relay.port);
    if (middle !== undefined) stack.use(middle);
    const forwarding = stack.use(openOrigin(origin.port));
    const handler = createDispatcher({ origins: [forwarding] });
    const { server } = stack.use(await startServer(middle?.url ?? relay.url, handler));
    const transport = (await server.connected).transport;
    await server.connection?.path;
    return new SmugglingWorld(origin, { port: relay.port, transport, stack });
  }

  /** What the origin has been asked since the last time. */
  takeRequests(): LenientRequest[] {
    return this.origin.requests.splice(0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** Final answers, as `STATUS body`; the first is to `method`. */
export function parseAnswers(text: string, method = "GET"): string[] {
  const answers: string[] = [];
  for (let rest = text; rest !== "";) {
    const [head, status] = /^HTTP\/1\.1 (\d{3})[^]*?\r\n\r\n/.exec(rest) ?? [];
    assert(head !== undefined, `no answer: ${JSON.stringify(rest)}`);
    rest = rest.slice(head.length);
    if (status?.startsWith("1") === true) continue;
    const announced = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1]);
    const length = method === "HEAD" && answers.length === 0 ? 0 : announced;
    assert(rest.length >= length, `cut: ${JSON.stringify(rest)}`);
    answers.push(`${status} ${rest.slice(0, length)}`.trimEnd());
    rest = rest.slice(length);
  }
  return answers;
}

export interface ExchangeOptions {
  /** What is sent as soon as something has been answered. Default: nothing. */
  readonly later?: string;
  /** Sends every byte on its own. Default: false. */
  readonly inPieces?: boolean;
}

/** All that is answered to bytes, up to the end of the connection. */
export async function exchange(
  port: number,
  bytes: string,
  { later = "", inPieces = false }: ExchangeOptions = {},
): Promise<string> {
  await using connection = await RawConnection.open(port);
  connection.socket.setNoDelay(true);
  using _guard = guard(connection);
  const send = async (text: string): Promise<void> => {
    // Refused early, the connection may be closed while the rest is being sent.
    const pieces = inPieces && text.length <= MAX_PIECES ? text : [text];
    for (const piece of pieces) await connection.send(piece).catch(() => {});
  };
  await send(bytes);
  const first = later === "" ? "" : await connection.readThrough("\r\n\r\n");
  await send(later);
  return first + await connection.readToEnd();
}

/** A guard against a relay that waits for more: far longer than a slow computer needs. */
const GUARD_MS = 15_000;

function guard({ socket }: RawConnection): Disposable {
  const timer = setTimeout(() => socket.destroy(new Error("It waits for more")), GUARD_MS);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** What is longer is so to pass a limit, and takes long byte by byte. */
const MAX_PIECES = 1000;

/** A request behind which the connection ends. */
export function toRequest(path: string, host: string): string {
  return `GET /servers/home/${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
}
