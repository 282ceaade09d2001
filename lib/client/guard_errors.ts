/** Sockets whose errors never end the process, whoever listens to them or does not yet. */

import type { Socket } from "node:net";

/**
 * Destroys the socket at an error. An error may come between two owners: other sockets are read
 * between the microtasks in which a connection goes from who has opened it to who uses it. Nobody
 * listens then, which would end the process; and a TLS socket that has failed need not close.
 */
export function guardErrors<S extends Socket>(socket: S): S {
  return socket.on("error", () => void socket.destroy());
}
