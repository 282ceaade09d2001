/** What a file server tells its user at the start: where it is, and who can read it. */

import type { Logger } from "../base/log.ts";
import type { FileServerConfig } from "../config/file_server_config.ts";
import { isLoopbackHost } from "../http/host.ts";
import type { ListenAddress } from "../http/listen_address.ts";
import { formatQr } from "./format_qr.ts";
import { openBrowser } from "./open_browser.ts";
import { isAnyHost, type LocalAddress, toReachableUrls } from "./reachable_urls.ts";
import { printError } from "./run_main.ts";

/** Shows the addresses, and does what `--qr` and `--open` ask for. */
export function announce(
  config: FileServerConfig,
  { address, log }: { readonly address: ListenAddress; readonly log: Logger },
): void {
  const isAny = isAnyHost(address.host);
  const urls = toReachableUrls(address, {
    scheme: config.tls === null ? "http" : "https",
    basePath: config.basePath,
    locals: isAny ? readLocalAddresses(log) : [],
  });
  const [best = ""] = urls;
  log.info(`Serving "${config.root}" on ${isAny ? `all addresses: ${urls.join(" ")}` : best}`);
  for (const warning of findWarnings(config)) log.warn(warning);
  if (config.qr) printError(formatQr(best, Deno.stderr.isTerminal()));
  // An address for all is none to visit, but the last one of the list is this computer's own.
  if (config.open) openBrowser(urls.at(-1) ?? best, log);
}

/** What the user may not have thought of. */
export function findWarnings({ host, qr, authFile, tls }: FileServerConfig): readonly string[] {
  if (isLoopbackHost(host)) {
    return qr ? ["The QR code leads here from this computer alone: see --host"] : [];
  }
  if (authFile === null) return ["Everybody who can reach this port can read the folder"];
  if (tls !== null) return [];
  return ["Without TLS, passwords and files can be read on the way: see --tls-cert"];
}

function readLocalAddresses(log: Logger): readonly LocalAddress[] {
  try {
    return Deno.networkInterfaces();
  } catch {
    log.debug("The addresses of this computer are not known: Deno needs --allow-sys for them");
    return [];
  }
}
