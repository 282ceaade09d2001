/** Opens an address in the browser that the system prefers. */

import { toMessage } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";

/** Per system, what opens a URL. */
const OPENERS: Readonly<Partial<Record<typeof Deno.build.os, readonly string[]>>> = {
  darwin: ["open"],
  windows: ["rundll32", "url.dll,FileProtocolHandler"],
};
const OTHER_OPENER = ["xdg-open"];

/** Does not wait for it; a failure is only logged. */
export function openBrowser(url: string, log: Logger): void {
  const [command = "", ...args] = OPENERS[Deno.build.os] ?? OTHER_OPENER;
  try {
    const child = new Deno.Command(command, {
      args: [...args, url],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    child.unref();
    child.status.then(({ success, code }) => {
      if (!success) log.warn("The browser could not be opened", { command, code });
    }).catch((error) => warn(error, command, log));
  } catch (error) {
    warn(error, command, log);
  }
}

function warn(error: unknown, command: string, log: Logger): void {
  log.warn("The browser could not be opened", { command, reason: toMessage(error) });
}
