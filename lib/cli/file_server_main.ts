/** ptth_file_server: from arguments to a running file server and its end. */

import { systemClock } from "../base/clock.ts";
import { ConfigError, toMessage } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { FileServerConfig } from "../config/file_server_config.ts";
import { FILE_SERVER_PROGRAM } from "../config/file_server_options.ts";
import { denoFileSystem } from "../files/deno_file_system.ts";
import { createFileServer, type FileServer } from "../files/file_server.ts";
import { createRootHandler } from "../files/root_handler.ts";
import { checkHost } from "../http/host_check.ts";
import { isLoopbackHost } from "../http/host.ts";
import { Listener, toListenUrl } from "../http/listener.ts";
import { loadFileServerConfig } from "./load_file_server_config.ts";
import {
  createConsoleLog,
  drainDeadline,
  printHelp,
  printVersion,
  type ProgramContext,
  runMain,
  whenAborted,
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
    case "run":
      return await serve(loaded.config, stopping);
  }
}

async function serve(config: FileServerConfig, stopping: AbortSignal): Promise<void> {
  const log = createConsoleLog(config.logLevel);
  const handler = checkHost(createRootHandler(openFolder(config, log)), {
    boundHost: config.host,
    allowedHosts: () => config.allowedHosts,
  });
  const listener = new Listener({ handler, log: log.named("http"), clock: systemClock });
  const address = await listener.start(config);
  log.info(`Serving "${config.root}" on ${toListenUrl(address)}`);
  if (!isLoopbackHost(config.host)) {
    log.warn("Everybody who can reach this port can read the folder");
  }
  await whenAborted(stopping);
  const deadline = drainDeadline();
  await listener.close(deadline.signal);
  deadline.clear();
  log.info("Stopped");
}

function openFolder({ root, folder }: FileServerConfig, log: Logger): FileServer {
  try {
    return createFileServer({
      ...folder,
      fileSystem: denoFileSystem,
      root,
      clock: systemClock,
      log: log.named("files"),
    });
  } catch (error) {
    throw new ConfigError(toMessage(error), { hint: "Name a folder by --root" });
  }
}
