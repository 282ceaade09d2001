/** Calls for a reload of the configuration: at SIGHUP, when the file changes, and now and then. */

import { basename, dirname } from "@std/path";
import { systemClock, type Timer } from "../base/clock.ts";
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
  const alarm = new Alarm();
  addSignalListener("SIGHUP", () => alarm.ring());
  const watcher = openWatcher(path);
  const events = watcher === undefined
    ? Promise.resolve()
    : follow(watcher, { path, alarm }).catch((error) => {
      log.warn("The configuration file is not watched any more", { reason: toMessage(error) });
    });
  signal.addEventListener("abort", () => alarm.ring(), { once: true });
  for (;;) {
    await alarm.wait(CONFIG_RELOAD_MS);
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

/** Wakes whoever waits, or the next one who does: no ring is lost while nobody waits. */
class Alarm {
  #isRinging = false;
  #wake = (): void => {};

  ring(): void {
    this.#isRinging = true;
    this.#wake();
  }

  async wait(ms: number): Promise<void> {
    if (!this.#isRinging) {
      await new Promise<void>((resolve) => {
        const timer = systemClock.after(ms, resolve);
        this.#wake = (): void => {
          systemClock.clear(timer);
          resolve();
        };
      });
    }
    this.#isRinging = false;
  }
}

/**
 * Watches the folder, since editors and container platforms replace a file rather than write it.
 * Undefined where the system cannot: then the clock has to do.
 */
function openWatcher(path: string): Deno.FsWatcher | undefined {
  try {
    return Deno.watchFs(dirname(path), { recursive: false });
  } catch {
    return undefined;
  }
}

/** Kubernetes keeps the files of a volume behind this link, and turns it over to change them. */
const VOLUME_LINK = "..data";

async function follow(
  watcher: Deno.FsWatcher,
  { path, alarm }: { path: string; alarm: Alarm },
): Promise<void> {
  const names = [basename(path), VOLUME_LINK];
  let timer: Timer | undefined;
  for await (const event of watcher) {
    const isOurs = event.paths.some((changed) => names.includes(basename(changed)));
    if (event.kind === "access" || !isOurs || timer !== undefined) continue;
    // A file is written in several steps: a moment after the first it is whole.
    timer = systemClock.after(CONFIG_SETTLE_MS, () => {
      timer = undefined;
      alarm.ring();
    });
  }
  if (timer !== undefined) systemClock.clear(timer);
}
