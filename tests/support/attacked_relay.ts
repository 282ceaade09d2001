/** A relay over real sockets with servers on it, one of whose owners attacks. */

import { assert, assertEquals } from "@std/assert";
import type { HttpRequest } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { createId } from "../../lib/wire/create_id.ts";
import { decodePollBody } from "../../lib/wire/http_serde.ts";
import {
  encodeAnswer,
  type ModernRequest,
  type RelayMessage,
} from "../../lib/wire/modern_messages.ts";
import { fromLatin1 } from "./bytes.ts";
import { HANDSHAKE } from "./controlled_process.ts";
import { createMemoryLog } from "./memory_log.ts";
import { messagesIn } from "./polled_process.ts";
import { exchangeBytes, RawConnection } from "./raw_connection.ts";
import {
  NAME,
  type RelayOptions,
  type RunningRelay,
  startRelay,
  startServer,
  toServerEntry,
} from "./tunnel.ts";
import { parseVisit, toRequestText, type Visit, visit } from "./visit.ts";

/** Who asks the relay as a server does. */
export interface Identity {
  readonly name: string;
  readonly key: string;
}

/** Has a key of its own, and is up to no good. */
export const ATTACKER: Identity = { name: "mallory", key: "another key that only tests have" };
/** Plays by the rules, message by message. */
export const VICTIM: Identity = { name: "victim", key: "a third key that only tests have" };

export interface Attempt {
  readonly headers?: readonly string[];
  /** Text with one character per byte; with a body it is a POST. */
  readonly body?: string | Uint8Array;
  /** Default: the attacker's; null: none. */
  readonly key?: string | null;
}

/** An exchange that was given to a session. */
export interface GivenExchange {
  readonly identity: Identity;
  readonly session: string;
  readonly request: ModernRequest;
  readonly visitor: Promise<Visit>;
}

export class AttackedRelay implements AsyncDisposable {
  readonly relay: RunningRelay;
  /** What the relay logged, at every level. */
  readonly lines: readonly string[];
  /** What the server NAME, a real one, was asked. */
  readonly requests: readonly HttpRequest[];
  readonly #stack: AsyncDisposableStack;

  private constructor(
    { relay, lines, requests, stack }: {
      readonly relay: RunningRelay;
      readonly lines: readonly string[];
      readonly requests: readonly HttpRequest[];
      readonly stack: AsyncDisposableStack;
    },
  ) {
    this.relay = relay;
    this.lines = lines;
    this.requests = requests;
    this.#stack = stack;
  }

  static async start(options: RelayOptions = {}): Promise<AttackedRelay> {
    const stack = new AsyncDisposableStack();
    const { log, lines } = createMemoryLog();
    const entries = [ATTACKER, VICTIM].map(({ name, key }) => toServerEntry(name, key));
    const servers = [toServerEntry(NAME), ...entries];
    const relay = stack.use(await startRelay({ log, servers, ...options }));
    const requests: HttpRequest[] = [];
    const server = stack.use(
      await startServer(relay.url, (request) => {
        requests.push(request);
        return textAnswer(200, `${NAME} ${request.method} ${request.target}`);
      }),
    );
    await server.server.connection?.path;
    return new AttackedRelay({ relay, lines, requests, stack });
  }

  get port(): number {
    return this.relay.port;
  }

  /** Asks below the routes of servers, on a connection of its own. */
  async ask(
    path: string,
    { headers = [], body, key = ATTACKER.key }: Attempt = {},
  ): Promise<Visit> {
    const lines = [...key === null ? [] : [`X-ApiKey: ${key}`], ...headers, "Connection: close"];
    const text = body instanceof Uint8Array ? toText(body) : body;
    if (text !== undefined) lines.push(`Content-Length: ${text.length}`);
    const method = text === undefined ? "GET" : "POST";
    const head = toRequestText(`/7ZSFUKGV/${path}`, { method, headers: lines });
    return parseVisit(await exchangeBytes(this.port, head + (text ?? "")), method);
  }

  /** A session by long poll; its id. */
  async openSession({ name, key } = ATTACKER, headers: readonly string[] = []): Promise<string> {
    const answer = await this.ask(`modern/session/${name}`, {
      headers: [`X-PTTH-Process: ${createId()}`, "X-PTTH-Modern: 1", ...headers],
      body: "",
      key,
    });
    assertEquals(answer.status, 200);
    const [welcome] = messagesIn(fromLatin1(answer.body));
    assert(welcome?.type === "welcome");
    return welcome.session;
  }

  /** What a poll of a session brings. */
  async poll(session: string, received = 0, { key } = ATTACKER): Promise<RelayMessage[]> {
    const { status, body } = await this.ask(`modern/poll/${session}/${received}`, { key });
    assertEquals(status, 200);
    return messagesIn(fromLatin1(body));
  }

  /** A visitor's request, taken by a new session of the server that it is for. */
  async take(identity = ATTACKER, path = "/x"): Promise<GivenExchange> {
    const session = await this.openSession(identity);
    const visitor = visit(this.port, `/servers/${identity.name}${path}`);
    const [message] = await this.poll(session, 0, identity);
    assert(message?.type === "request");
    return { identity, session, request: message.request, visitor };
  }

  /** The id of the first exchange that classic polls of a server bring. */
  async takeClassic({ name, key } = ATTACKER): Promise<string> {
    // The first poll after a gap is answered at once, with an empty list.
    for (;;) {
      const { body } = await this.ask(`http_listen/${name}`, { key });
      const [request] = decodePollBody(fromLatin1(body));
      if (request !== undefined) return request.id;
    }
  }

  /** The answer of whom it was given to gets through, and its session goes on. */
  async assertAnswered(
    { identity: { key }, session, request, visitor }: GivenExchange,
  ): Promise<void> {
    const answer = encodeAnswer(request.id, { status: 200, headers: [] }, fromLatin1("rightful"));
    const taken = await this.ask(`modern/messages/${session}/1`, { body: answer, key });
    assertEquals(taken.status, 204);
    const { status, body, head } = await visitor;
    assertEquals([status, body], [200, "rightful"]);
    assert(!/^HTTP\/1\.1 1/.test(head));
  }

  /** Asks for a control channel of the attacker's. */
  async openControl(headers: readonly string[] = []): Promise<RawConnection> {
    const connection = await RawConnection.open(this.port);
    const fields = HANDSHAKE.flatMap((name, i) =>
      i % 2 === 0 ? [`${name}: ${HANDSHAKE[i + 1]}`] : []
    );
    const own = [`X-ApiKey: ${ATTACKER.key}`, `X-PTTH-Process: ${createId()}`];
    const target = `/7ZSFUKGV/modern/control/${ATTACKER.name}`;
    await connection.send(toRequestText(target, { headers: [...own, ...fields, ...headers] }));
    return connection;
  }

  /** The real server serves, as if nothing had been. */
  async assertServed(): Promise<void> {
    const { status, body } = await visit(this.port, `/servers/${NAME}/ok`);
    assertEquals([status, body], [200, `${NAME} GET /ok\n`]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** One character per byte. */
function toText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
