/**
 * A server process on a control channel as its relay sees it, without sockets. It may do all wrong.
 */

import { assert, assertEquals } from "@std/assert";
import { PassThrough, Readable } from "node:stream";
import type { RawHeaders } from "../../lib/http/message.ts";
import { createId } from "../../lib/wire/create_id.ts";
import type { ModernRequest, RelayMessage } from "../../lib/wire/modern_messages.ts";
import { encodeMessage, WebSocketReader } from "../../lib/wire/websocket.ts";
import { createFakeRequest, type FakeRequest } from "./fake_request.ts";
import { messagesIn, type ProcessOptions } from "./polled_process.ts";
import { KEY, type RelayWorld } from "./relay_world.ts";
import { turn, until } from "./turn.ts";

/** The fields of a WebSocket's handshake, but for the key of the server. */
export const HANDSHAKE: RawHeaders = [
  ...["Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13"],
  ...["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol", "ptth-modern-1"],
];

export class ControlledProcess {
  readonly session: string;
  /** What the process sends. */
  readonly sends: PassThrough;
  /** What the relay sends; nobody reads it until {@linkcode read}. */
  readonly gets: Readable;
  readonly request: FakeRequest;
  /** What has been read, without the welcome. */
  readonly messages: RelayMessage[] = [];
  /** The close frame, once it has been read. */
  closed: { readonly code: number; readonly reason: string } | undefined;

  private constructor(
    { session, request, sends, gets }: Pick<
      ControlledProcess,
      "session" | "request" | "sends" | "gets"
    >,
  ) {
    this.session = session;
    this.request = request;
    this.sends = sends;
    this.gets = gets;
  }

  static async open(
    world: RelayWorld,
    { name = "alpha", key = KEY, process = createId(), successorOf }: ProcessOptions = {},
  ): Promise<ControlledProcess> {
    const sends = new PassThrough();
    const request = createFakeRequest(`/7ZSFUKGV/modern/control/${name}`, {
      headers: [
        ...["Host", "relay.test", "X-ApiKey", key, "X-PTTH-Process", process, ...HANDSHAKE],
        ...successorOf === undefined ? [] : ["X-PTTH-Successor-Of", successorOf],
      ],
      upgrade: "websocket",
      body: sends,
    });
    const { status, body: gets } = await world.public(request);
    assertEquals(status, 101);
    assert(gets instanceof Readable);
    const [session] = world.state.sessions.of(name).filter((one) => one.process === process)
      .toReversed();
    assert(session !== undefined);
    return new ControlledProcess({ session: session.id, request, sends, gets });
  }

  /** Reads what the relay sends from now on. */
  read(): this {
    const reader = new WebSocketReader({ isMasked: false, maxMessageBytes: 1024 * 1024 }, {
      message: (bytes) =>
        this.messages.push(...messagesIn(bytes).filter(({ type }) => type !== "welcome")),
      ping: () => {},
      close: (code, reason) => this.closed = { code, reason },
    });
    this.gets.on("data", (chunk: Uint8Array) => reader.push(new Uint8Array(chunk)));
    return this;
  }

  /** Sends messages in one frame. */
  say(...records: readonly Uint8Array[]): Promise<void> {
    return this.send(encodeMessage(records, true));
  }

  /** Sends bytes as they are, while that can be; resolves when the relay has taken them. */
  async send(bytes: Uint8Array): Promise<void> {
    // The relay takes masks off in place.
    if (this.sends.writable) this.sends.write(new Uint8Array(bytes));
    await turn();
  }

  /** The next exchange that is given. */
  async takeRequest(): Promise<ModernRequest> {
    const find = (): number => this.messages.findIndex(({ type }) => type === "request");
    await until(() => find() >= 0);
    const [message] = this.messages.splice(find(), 1);
    assert(message?.type === "request");
    return message.request;
  }
}

/** A frame as a client sends it, right or wrong (RFC 6455 §5.2). */
export function frameOf(
  opcode: number,
  payload: Uint8Array = new Uint8Array(),
  { isFinal = true, isMasked = true, reserved = 0, length = payload.length }: {
    readonly isFinal?: boolean;
    readonly isMasked?: boolean;
    /** The three bits. */
    readonly reserved?: number;
    /** As declared. */
    readonly length?: number;
  } = {},
): Uint8Array {
  const first = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  const mask = isMasked ? 0x80 : 0;
  const bytes: number[] = [first];
  if (length < 126) bytes.push(mask | length);
  else if (length < 0x1_0000) bytes.push(mask | 126, length >> 8, length & 0xff);
  else {
    bytes.push(mask | 127);
    for (let shift = 7; shift >= 0; shift--) bytes.push(Math.floor(length / 256 ** shift) % 256);
  }
  // A mask of zeros changes nothing.
  if (isMasked) bytes.push(0, 0, 0, 0);
  return Uint8Array.from([...bytes, ...payload]);
}
