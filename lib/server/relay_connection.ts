/** Connecting to a relay: TCP, where needed a tunnel through a proxy, and TLS. */

import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type SecureContext } from "node:tls";
import type { Clock } from "../base/clock.ts";
import { guardErrors } from "../client/guard_errors.ts";
import { openTunnel } from "./connect_tunnel.ts";
import type { Proxy } from "./proxy_settings.ts";
import {
  toAbortError,
  toFirstHopError,
  toTlsError,
  UnreachableError,
} from "../client/unreachable_error.ts";

export interface ConnectionOptions {
  /** Connects here instead; an https relay is then reached by CONNECT. */
  readonly proxy: Proxy | undefined;
  /** Whom to trust; called for https only. */
  readonly trust: () => SecureContext;
  readonly clock: Clock;
  /** For all of it together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Connects to the host of `relay` (http or https), or to the proxy where plain http goes through
 * one; resolves when the connection is ready for a request. The caller closes it.
 *
 * @throws {UnreachableError}
 */
export async function openConnection(relay: URL, options: ConnectionOptions): Promise<Socket> {
  const { proxy, trust } = options;
  const target = addressOf(relay);
  const peer = peerOf(relay);
  const { hostname, port } = proxy ?? target;
  const tcp = guardErrors(connectTcp({ host: hostname, port }));
  const guard = guardConnecting(tcp, { ...options, peer });
  try {
    await event(tcp, "connect").catch((error) => {
      throw toFirstHopError(error, { peer, proxyAddress: proxy?.address });
    });
    // Or else Nagle's algorithm and delayed acknowledgements hold small messages back for 40 ms.
    tcp.setNoDelay(true);
    if (relay.protocol === "http:") return tcp;
    // Host and port as CONNECT wants them: an IPv6 address in brackets.
    const authority = `${relay.hostname}:${target.port}`;
    if (proxy !== undefined) await openTunnel(tcp, authority, proxy);
    return await startTls(tcp, { hostname: target.hostname, trust, peer });
  } catch (error) {
    tcp.destroy();
    throw guard.givenUp ?? error;
  } finally {
    guard.end();
  }
}

/** Ends the connecting once it takes too long, or nobody wants it any more. */
function guardConnecting(
  tcp: Socket,
  { clock, timeoutMs, signal, peer }: ConnectionOptions & { readonly peer: string },
): { readonly givenUp: UnreachableError | undefined; end(): void } {
  let givenUp: UnreachableError | undefined;
  const giveUp = (error: UnreachableError): void => {
    givenUp = error;
    tcp.destroy(error);
  };
  const abort = (): void => giveUp(toAbortError(signal.reason, peer));
  const timer = clock.after(timeoutMs, () => {
    const message = `Cannot reach ${peer}: connecting took over ${timeoutMs / 1000} s`;
    giveUp(new UnreachableError("timeout", message));
  });
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  return {
    get givenUp(): UnreachableError | undefined {
      return givenUp;
    },
    end: () => {
      clock.clear(timer);
      signal.removeEventListener("abort", abort);
    },
  };
}

/** How messages call a relay. */
export function peerOf(relay: URL): string {
  return `relay "${relay.origin}"`;
}

interface Address {
  readonly hostname: string;
  readonly port: number;
}

function addressOf(url: URL): Address {
  const standardPort = url.protocol === "https:" ? 443 : 80;
  return {
    hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? standardPort : Number(url.port),
  };
}

async function startTls(
  tcp: Socket,
  options: {
    readonly hostname: string;
    readonly trust: () => SecureContext;
    readonly peer: string;
  },
): Promise<Socket> {
  const { hostname, trust, peer } = options;
  try {
    const socket = guardErrors(connectTls({
      socket: tcp,
      secureContext: trust(),
      // The name that the certificate must be for; as SNI only names are allowed (RFC 6066 §3).
      host: hostname,
      servername: isIP(hostname) === 0 ? hostname : "",
      ALPNProtocols: ["http/1.1"],
      // Else an environment variable could turn the check off.
      rejectUnauthorized: true,
    }));
    await event(socket, "secureConnect");
    return socket;
  } catch (error) {
    throw toTlsError(error, peer);
  }
}

/** Waits for an event that no error and no end comes before. */
function event(socket: Socket, name: "connect" | "secureConnect"): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      socket.off(name, settle).off("error", settle).off("close", close);
      if (error === undefined) resolve();
      else reject(error);
    };
    const close = (): void => settle(new Error("the connection was closed"));
    socket.on(name, settle).on("error", settle).on("close", close);
  });
}
