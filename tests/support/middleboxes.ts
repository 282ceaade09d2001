/** What may stand between a server and its relay: programs that each spoil one thing. */

import { Buffer } from "node:buffer";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  request as openRequest,
  type ServerResponse,
} from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";

export interface Middlebox extends AsyncDisposable {
  readonly url: string;
  /** Targets of requests, in order; empty where it does not look at them. */
  readonly targets: readonly string[];
}

/** An HTTP proxy that passes everything on as it comes, but no Upgrade. */
export function startUpgradeStripper(relayPort: number): Promise<Middlebox> {
  return startHttpProxy(relayPort, (incoming, outgoing, upstream) => {
    upstream.on("response", (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, withoutHops(answer.rawHeaders));
      outgoing.flushHeaders();
      answer.pipe(outgoing);
      answer.on("error", () => outgoing.destroy());
    });
    incoming.pipe(upstream);
  });
}

/** An HTTP proxy that passes on whole requests and whole answers only. */
export function startHolder(relayPort: number): Promise<Middlebox> {
  return startHttpProxy(relayPort, (incoming, outgoing, upstream) => {
    upstream.on("response", (answer) => {
      gather(answer, (body) => {
        const fields = withoutHops(answer.rawHeaders, { others: ["content-length"] });
        const isBodyless = answer.statusCode === 204 || answer.statusCode === 304;
        if (!isBodyless) fields.push("Content-Length", String(body.length));
        outgoing.writeHead(answer.statusCode ?? 502, fields);
        outgoing.end(body);
      }, () => outgoing.destroy());
    });
    gather(incoming, (body) => upstream.end(body), () => upstream.destroy());
  });
}

/** An HTTP proxy that knows no other paths than those of PTTH 2.x. */
export function startClassicOnly(relayPort: number): Promise<Middlebox> {
  return startHttpProxy(relayPort, (incoming, outgoing, upstream) => {
    if (!/^\/7ZSFUKGV\/http_(?:listen|response)\//.test(incoming.url ?? "")) {
      // That it is cut must not cut the answer.
      upstream.removeAllListeners("error").on("error", () => {});
      upstream.destroy();
      outgoing.writeHead(403).end();
      return;
    }
    upstream.on("response", (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, withoutHops(answer.rawHeaders));
      answer.pipe(outgoing);
      answer.on("error", () => outgoing.destroy());
    });
    incoming.pipe(upstream);
  });
}

/** A TCP proxy that resets connections on which nothing has moved for a while. */
export async function startIdleCutter(relayPort: number, idleMs: number): Promise<Middlebox> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const upstream = connect({ port: relayPort, host: "127.0.0.1", allowHalfOpen: true });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const cut = (): void => {
      socket.resetAndDestroy();
      upstream.resetAndDestroy();
    };
    const touch = (): void => {
      clearTimeout(timer);
      timer = setTimeout(cut, idleMs);
    };
    touch();
    for (const one of [socket, upstream]) {
      sockets.add(one);
      one.setNoDelay(true);
      one.on("data", touch);
      one.on("error", () => {});
      one.once("close", () => {
        sockets.delete(one);
        clearTimeout(timer);
        (one === socket ? upstream : socket).destroy();
      });
    }
    socket.pipe(upstream);
    upstream.pipe(socket);
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    targets: [],
    [Symbol.asyncDispose]: () => close(server, sockets),
  };
}

type Pass = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  upstream: ReturnType<typeof openRequest>,
) => void;

async function startHttpProxy(relayPort: number, pass: Pass): Promise<Middlebox> {
  const targets: string[] = [];
  const sockets = new Set<Socket>();
  const server = createHttpServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
    targets.push(incoming.url ?? "");
    const upstream = openRequest({
      host: "127.0.0.1",
      port: relayPort,
      agent: false,
      method: incoming.method ?? "GET",
      path: incoming.url ?? "",
      headers: withoutHops(incoming.rawHeaders, {
        ...incoming.headers["transfer-encoding"] === undefined ? {} : { coding: "chunked" },
      }),
    });
    upstream.on("error", () => outgoing.destroy());
    outgoing.on("error", () => upstream.destroy());
    outgoing.on("close", () => {
      upstream.destroy();
      // What is left of a request that was answered early must not stop the next one.
      incoming.unpipe();
      incoming.resume();
    });
    incoming.on("error", () => upstream.destroy());
    pass(incoming, outgoing, upstream);
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    targets,
    [Symbol.asyncDispose]: () => close(server, sockets),
  };
}

const HOPS = ["connection", "upgrade", "keep-alive", "transfer-encoding"];

function withoutHops(
  rawHeaders: readonly string[],
  { coding, others = [] }: { readonly coding?: string; readonly others?: readonly string[] } = {},
): string[] {
  const dropped = new Set([...HOPS, ...others]);
  const fields: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name = "", value = ""] = rawHeaders.slice(i, i + 2);
    if (!dropped.has(name.toLowerCase())) fields.push(name, value);
  }
  if (coding !== undefined) fields.push("Transfer-Encoding", coding);
  return fields;
}

function gather(
  message: IncomingMessage,
  done: (body: Uint8Array) => void,
  fail: () => void,
): void {
  const chunks: Uint8Array[] = [];
  message.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  message.on("end", () => done(Buffer.concat(chunks)));
  message.on("error", fail);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") throw new TypeError("Not a TCP server");
      resolve(address.port);
    })
  );
}

async function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const gone = [...sockets].map((socket) =>
    new Promise<void>((resolve) => socket.once("close", () => resolve()))
  );
  for (const socket of sockets) socket.destroy();
  await Promise.all([closed, ...gone]);
}
