/** What servers that speak modern ask of the relay (docs/protocol.md, "Modern"). */

import { Buffer } from "node:buffer";
import { matchesTripcode } from "../auth/tripcode.ts";
import { ClosedError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import { headerValue } from "../http/headers.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { textAnswer } from "../http/text_answer.ts";
import { API_KEY_HEADER } from "../wire/classic.ts";
import {
  CONTROL_PROTOCOL,
  isId,
  MODERN_HEADER,
  MODERN_VERSION,
  PROCESS_HEADER,
  SUCCESSOR_HEADER,
} from "../wire/modern.ts";
import { ControlChannel, toHandshake } from "./control_channel.ts";
import { PollChannel } from "./poll_channel.ts";
import { answerDownProbe, takeUpProbe } from "./probes.ts";
import type { RegisteredServer } from "./registry.ts";
import type { ModernRoute } from "./routes.ts";
import type { Session } from "./session.ts";
import type { Opener, Sessions } from "./sessions.ts";

export interface ModernOptions {
  readonly sessions: Sessions;
  readonly clock: Clock;
  /** The server with this name and the request's key, or why there is none. */
  readonly authenticate: (request: HttpRequest, name: string) => RegisteredServer | HttpAnswer;
  /** The name by which visitors find a server, where it has a host of its own. */
  readonly hostOf: (server: RegisteredServer) => string | undefined;
  /** Called when a session has been opened. */
  readonly onOpened: (request: HttpRequest, session: Session) => void;
}

/** Answers a request on one of the modern routes. */
export async function answerModern(
  request: HttpRequest,
  { route, options }: { readonly route: ModernRoute; readonly options: ModernOptions },
): Promise<HttpAnswer> {
  const method = METHODS[route.kind];
  if (!method.includes(request.method)) {
    return textAnswer(405, "Another method is wanted here", ["Allow", method.join(", ")]);
  }
  if (route.kind === "control") return openControl(request, { name: route.name, options });
  if (route.kind === "session") return openSession(request, { name: route.name, options });
  const session = findSession(request, route.session, options.sessions);
  if ("status" in session) return session;
  try {
    return await answerInSession(request, { route, session, clock: options.clock });
  } catch (error) {
    if (!(error instanceof ClosedError)) throw error;
    return textAnswer(400, "The request broke off");
  }
}

type InSession = Exclude<ModernRoute, { readonly name: string }>;

const METHODS: Readonly<Record<ModernRoute["kind"], readonly string[]>> = {
  control: ["GET"],
  session: ["POST"],
  session_poll: ["GET"],
  session_messages: ["POST"],
  session_probe: ["GET", "POST"],
  answer_stream: ["POST"],
  body_stream: ["GET"],
};

/** Opens a session whose messages travel over a WebSocket. */
function openControl(
  request: HttpRequest,
  { name, options }: { readonly name: string; readonly options: ModernOptions },
): HttpAnswer {
  const opener = checkOpener(request, { name, options });
  if ("status" in opener) return opener;
  const handshake = toHandshake(request);
  if (handshake === undefined) {
    // A proxy may have taken the fields off: then the server takes to polling.
    return textAnswer(426, `A control channel is a WebSocket for ${CONTROL_PROTOCOL}`, [
      ...["Upgrade", "websocket", MODERN_HEADER, MODERN_VERSION],
    ]);
  }
  const { sessions, hostOf, onOpened } = options;
  let channel: ControlChannel | undefined;
  const session = sessions.open(opener, (opened) => {
    channel = new ControlChannel(opened, request, sessions.silence);
    return channel;
  });
  if (session === "full" || channel === undefined) return fullAnswer();
  const answer = channel.open(handshake);
  onOpened(request, session);
  session.start(hostOf(opener.server));
  return answer;
}

/** Opens a session whose messages travel over polls and POSTs. */
function openSession(
  request: HttpRequest,
  { name, options }: { readonly name: string; readonly options: ModernOptions },
): HttpAnswer {
  const opener = checkOpener(request, { name, options });
  if ("status" in opener) return opener;
  const versions = headerValue(request.headers, MODERN_HEADER.toLowerCase())?.split(",") ?? [];
  if (!versions.some((version) => version.trim() === MODERN_VERSION)) {
    return textAnswer(400, `This relay speaks version ${MODERN_VERSION}`);
  }
  const { sessions, clock, hostOf, onOpened } = options;
  let channel: PollChannel | undefined;
  const session = sessions.open(opener, (opened) => {
    channel = new PollChannel(opened, { clock, silence: sessions.silence });
    return channel;
  });
  if (session === "full" || channel === undefined) return fullAnswer();
  onOpened(request, session);
  session.start(hostOf(opener.server));
  const { status, headers, body } = channel.takeWelcome();
  return { status, headers: [...headers, MODERN_HEADER, MODERN_VERSION], body };
}

/** Who wants to open a session, or why they may not. */
function checkOpener(
  request: HttpRequest,
  { name, options }: { readonly name: string; readonly options: ModernOptions },
): Opener | HttpAnswer {
  const server = options.authenticate(request, name);
  if ("status" in server) return server;
  const process = headerValue(request.headers, PROCESS_HEADER.toLowerCase()) ?? "";
  if (!isId(process)) return textAnswer(400, `The header ${PROCESS_HEADER} is missing`);
  const successorOf = headerValue(request.headers, SUCCESSOR_HEADER.toLowerCase());
  return { server, process, successorOf };
}

/** The session that a request is for; its key counts for every single one. */
function findSession(
  request: HttpRequest,
  id: string,
  sessions: Sessions,
): Session | HttpAnswer {
  const key = headerValue(request.headers, API_KEY_HEADER.toLowerCase());
  if (key === undefined) return textAnswer(403, `The header ${API_KEY_HEADER} is missing`);
  const session = sessions.find(id);
  const isItsKey = session !== undefined &&
    matchesTripcode(Buffer.from(key, "latin1"), session.server.tripcode);
  return isItsKey ? session : textAnswer(410, "The session is over");
}

function answerInSession(
  request: HttpRequest,
  { route, session, clock }: {
    readonly route: InSession;
    readonly session: Session;
    readonly clock: Clock;
  },
): Promise<HttpAnswer> | HttpAnswer {
  switch (route.kind) {
    case "session_poll":
    case "session_messages": {
      const { channel } = session;
      if (!(channel instanceof PollChannel)) {
        return textAnswer(409, "This session has a control channel");
      }
      return route.kind === "session_poll"
        ? channel.poll(request, route.received)
        : channel.take(request, route.index);
    }
    case "session_probe":
      return request.method === "GET"
        ? answerDownProbe(clock)
        : takeUpProbe(request, { session, clock });
  }
  const exchange = session.find(route.id);
  if (exchange === undefined) return textAnswer(410, "The exchange is over");
  const { index } = route;
  if (route.kind === "answer_stream") {
    return index === undefined
      ? exchange.takeAnswer(request)
      : exchange.takeAnswerSegment(request, index);
  }
  return index === undefined ? exchange.openBody() : exchange.nextBodySegment(request, index);
}

function fullAnswer(): HttpAnswer {
  return textAnswer(503, "This name has too many sessions", ["Retry-After", "5"]);
}
