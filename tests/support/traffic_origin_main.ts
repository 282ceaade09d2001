/**
 * The origin of the traffic, as a program of its own:
 *
 *     deno run … traffic_origin_main.ts PORT FILE
 *
 * Prints its port. What arrives is a line each in FILE, written before anything is answered, so that
 * killing the program loses nothing of it.
 */

import { systemClock } from "../../lib/base/clock.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { Listener } from "../../lib/http/listener.ts";
import { createTrafficHandler } from "./traffic_handler.ts";

const [port = "0", path = ""] = Deno.args;
const file = Deno.openSync(path, { append: true, create: true });
const encoder = new TextEncoder();

const listener = new Listener({
  handler: createTrafficHandler({
    delivered: ({ number }, method) => note(`delivered ${number} ${method}`),
    violation: (text) => note(`violation ${text}`),
  }),
  log: silentLogger,
  clock: systemClock,
  allowsUpgrade: () => true,
});
const address = await listener.start({ host: "127.0.0.1", port: Number(port) });
Deno.stdout.writeSync(encoder.encode(`${address.port}\n`));

/** By one call, which a signal cannot part. */
function note(line: string): void {
  file.writeSync(encoder.encode(`${line}\n`));
}
