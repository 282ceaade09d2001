/** Calls for a reload of the configuration: at SIGHUP, when the file changes, and now and then. */

import { systemClock } from "../base/clock.ts";
import { toMessage } from "../base/errors.ts";
import { CONFIG_RELOAD_MS, CONFIG_SETTLE_MS } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { addSignalListener } from "./run_main.ts";

export interface WatchConfigOptions {
  /** The file that is in use. */
  readonly path: string;
  /** Ends the watching. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Reads the file and takes it if it is new; one call at a time. */
  readonly reload: () => Promise<void>;
}

/** Resolves once `signal` has aborted and nothing runs any more. */
export async function watchConfig(
  { path, signal, log, reload }: WatchConfigOptions,
): Promise<void> {
  let wake = (): void => {};
  addSignalListener("SIGHUP", () => wake());
  const watcher = openWatcher(path);
  const events = watcher === undefined ? Promise.resolve() : follow(watcher, () => wake());
  signal.addEventListener("abort", () => wake(), { once: true });
  while (!signal.aborted) {
    await new Promise<void>((resolve) => {
      const timer = systemClock.after(CONFIG_RELOAD_MS, resolve);
      wake = (): void => {
        systemClock.clear(timer);
        resolve();
      };
    });
    if (signal.aborted) break;
    try {
      await reload();
    } catch (error) {
      log.error("Reload failed", { reason: toMessage(error) });
    }
  }
  watcher?.close();
  await events;
}

/**
 * Watches the folder, since editors and container platforms replace a file rather than write it.
 * Undefined where the system cannot: then the clock has to do.
 */
function openWatcher(path: string): Deno.FsWatcher | undefined {
  try {
    return Deno.watchFs(path.replace(/[^/\\]*$/, "") || ".", { recursive: false });
  } catch {
    return undefined;
  }
}

async function follow(watcher: Deno.FsWatcher, onChange: () => void): Promise<void> {
  let timer: ReturnType<typeof systemClock.after> | undefined;
  for await (const event of watcher) {
    if (event.kind === "access") continue;
    // A file is written in several steps; the last one counts.
    if (timer !== undefined) systemClock.clear(timer);
    timer = systemClock.after(CONFIG_SETTLE_MS, onChange);
  }
  if (timer !== undefined) systemClock.clear(timer);
}
