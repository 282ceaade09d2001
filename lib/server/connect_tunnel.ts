/** A way through an HTTP proxy by CONNECT (RFC 9110 §9.3.6). */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { MAX_HEAD_BYTES } from "../base/limits.ts";
import type { Proxy } from "./proxy_settings.ts";
import { UnreachableError } from "../client/unreachable_error.ts";

/**
 * Asks the proxy at the other end of `socket` for a connection to `authority` (`host:port`). When
 * it resolves, the socket is paused and leads there. It has no time limit: destroying the socket
 * ends it.
 *
 * @throws {UnreachableError} of the kind "proxy"; the socket is the caller's to close.
 */
export function openTunnel(socket: Socket, authority: string, proxy: Proxy): Promise<void> {
  return new Promise((resolve, reject) => {
    let head = "";
    const settle = (fault: string | undefined): void => {
      socket.pause();
      socket.off("data", take).off("error", cut).off("close", cut);
      if (fault === undefined) return resolve();
      const message = `Cannot reach relay through proxy "${proxy.address}": ${fault}`;
      reject(new UnreachableError("proxy", message));
    };
    const take = (chunk: Uint8Array): void => {
      head += Buffer.from(chunk).toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end >= 0) settle(faultOf(head.slice(0, end), head.length - end - 4));
      else if (head.length > MAX_HEAD_BYTES) settle("its answer is too long");
    };
    const cut = (): void => settle("it closed the connection");
    socket.on("data", take).on("error", cut).on("close", cut);
    socket.write(encodeConnect(authority, proxy));
  });
}

function encodeConnect(authority: string, { authorization }: Proxy): Uint8Array {
  let head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n`;
  if (authorization !== undefined) head += `Proxy-Authorization: ${authorization}\r\n`;
  return Buffer.from(`${head}\r\n`, "latin1");
}

/** What is wrong with the proxy's answer, if anything is. */
function faultOf(head: string, surplus: number): string | undefined {
  const status = /^HTTP\/1\.[01] ([0-9]{3})(?= |\r|$)/.exec(head)?.[1];
  if (status === undefined) return "its answer is no HTTP/1.1";
  if (status === "407") return "it wants another user name and password, in the proxy's URL";
  if (!status.startsWith("2")) return `it answers ${status}`;
  // In TLS the client speaks first: these bytes are not from the relay.
  return surplus > 0 ? "its answer has a body" : undefined;
}
