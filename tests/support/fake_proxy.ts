/** An HTTP proxy for tests: every name that it is asked for leads to one port of 127.0.0.1. */

import { connect, type Socket } from "node:net";
import { RawServer, type ServerConnection } from "./raw_server.ts";

export interface FakeProxy extends AsyncDisposable {
  readonly port: number;
  /** The heads that it was sent. */
  readonly heads: string[];
}

/** `refusal` is sent instead of doing as asked. */
export async function startFakeProxy(
  targetPort: number,
  refusal?: string,
): Promise<FakeProxy> {
  const heads: string[] = [];
  const targets: Socket[] = [];
  const server = await RawServer.listen(async (visitor: ServerConnection) => {
    const head = await visitor.readHead();
    heads.push(head);
    if (refusal !== undefined) return visitor.send(refusal);
    const target = connect(targetPort, "127.0.0.1");
    targets.push(target);
    target.on("error", () => visitor.socket.destroy());
    visitor.socket.removeAllListeners("data");
    if (head.startsWith("CONNECT ")) visitor.send("HTTP/1.1 200 Connection established\r\n\r\n");
    else target.write(head);
    visitor.socket.pipe(target).pipe(visitor.socket);
    visitor.socket.once("close", () => target.destroy());
  });
  return {
    port: server.port,
    heads,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      for (const target of targets) target.destroy();
      await Promise.all(
        targets.map((target) =>
          target.closed || new Promise((resolve) => target.once("close", resolve))
        ),
      );
    },
  };
}
