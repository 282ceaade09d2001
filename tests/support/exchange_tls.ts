/** One exchange of bytes over TLS, with what shows the certificate of "localhost". */

import { Buffer } from "node:buffer";
import { connect } from "node:tls";
import { readCa } from "./tls_files.ts";

/** A guard against what waits for more: far longer than a slow computer needs. */
const GUARD_MS = 15_000;

/** Sends bytes, one per character, and returns all that comes until the peer closes. */
export function exchangeTls(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ca: readCa() });
    const guard = setTimeout(() => socket.destroy(new Error("It waits for more")), GUARD_MS);
    socket.on("secureConnect", () => socket.write(Buffer.from(bytes, "latin1")));
    socket.on("data", (chunk: Uint8Array) => {
      received += Buffer.from(chunk).toString("latin1");
    });
    let fault: Error | undefined;
    socket.on("error", (error: Error & { code?: string }) => {
      // One that closes with bytes of ours unread resets the connection.
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") fault = error;
    });
    socket.on("close", () => {
      clearTimeout(guard);
      if (fault === undefined) resolve(received);
      else reject(new Error(`${fault.message}: ${received}`));
    });
  });
}
