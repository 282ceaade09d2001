/** ptth_file_server: from arguments to a running file server and its end. */

import { PasswordGate } from "../auth/password_gate.ts";
import { systemClock } from "../base/clock.ts";
import { ConfigError, toMessage } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { whenAborted } from "../base/when_aborted.ts";
import type { FileServerConfig } from "../config/file_server_config.ts";
import { FILE_SERVER_PROGRAM } from "../config/file_server_options.ts";
import { denoFileSystem } from "../files/deno_file_system.ts";
import { createFileServer, type FileServer } from "../files/file_server.ts";
import { createRootHandler } from "../files/root_handler.ts";
import { createAccessLog } from "../http/access_log.ts";
import { requireUser } from "../http/basic_auth.ts";
import type { ObserveExchange } from "../http/exchange_observer.ts";
import { checkHost } from "../http/host_check.ts";
import { Listener } from "../http/listener.ts";
import type { Handler, HttpRequest } from "../http/message.ts";
import { announce } from "./announce.ts";
import { dropRights, LISTENER_RIGHTS } from "./drop_rights.ts";
import { printPasswordHash } from "./hash_password.ts";
import { loadFileServerConfig } from "./load_file_server_config.ts";
import { formatConfigError } from "./print_error.ts";
import { ProgressLine } from "./progress_line.ts";
import { diskConfigFiles } from "./read_config_file.ts";
import { type FoundIdentity, readTlsIdentity } from "./read_tls_identity.ts";
import { readUsers } from "./read_users.ts";
import {
  addSignalListener,
  createConsoleLog,
  drainDeadline,
  print,
  printError,
  printHelp,
  printVersion,
  type ProgramContext,
  runMain,
} from "./run_main.ts";

export function fileServerMain(): Promise<never> {
  return runMain(FILE_SERVER_PROGRAM, run);
}

async function run({ args, stopping }: ProgramContext): Promise<void> {
  const loaded = loadFileServerConfig(args);
  switch (loaded.kind) {
    case "help":
      return printHelp(FILE_SERVER_PROGRAM);
    case "version":
      return printVersion(FILE_SERVER_PROGRAM);
    case "hash-password":
      return await printPasswordHash();
    case "run":
      return await serve(loaded.config, stopping);
  }
}

/** The user of each request that came with a right password. */
type UserNames = WeakMap<HttpRequest, string>;

async function serve(config: FileServerConfig, stopping: AbortSignal): Promise<void> {
  const progress = config.accessLog === "off" && Deno.stderr.isTerminal()
    ? new ProgressLine({ clock: systemClock, write: printError })
    : undefined;
  const log = createConsoleLog(config.logLevel, () => progress?.clear());
  const names: UserNames = new WeakMap();
  const tls = await readIdentity(config, log);
  const gate = await openGate(config);
  const listener = new Listener({
    handler: createSite(config, { log, gate, names }),
    observe: config.accessLog === "off" ? progress?.observe : openAccessLog(config, names),
    tls,
    limits: config,
    log: log.named("http"),
    clock: systemClock,
  });
  const address = await listener.start(config);
  announce(config, { address, log });
  // The port is open, and a browser is run at the start alone.
  await dropRights(LISTENER_RIGHTS);
  if (tls !== undefined || gate !== undefined) {
    addSignalListener("SIGHUP", () => void reload(config, { listener, gate, log }));
  }
  await whenAborted(stopping);
  const deadline = drainDeadline();
  await listener.close(deadline.signal);
  deadline.clear();
  log.info("Stopped");
}

/** The folder below its path, for who may see it. */
function createSite(
  config: FileServerConfig,
  { log, gate, names }: { log: Logger; gate: PasswordGate | undefined; names: UserNames },
): Handler {
  const site = createRootHandler(openFolder(config, log), {
    basePath: config.basePath,
    scheme: config.tls === null ? "http" : "https",
  });
  const guarded = gate === undefined ? site : requireUser(site, {
    realm: "Files",
    check: (login) => gate.check(login),
    identified: (request, name) => void names.set(request, name),
  });
  return checkHost(guarded, {
    boundHost: config.host,
    allowedHosts: () => config.allowedHosts,
  });
}

function openFolder({ root, folder, authFile, tls }: FileServerConfig, log: Logger): FileServer {
  const secretFiles = [authFile, tls?.key ?? null].filter((path) => path !== null);
  try {
    return createFileServer({
      ...folder,
      fileSystem: denoFileSystem,
      root,
      neverServe: secretFiles,
      clock: systemClock,
      log: log.named("files"),
    });
  } catch (error) {
    throw new ConfigError(toMessage(error), { hint: "Name a folder by --root" });
  }
}

function openAccessLog(
  { accessLog }: FileServerConfig,
  names: UserNames,
): ObserveExchange | undefined {
  if (accessLog === "off") return undefined;
  return createAccessLog({
    form: accessLog,
    clock: systemClock,
    userOf: (request) => names.get(request),
    write: (line) => print(`${line}\n`),
  });
}

async function openGate({ authFile }: FileServerConfig): Promise<PasswordGate | undefined> {
  if (authFile === null) return undefined;
  return new PasswordGate(await readUsers(authFile, diskConfigFiles), systemClock);
}

async function readIdentity(
  { tls }: FileServerConfig,
  log: Logger,
): Promise<FoundIdentity | undefined> {
  if (tls === null) return undefined;
  const identity = await readTlsIdentity(tls, { files: diskConfigFiles, now: systemClock.now() });
  for (const warning of identity.warnings) log.warn(warning);
  return identity;
}

/** Reads certificate and users again; where one of them is faulty, both stay as they are. */
async function reload(
  config: FileServerConfig,
  { listener, gate, log }: { listener: Listener; gate: PasswordGate | undefined; log: Logger },
): Promise<void> {
  try {
    const tls = await readIdentity(config, log);
    const users = config.authFile === null
      ? undefined
      : await readUsers(config.authFile, diskConfigFiles);
    if (tls !== undefined) listener.replaceTls(tls);
    if (users !== undefined) gate?.replaceUsers(users);
    log.info("Certificate and users were read again");
  } catch (error) {
    const reason = error instanceof ConfigError
      ? formatConfigError("", error).trim()
      : toMessage(error);
    log.error("Certificate and users stay as they were", { reason });
  }
}
