/** ptth_server: from arguments to a running server and its end. */

import { checkKey, KEY_HINT } from "../auth/key_strength.ts";
import { toTripcode } from "../auth/tripcode.ts";
import { systemClock } from "../base/clock.ts";
import { ConfigError, toMessage } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { type OriginAddress, parseOriginUrl } from "../base/origin_url.ts";
import { whenAborted } from "../base/when_aborted.ts";
import type { ServerConfig } from "../config/server_config.ts";
import { SERVER_PROGRAM } from "../config/server_options.ts";
import { denoFileSystem } from "../files/deno_file_system.ts";
import { createFileServer, type FileServer } from "../files/file_server.ts";
import { createDispatcher } from "../server/dispatch.ts";
import { createOrigin, type Origin } from "../server/origin.ts";
import type { OriginConfig } from "../server/origin_config.ts";
import { proxyFor, readProxySettings } from "../server/proxy_settings.ts";
import { RelayClient } from "../server/relay_client.ts";
import { Server } from "../server/server.ts";
import { parseCertificates } from "../server/trusted_certificates.ts";
import { loadServerConfig, type NewConfig } from "./load_server_config.ts";
import { dropRights, START_RIGHTS } from "./drop_rights.ts";
import { diskConfigFiles, readConfigFile } from "./read_config_file.ts";
import {
  createConsoleLog,
  drainDeadline,
  print,
  printHelp,
  printVersion,
  type ProgramContext,
  runMain,
} from "./run_main.ts";

export function serverMain(): Promise<never> {
  return runMain(SERVER_PROGRAM, run);
}

async function run(context: ProgramContext): Promise<void> {
  const loaded = await loadServerConfig(context.args, diskConfigFiles);
  switch (loaded.kind) {
    case "help":
      return printHelp(SERVER_PROGRAM);
    case "version":
      return printVersion(SERVER_PROGRAM);
    case "print-tripcode":
      return print(formatTripcode(loaded.name ?? "", loaded.apiKey));
    case "generate-key":
      return await generateKey(loaded);
    case "auto-gen-key":
      await generateKey(loaded);
      return await run(context);
    case "run":
      return await serve(loaded, context);
  }
}

async function generateKey(newConfig: NewConfig): Promise<void> {
  // The word list is big, and a normal start needs none of it.
  const { writeNewConfig } = await import("./write_new_config.ts");
  const { name, apiKey } = await writeNewConfig(newConfig);
  print(`Wrote ${newConfig.path}. Lines for the relay's file:\n\n[[servers]]\n`);
  print(formatTripcode(name, apiKey));
}

async function serve(
  { config, warnings }: { config: ServerConfig; warnings: readonly string[] },
  { stopping }: ProgramContext,
): Promise<void> {
  const log = createConsoleLog(config.logLevel);
  const verdict = await checkKey(config.apiKey);
  if (!verdict.ok) {
    const [file = ""] = config.secretFiles;
    throw new ConfigError(`Cannot use api_key: ${verdict.reason}`, { file, hint: KEY_HINT });
  }
  for (const warning of warnings) log.warn(warning);
  const proxy = readProxySettings((name) => Deno.env.get(name));
  // Here a faulty variable is an error of the configuration; later it would be one of the network.
  proxyFor(new URL(config.relayUrl), proxy);
  const client = new RelayClient({
    proxy,
    extraCertificates: await readCertificates(config.caFile),
  });
  const origins = await openOrigins(config, log);
  const files = openFolder(config, log);
  const server = new Server({
    ...config,
    handler: createDispatcher({ files, origins }),
    client,
    clock: systemClock,
    log: log.named("server"),
  });
  // "sys" stays: the system's authorities are read when the first TLS connection is made.
  await dropRights(hasSocket(config) ? START_RIGHTS : [...START_RIGHTS, "write"]);
  await announce(config, log);
  server.start();
  await whenAborted(stopping);
  log.info("Stopping: exchanges in flight may end; once more stops at once");
  const deadline = drainDeadline();
  await server.stop(deadline.signal);
  deadline.clear();
  client.close();
  for (const origin of origins) origin.close();
  log.info("Stopped");
}

