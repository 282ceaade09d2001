/** Tunnels that carry TCP, and know nothing of HTTP. All in their own default configuration. */

import { join } from "@std/path";
import { findFreePort } from "../../support/outside_port.ts";
import { toCrate } from "../packages.ts";
import { type Command, toInstalled, type Versioned } from "../programs.ts";
import { type Contestant, formatAddress, type Place, type Plan } from "./contestant.ts";

/** What is published where: ports of the private side, and free ones of the public side. */
interface Service {
  readonly name: string;
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
  const toEnds = async ({ link, scratch }: Place, services: readonly Service[]): Promise<Ends> => {
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
      `[client]\nremote_addr = "${formatAddress(await link.toPublic(port))}"\n${token}\n` +
        serverTables.join(""),
    );
    return {
      relay: { program, args: ["--server", relay], port },
      servers: [{ program, args: ["--client", server] }],
    };
  };
  return {
    name: "rathole",
    kind: "tunnel",
    find: (options) =>
      toInstalled(
        { name: "rathole", version: { program, args: ["--version"] }, install },
        options,
      ),
    toPlan: (place) => toPlan(place, toEnds),
    // Each service has a connection of its own to the relay.
    toCrowdPlan: async (place, count) => {
      const services = findFreePorts(count).map((to, at): Service => ({
        name: `files${at}`,
        from: place.origin.filesPort,
        to,
      }));
      const urls = services.map(({ to }) => `http://${place.link.publicHost}:${to}`);
      return { ...await toEnds(place, services), files: urls[0] ?? "", urls };
    },
  };
}

/** Different ones: of many that are found one by one, two may be the same. */
function findFreePorts(count: number): readonly number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}

/** It has a port of its own that cannot be changed. */
const BORE_PORT = 7835;

export function createBore(cache: string): Contestant {
  const install = toCrate(cache, { name: "bore-cli", version: "0.6.0", program: "bore" });
  const program = install.result;
  return {
    name: "bore",
    kind: "tunnel",
    find: (options) =>
      toInstalled({ name: "bore", version: { program, args: ["--version"] }, install }, options),
    toPlan: (place) =>
      toPlan(place, async ({ link }, services) => {
        const { hostname } = await link.toPublic(BORE_PORT, { keepsPort: true });
        const servers = services.map(({ from, to }) => ({
          program,
          args: [
            ...["local", String(from), "--local-host", "127.0.0.1"],
            ...["--to", hostname, "--port", String(to)],
          ],
        }));
        const args = ["server", "--bind-addr", link.publicHost];
        return { relay: { program, args, port: BORE_PORT }, servers };
      }),
  };
}

/** Where both of its programs are on PATH. */
export const FRP: Contestant = {
  name: "frp",
  kind: "tunnel",
  find: async (options) => {
    const found = await toInstalled(toOnPath("frps"), options);
    return found.kind === "found" ? await toInstalled(toOnPath("frpc"), options) : found;
  },
  toPlan: (place) =>
    toPlan(place, async ({ link, scratch }, services) => {
      const port = findFreePort();
      const relay = join(scratch, "frps.toml");
      const server = join(scratch, "frpc.toml");
      const proxies = services.map(({ name, from, to }) =>
        `[[proxies]]\nname = "${name}"\ntype = "tcp"\nlocalIP = "127.0.0.1"\n` +
        `localPort = ${from}\nremotePort = ${to}\n`
      );
      await Deno.writeTextFile(
        relay,
        `bindAddr = "${link.publicHost}"\nbindPort = ${port}\n` +
          `proxyBindAddr = "${link.publicHost}"\n`,
      );
      const address = await link.toPublic(port);
      await Deno.writeTextFile(
        server,
        `serverAddr = "${address.hostname}"\nserverPort = ${address.port}\n${proxies.join("")}`,
      );
      return {
        relay: { program: "frps", args: ["-c", relay], port },
        servers: [{ program: "frpc", args: ["-c", server] }],
      };
    }),
};

/** Where it is on PATH. */
export const CHISEL: Contestant = {
  name: "chisel",
  kind: "tunnel",
  find: (options) => toInstalled(toOnPath("chisel"), options),
  toPlan: (place) =>
    toPlan(place, async ({ link }, services) => {
      const port = findFreePort();
      const remotes = services.map(({ from, to }) =>
        `R:${link.publicHost}:${to}:127.0.0.1:${from}`
      );
      const url = `http://${formatAddress(await link.toPublic(port))}`;
      const listen = ["--host", link.publicHost, "--port", String(port)];
      return {
        relay: { program: "chisel", args: ["server", ...listen, "--reverse"], port },
        servers: [{ program: "chisel", args: ["client", url, ...remotes] }],
      };
    }),
};

function toOnPath(program: string): Versioned {
  return { name: program, version: { program, args: ["--version"] } };
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
