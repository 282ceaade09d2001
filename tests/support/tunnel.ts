/** A relay and servers in this process, on free ports of 127.0.0.1. */

import { toTripcode } from "../../lib/auth/tripcode.ts";
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS } from "../../lib/base/limits.ts";
import { type Logger, silentLogger } from "../../lib/base/log.ts";
import type { FileSystem } from "../../lib/files/file_system.ts";
import { createFileServer } from "../../lib/files/file_server.ts";
import type { ListenerLimits } from "../../lib/http/listener.ts";
import type { Handler } from "../../lib/http/message.ts";
import { Relay, type RelayConfig } from "../../lib/relay/relay.ts";
import { createDispatcher } from "../../lib/server/dispatch.ts";
import { readProxySettings } from "../../lib/server/proxy_settings.ts";
import { RelayClient } from "../../lib/server/relay_client.ts";
import { Server } from "../../lib/server/server.ts";

export const NAME = "home";
export const KEY = "a key that only tests have";

export interface RelayOptions extends Partial<RelayConfig> {
  readonly limits?: Partial<ListenerLimits>;
  readonly log?: Logger;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** A configuration with one server, NAME, that has KEY; no admin pages. */
export function toRelayConfig(changes: Partial<RelayConfig> = {}): RelayConfig {
  return {
    host: "127.0.0.1",
    port: 0,
    adminHost: "127.0.0.1",
    adminPort: false,
    adminPortGiven: false,
    adminHosts: [],
    publicServerList: false,
    debugRoutes: false,
    enableScraperApi: false,
    scraperKeys: [],
    trustedProxies: [],
    proxyProtocol: false,
    maxConnections: MAX_CONNECTIONS,
    maxConnectionsPerAddress: MAX_CONNECTIONS_PER_ADDRESS,
    reconnectGraceMs: 10_000,
    answerTimeoutMs: undefined,
    hostSuffix: undefined,
    upgradeTokens: [],
    servers: [toServerEntry(NAME)],
    ...changes,
  };
}

export function toServerEntry(name: string, key = KEY): RelayConfig["servers"][number] {
  return { name, tripcode: toTripcode(key), displayName: name };
}

export interface RunningRelay extends AsyncDisposable {
  readonly relay: Relay;
  readonly port: number;
  readonly url: string;
}

/** Stopped, with all that it still does cut, at the end of the scope. */
export async function startRelay(options: RelayOptions = {}): Promise<RunningRelay> {
  const { limits = {}, log = silentLogger, clock = systemClock, ...changes } = options;
  const relay = new Relay(toRelayConfig(changes), { log, clock, limits });
  const { public: { port } } = await relay.start();
  return {
    relay,
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => relay.stop(AbortSignal.abort()),
  };
}

export interface ServerOptions {
  readonly name?: string;
  readonly key?: string;
  readonly log?: Logger;
  /** PEM certificates to trust beside the system's. */
  readonly certificates?: readonly string[];
  /** Default: the system's. */
  readonly clock?: Clock;
}

export interface RunningServer extends AsyncDisposable {
  readonly server: Server;
}

/** A server whose first poll the relay has taken. Stopped at once at the end of the scope. */
export async function startServer(
  relayUrl: string,
  handler: Handler,
  options: ServerOptions = {},
): Promise<RunningServer> {
  const running = launchServer(relayUrl, handler, options);
  await running.server.connected;
  return running;
}

/** As {@linkcode startServer}, for a relay that may not be there yet. */
export function launchServer(
  relayUrl: string,
  handler: Handler,
  options: ServerOptions = {},
): RunningServer {
  const { name = NAME, key = KEY, log = silentLogger, certificates = [] } = options;
  const client = new RelayClient({
    proxy: readProxySettings(() => undefined),
    extraCertificates: certificates,
  });
  const server = new Server({
    name,
    apiKey: key,
    relayUrl,
    throttleUpload: false,
    handler,
    client,
    clock: options.clock ?? systemClock,
    log,
  });
  server.start();
  return {
    server,
    [Symbol.asyncDispose]: async () => {
      await server.stop(AbortSignal.abort());
      client.close();
    },
  };
}

/** What ptth_server answers out of a folder. */
export function serveFolder(root: string, fileSystem: FileSystem): Handler {
  const files = createFileServer({ fileSystem, root, clock: systemClock, log: silentLogger });
  return createDispatcher({ files });
}
