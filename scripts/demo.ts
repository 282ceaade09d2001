/**
 * The main job in one terminal: a relay and a server with a throw-away key on free ports, without
 * configuration files. Leaves nothing behind.
 *
 *     deno task demo [FOLDER]
 */

import { createDicewareKey } from "../lib/auth/key_maker.ts";
import { toTripcode } from "../lib/auth/tripcode.ts";
import { systemClock } from "../lib/base/clock.ts";
import { ConfigError, toMessage } from "../lib/base/errors.ts";
import { MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS } from "../lib/base/limits.ts";
import { whenAborted } from "../lib/base/when_aborted.ts";
import { createConsoleLog, print, runMain } from "../lib/cli/run_main.ts";
import type { Program } from "../lib/config/program.ts";
import { denoFileSystem } from "../lib/files/deno_file_system.ts";
import { createFileServer, type FileServer } from "../lib/files/file_server.ts";
import { toListenUrl } from "../lib/http/listen_address.ts";
import { Relay } from "../lib/relay/relay.ts";
import { createDispatcher } from "../lib/server/dispatch.ts";
import { readProxySettings } from "../lib/server/proxy_settings.ts";
import { RelayClient } from "../lib/server/relay_client.ts";
import { Server } from "../lib/server/server.ts";

const NAME = "demo";

const DEMO_PROGRAM: Program = {
  name: "demo",
  summary: "Serves a folder through a relay, both in this terminal",
  usage: ["[FOLDER]"],
  options: {},
  sections: [],
  commands: [],
  configFiles: [],
  examples: ["deno task demo", "deno task demo ~/public"],
};

await runMain(DEMO_PROGRAM, async ({ args, stopping }) => {
  const [folder = ".", ...more] = args;
  if (more.length > 0 || folder.startsWith("-")) {
    throw new ConfigError("Cannot understand the arguments", { hint: "deno task demo [FOLDER]" });
  }
  const log = createConsoleLog("warn");
  const options = { log, clock: systemClock };
  const files = openFolder(folder, options);
  const apiKey = createDicewareKey();
  const relay = new Relay({
    host: "127.0.0.1",
    port: 0,
    adminHost: "127.0.0.1",
    adminPort: 0,
    adminPortGiven: true,
    adminHosts: [],
    publicServerList: true,
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
    servers: [{ name: NAME, tripcode: toTripcode(apiKey), displayName: "Demo" }],
  }, options);
  const addresses = await relay.start();
  const relayUrl = toListenUrl(addresses.public);
  const client = new RelayClient({
    proxy: readProxySettings(() => undefined),
    extraCertificates: [],
  });
  const server = new Server({
    ...options,
    name: NAME,
    apiKey,
    relayUrl,
    throttleUpload: false,
    handler: createDispatcher({ files }),
    client,
  });
  server.start();
  await server.connected;
  const url = `${relayUrl}servers/${NAME}/files/`;
  print(`The folder "${folder}" is served through a relay. Open

    ${url}

or, in another terminal,

    curl ${url}

${addresses.admin === null ? "" : `The relay's admin pages: ${toListenUrl(addresses.admin)}\n`}\
Ctrl+C ends it.
`);
  await whenAborted(stopping);
  const now = AbortSignal.abort();
  await server.stop(now);
  await relay.stop(now);
  client.close();
});

function openFolder(
  root: string,
  options: Pick<Parameters<typeof createFileServer>[0], "clock" | "log">,
): FileServer {
  try {
    return createFileServer({ ...options, fileSystem: denoFileSystem, root });
  } catch (error) {
    throw new ConfigError(toMessage(error), { hint: "deno task demo [FOLDER]" });
  }
}
