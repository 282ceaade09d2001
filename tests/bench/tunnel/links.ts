/** What may lie between the public and the private side of a contestant. */

import { findFreePort } from "../../support/outside_port.ts";
import { toDenoArgs } from "../../support/programs.ts";
import { RunningProgram } from "../running_program.ts";
import { type Address, formatAddress, type Link } from "./contestant.ts";

/**
 * Addresses of this computer, all of them loopback: some contestants have a port that cannot be
 * changed, and a link can then only be had on another address.
 */
export const MAIN_HOST = "127.0.0.1";
/** For contestants beside those that are at work all the time. */
export const OTHER_HOST = "127.0.0.3";
const FORWARDER_HOST = "127.0.0.2";

/** Nothing between; the public side listens on an address of this computer. */
export function createDirectLink(publicHost: string): Link {
  return {
    isDirect: true,
    publicHost,
    toPublic: (port) => Promise.resolve({ hostname: publicHost, port }),
    toPrivate: (port) => Promise.resolve({ hostname: MAIN_HOST, port }),
    privatePrefix: [],
  };
}

/** A link that takes time, and programs that make it so. */
export interface DelayedLink extends AsyncDisposable {
  readonly link: Link;
}

/** There and back takes `rttMs` in all; bandwidth is not limited. Ended at the end of the scope. */
export function createDelayedLink(rttMs: number, scratch: string): DelayedLink {
  const forwarders = new AsyncDisposableStack();
  const forward = async (target: Address, listenPort: number): Promise<Address> => {
    const listen = { hostname: FORWARDER_HOST, port: listenPort };
    const entry = "tests/bench/tunnel/delay_forwarder_main.ts";
    const args = [formatAddress(listen), formatAddress(target), String(rttMs)];
    forwarders.use(
      await RunningProgram.listening(
        { program: Deno.execPath(), args: [...toDenoArgs(["--allow-net"], entry), ...args] },
        { name: "delay", scratch, ...listen },
      ),
    );
    return listen;
  };
  return {
    link: {
      isDirect: false,
      publicHost: OTHER_HOST,
      toPublic: (port, { keepsPort = false } = {}) =>
        forward({ hostname: OTHER_HOST, port }, keepsPort ? port : findFreePort()),
      toPrivate: (port) => forward({ hostname: MAIN_HOST, port }, findFreePort()),
      privatePrefix: [],
    },
    [Symbol.asyncDispose]: () => forwarders.disposeAsync(),
  };
}
