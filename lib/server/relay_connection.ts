/** Connecting to a relay: TCP, where needed a tunnel through a proxy, and TLS. */

import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type SecureContext } from "node:tls";
import type { Clock } from "../base/clock.ts";
import { openTunnel } from "./connect_tunnel.ts";
import type { Proxy } from "./proxy_settings.ts";
import {
  RelayUnreachableError,
  toAbortError,
  toConnectError,
  toTlsError,
} from "./relay_unreachable_error.ts";

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
 * one. The caller closes the socket.
 *
 * @throws {RelayUnreachableError}
 */
export async function openConnection(relay: URL, options: ConnectionOptions): Promise<Socket> {
  const { proxy, clock, signal } = options;
  const peer = peerOf(relay);
  if (signal.aborted) throw toAbortError(signal.reason, peer);
  const target = addressOf(relay);
  const tcp = connectTcp({ host: (proxy ?? target).hostname, port: (proxy ?? target).port });
  let givenUp: RelayUnreachableError | undefined;
  const giveUp = (error: RelayUnreachableError): void => {
    givenUp = error;
    tcp.destroy();
  };
  const abort = (): void => giveUp(toAbortError(signal.reason, peer));
  signal.addEventListener("abort", abort, { once: true });
  const timer = clock.after(options.timeoutMs, () => {
    const message = `Cannot reach ${peer}: connecting took over ${options.timeoutMs / 1000} s`;
    giveUp(new RelayUnreachableError("timeout", message));
  });
  try {
    await connected(tcp, { proxy, peer });
    // Or else Nagle's algorithm and delayed acknowledgements hold small messages back for 40 ms.
    tcp.setNoDelay(true);
    if (relay.protocol !== "https:") return tcp;
    if (proxy !== undefined) await openTunnel(tcp, `${relay.hostname}:${target.port}`, proxy);
    return await startTls(tcp, { hostname: target.hostname, trust: options.trust, peer });
  } catch (error) {
    tcp.destroy();
    throw givenUp ?? error;
  } finally {
    clock.clear(timer);
    signal.removeEventListener("abort", abort);
  }
}

/** How messages call a relay. */
export function peerOf(relay: URL): string {
  return `relay "${relay.origin}"`;
}

function addressOf(url: URL): { readonly hostname: string; readonly port: number } {
  const standardPort = url.protocol === "https:" ? 443 : 80;
  return {
    hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? standardPort : Number(url.port),
  };
}

async function connected(
  tcp: Socket,
  { proxy, peer }: { readonly proxy: Proxy | undefined; readonly peer: string },
): Promise<void> {
  try {
    await event(tcp, "connect");
  } catch (error) {
    if (proxy === undefined) throw toConnectError(error, peer);
    const { message } = toConnectError(error, `proxy "${proxy.address}"`);
    throw new RelayUnreachableError("proxy", message, { cause: error });
  }
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
    const socket = connectTls({
      socket: tcp,
      secureContext: trust(),
      // The name that the certificate must be for; as SNI only names are allowed (RFC 6066 §3).
      host: hostname,
      servername: isIP(hostname) === 0 ? hostname : "",
      ALPNProtocols: ["http/1.1"],
      // Else an environment variable could turn the check off.
      rejectUnauthorized: true,
    });
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
      if (error === undefined) return resolve();
      // It may fail once more while it is being destroyed.
      socket.on("error", () => {});
      reject(error);
    };
    const close = (): void => settle(new Error("the connection was closed"));
    socket.on(name, settle).on("error", settle).on("close", close);
  });
}