/** Says what is served, and by which name. */
async function announce(
  { name, apiKey, fileServerRoot, origins }: ServerConfig,
  log: Logger,
): Promise<void> {
  const tripcode = toTripcode(apiKey);
  if (fileServerRoot !== undefined) {
    log.info(`Serving "${await Deno.realPath(fileServerRoot)}" as "${name}"`, { tripcode });
  }
  for (const { path, url } of origins) {
    log.info(`Forwarding "${path}" of "${name}"`, { origin: url, tripcode });
  }
}

async function openOrigins(
  { origins }: ServerConfig,
  log: Logger,
): Promise<readonly Origin[]> {
  return await Promise.all(origins.map(async (entry) => {
    const { path, url, hostHeader } = entry;
    const address = parseOriginUrl(url);
    // The configuration has been checked.
    if (address === undefined) throw new TypeError("Cannot use origin: its URL is malformed");
    await checkSocketAccess(address);
    const config: OriginConfig = {
      path,
      address,
      stripsPath: entry.stripPrefix,
      host: hostHeader === "preserve" || hostHeader === "origin"
        ? hostHeader
        : { authority: hostHeader },
      certificates: await readCertificates(entry.caFile),
      isInsecure: entry.insecure,
      connectTimeoutMs: entry.connectTimeoutMs,
      silenceTimeoutMs: entry.silenceTimeoutMs,
    };
    return createOrigin(config, { clock: systemClock, log: log.named("origins") });
  }));
}

/** Whether an origin is a Unix socket, for which Deno wants the right to write. */
function hasSocket({ origins }: ServerConfig): boolean {
  return origins.some(({ url }) => url.startsWith("unix:"));
}

/** Deno wants more rights for a Unix socket than for the network; without them it would end. */
async function checkSocketAccess({ endpoint }: OriginAddress): Promise<void> {
  if (!("socketPath" in endpoint)) return;
  const path = endpoint.socketPath;
  const wanted: readonly (readonly [Deno.PermissionDescriptor, verb: string, flag: string])[] = [
    [{ name: "read", path }, "read", `--allow-read=${path}`],
    [{ name: "write", path }, "write", `--allow-write=${path}`],
    [{ name: "net", host: `unix:${path}` }, "connect to", `--allow-net=unix:${path}`],
  ];
  for (const [descriptor, verb, flag] of wanted) {
    const { state } = await Deno.permissions.query(descriptor);
    if (state === "granted") continue;
    throw new ConfigError(`Cannot use origin "unix:${path}": Deno may not ${verb} it`, {
      hint: `Run Deno with ${flag}`,
    });
  }
}

/** Undefined where no folder is served. */
function openFolder(
  { fileServerRoot, folder, secretFiles }: ServerConfig,
  log: Logger,
): FileServer | undefined {
  if (fileServerRoot === undefined) return undefined;
  try {
    return createFileServer({
      ...folder,
      fileSystem: denoFileSystem,
      root: fileServerRoot,
      neverServe: secretFiles,
      clock: systemClock,
      log: log.named("files"),
    });
  } catch (error) {
    throw new ConfigError(toMessage(error), { hint: "Set file_server_root to a folder" });
  }
}

async function readCertificates(path: string | undefined): Promise<readonly string[]> {
  if (path === undefined) return [];
  const file = await readConfigFile(path);
  if (file === undefined) throw new ConfigError("Cannot read ca_file: there is no such file");
  try {
    return parseCertificates(file.text);
  } catch (error) {
    throw new ConfigError(toMessage(error), { file: path });
  }
}

/** The lines that register a server, as the original prints them. */
function formatTripcode(name: string, apiKey: string): string {
  return `name = "${name}"\ntripcode = "${toTripcode(apiKey)}"\n`;
}
