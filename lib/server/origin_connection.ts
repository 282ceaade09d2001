/** Connecting to an origin: TCP or a Unix socket, and TLS. */

import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type SecureContext } from "node:tls";
import type { Clock } from "../base/clock.ts";
import { TCP_KEEP_ALIVE_MS } from "../base/limits.ts";
import type { OriginAddress } from "../base/origin_url.ts";
import { guardErrors } from "../client/guard_errors.ts";
import {
  toAbortError,
  toConnectError,
  toTlsError,
  UnreachableError,
} from "../client/unreachable_error.ts";

export interface OriginConnectionOptions {
  readonly clock: Clock;
  /** For all of it together; 0 for no limit. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Whom to trust; called for https only. */
  readonly trust: () => SecureContext;
  /** Takes any certificate. */
  readonly isInsecure: boolean;
  /** For a connection that will speak another protocol: its two directions end apart, in TLS too. */
  readonly allowHalfOpen: boolean;
}

/**
 * Connects; the caller closes the socket.
 *
 * @throws {UnreachableError}
 */
export function openOriginConnection(
  address: OriginAddress,
  options: OriginConnectionOptions,
): Promise<Socket> {
  const { endpoint, isTls } = address;
  const { clock, timeoutMs, signal, allowHalfOpen } = options;
  const peer = `origin "${address.text}"`;
  return new Promise((resolve, reject) => {
    const tcp = guardErrors(
      "socketPath" in endpoint
        ? connectTcp({ path: endpoint.socketPath, allowHalfOpen })
        : connectTcp({ host: endpoint.hostname, port: endpoint.port, allowHalfOpen }),
    );
    let socket = tcp;
    const settle = (fault?: UnreachableError): void => {
      if (timer !== undefined) clock.clear(timer);
      signal.removeEventListener("abort", abort);
      tcp.off("error", fail).off("close", close);
      socket.off("error", failTls).off("close", close);
      if (fault === undefined) return resolve(socket);
      tcp.destroy();
      socket.destroy();
      reject(fault);
    };
    const fail = (error: unknown): void => settle(toConnectError(error, peer));
    const failTls = (error: unknown): void => settle(toTlsError(error, peer, "ca_file adds one"));
    const close = (): void => fail(new Error("the connection was closed"));
    const abort = (): void => settle(toAbortError(signal.reason, peer));
    const timer = timeoutMs === 0 ? undefined : clock.after(timeoutMs, () => {
      const message = `Cannot reach ${peer}: connecting took over ${timeoutMs / 1000} s`;
      settle(new UnreachableError("timeout", message));
    });
    tcp.on("error", fail).on("close", close);
    signal.addEventListener("abort", abort, { once: true });
    tcp.once("connect", () => {
      // Or else Nagle's algorithm and delayed acknowledgements hold small messages back for 40 ms.
      tcp.setNoDelay(true);
      // A quiet connection is legitimate for hours; this is how one whose origin is gone is found.
      tcp.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
      if (!isTls) return settle();
      try {
        socket = guardErrors(secure(tcp, address, options));
      } catch (error) {
        return failTls(error);
      }
      tcp.off("error", fail);
      socket.on("error", failTls).on("close", close);
      socket.once("secureConnect", () => settle());
    });
    if (signal.aborted) abort();
  });
}

function secure(
  tcp: Socket,
  { endpoint }: OriginAddress,
  { trust, isInsecure }: OriginConnectionOptions,
): Socket {
  const hostname = "hostname" in endpoint ? endpoint.hostname : "localhost";
  const socket: Socket = connectTls({
    socket: tcp,
    secureContext: trust(),
    // The name that the certificate must be for; as SNI only names are allowed (RFC 6066 §3).
    host: hostname,
    servername: isIP(hostname) === 0 ? hostname : "",
    ALPNProtocols: ["http/1.1"],
    rejectUnauthorized: !isInsecure,
  });
  // A TLS socket would first say that this is the end (RFC 8446 §6.1).
  socket.resetAndDestroy = () => {
    tcp.resetAndDestroy();
    return socket.destroy();
  };
  return socket;
}
