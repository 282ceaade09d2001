/** A TCP load balancer: passes bytes, and says whose they are in a PROXY header of our choice. */

import { Buffer } from "node:buffer";
import { connect, createServer, type Socket } from "node:net";

export interface LoadBalancer extends AsyncDisposable {
  readonly port: number;
}

/** Puts `header`, one character per byte, in front of each connection to a port of this computer. */
export function startLoadBalancer(header: string, toPort: number): Promise<LoadBalancer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (front) => {
    const back = connect({ port: toPort, host: "127.0.0.1", allowHalfOpen: true });
    back.write(Buffer.from(header, "latin1"));
    front.pipe(back).pipe(front);
    for (const [socket, other] of [[front, back], [back, front]] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") throw new TypeError("Not a TCP server");
      resolve({ port: address.port, [Symbol.asyncDispose]: close });
    })
  );
}
