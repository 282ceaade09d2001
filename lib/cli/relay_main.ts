/** ptth_relay: from arguments to a running relay and its end. */

import { systemClock } from "../base/clock.ts";
import { ConfigError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { whenAborted } from "../base/when_aborted.ts";
import { RELAY_PROGRAM } from "../config/relay_options.ts";
import type { RelayConfig } from "../config/relay_config.ts";
import { toListenUrl } from "../http/listen_address.ts";
import { Relay } from "../relay/relay.ts";
import { dropRights, LISTENER_RIGHTS } from "./drop_rights.ts";
import { hashApiKey } from "./hash_api_key.ts";
import { type FoundSettings, loadRelayConfig, reloadRelayConfig } from "./load_relay_config.ts";
import { formatConfigError } from "./print_error.ts";
import { diskConfigFiles } from "./read_config_file.ts";
import { watchConfig } from "./watch_config.ts";
import {
  createConsoleLog,
  drainDeadline,
  printHelp,
  printVersion,
  type ProgramContext,
  runMain,
} from "./run_main.ts";

export function relayMain(): Promise<never> {
  return runMain(RELAY_PROGRAM, run);
}

async function run({ args, stopping }: ProgramContext): Promise<void> {
  const loaded = await loadRelayConfig(args, diskConfigFiles);
  switch (loaded.kind) {
    case "help":
      return printHelp(RELAY_PROGRAM);
    case "version":
      return printVersion(RELAY_PROGRAM);
    case "command":
      return await hashApiKey();
    case "run":
      return await serve(loaded, { args, stopping });
  }
}

async function serve(
  { config, warnings, configFile }: FoundSettings,
  { args, stopping }: ProgramContext,
): Promise<void> {
  const log = createConsoleLog(config.logLevel);
  for (const warning of warnings) log.warn(warning);
  const relay = new Relay(config, { log: log.named("relay"), clock: systemClock });
  const addresses = await relay.start();
  // The ports are open, and a relay never connects to anybody.
  await dropRights(LISTENER_RIGHTS);
  log.info(`Listening for visitors on ${toListenUrl(addresses.public)}`);
  if (addresses.admin !== null) log.info(`Admin pages on ${toListenUrl(addresses.admin)}`);
  const watching = watchConfig({
    path: configFile,
    signal: stopping,
    log,
    reload: createReload(relay, { args, log, config }),
  });
  await whenAborted(stopping);
  log.info("Stopping: exchanges in flight may end; once more stops at once");
  await watching;
  const deadline = drainDeadline();
  await relay.stop(deadline.signal);
  deadline.clear();
  log.info("Stopped");
}

/** Reads the configuration again; a faulty one is logged, and the relay keeps what it has. */
function createReload(
  relay: Relay,
  { args, log, config: first }: { args: readonly string[]; log: Logger; config: RelayConfig },
): () => Promise<void> {
  // So that the same file is not taken, or complained of, twice.
  let lastSeen = JSON.stringify(first);
  const isNew = (seen: string): boolean => {
    const isSame = seen === lastSeen;
    lastSeen = seen;
    return !isSame;
  };
  return async () => {
    try {
      const { config, warnings } = await reloadRelayConfig(args, diskConfigFiles);
      if (!isNew(JSON.stringify(config))) return;
      relay.reload(config);
      if (config.logLevel !== first.logLevel) {
        log.warn("A changed log_level takes effect only after a restart");
      }
      for (const warning of warnings) log.warn(warning);
      log.info("Configuration reloaded", { servers: config.servers.length });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const text = formatConfigError("", error).trim();
      if (isNew(text)) log.error("The new configuration is not used", { reason: text });
    }
  };
}
