/** Tunnels that carry TCP, and know nothing of HTTP. All in their own default configuration. */

import { join } from "@std/path";
import { findFreePort } from "../../support/outside_port.ts";
import { toCrate } from "../packages.ts";
import { type Command, toInstalled } from "../programs.ts";
import type { Contestant, Place, Plan } from "./contestant.ts";

/** What is published where: ports of the private side, and free ones of the public side. */
interface Service {
  readonly name: "files" | "application";
  readonly from: number;
  readonly to: number;
}

interface Ends {
  readonly relay: Command & { readonly port: number };
  readonly servers: readonly Command[];
}

export function createRathole(cache: string): Contestant {
  // Compilers of today refuse a dependency that it was released with in 2023.
  const install = toCrate(cache, { name: "rathole", version: "0.5.0", isLocked: false });
  const program = install.result;
  return {
    name: "rathole",
    find: (options) =>
      toInstalled(
        { name: "rathole", version: { program, args: ["--version"] }, install },
        options,
      ),
    toPlan: (place) =>
      toPlan(place, async ({ link, scratch }, services) => {
        const port = findFreePort();
        const relay = join(scratch, "relay.toml");
        const server = join(scratch, "server.toml");
        const relayTables = services.map(({ name, to }) =>
          `[server.services.${name}]\nbind_addr = "${link.publicHost}:${to}"\n`
        );
        const serverTables = services.map(({ name, from }) =>
          `[client.services.${name}]\nlocal_addr = "127.0.0.1:${from}"\n`
        );
        const token = `default_token = "${crypto.randomUUID()}"`;
        await Deno.writeTextFile(
          relay,
          `[server]\nbind_addr = "${link.publicHost}:${port}"\n${token}\n${relayTables.join("")}`,
        );
        await Deno.writeTextFile(
          server,
          `[client]\nremote_addr = "${await link.toPublic(port)}:${port}"\n${token}\n` +
            serverTables.join(""),
        );
        return {
          relay: { program, args: ["--server", relay], port },
          servers: [{ program, args: ["--client", server] }],
        };
      }),
  };
}

/** It has a port of its own that cannot be changed. */
const BORE_PORT = 7835;

export function createBore(cache: string): Contestant {
  const install = toCrate(cache, { name: "bore-cli", version: "0.6.0", program: "bore" });
  const program = install.result;
  return {
    name: "bore",
    find: (options) =>
      toInstalled({ name: "bore", version: { program, args: ["--version"] }, install }, options),
    toPlan: (place) =>
      toPlan(place, async ({ link }, services) => {
        const host = await link.toPublic(BORE_PORT);
        const servers = services.map(({ from, to }) => ({
          program,
          args: [
            ...["local", String(from), "--local-host", "127.0.0.1"],
            ...["--to", host, "--port", String(to)],
          ],
        }));
        const args = ["server", "--bind-addr", link.publicHost];
        return { relay: { program, args, port: BORE_PORT }, servers };
      }),
  };
}

async function toPlan(
  place: Place,
  toEnds: (place: Place, services: readonly Service[]) => Promise<Ends>,
): Promise<Plan> {
  const { origin, link } = place;
  const files = findFreePort();
  const application = findFreePort();
  const ends = await toEnds(place, [
    { name: "files", from: origin.filesPort, to: files },
    { name: "application", from: origin.applicationPort, to: application },
  ]);
  return {
    ...ends,
    files: `http://${link.publicHost}:${files}`,
    application: `http://${link.publicHost}:${application}`,
  };
}
