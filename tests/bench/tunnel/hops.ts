/** Reverse proxies, which tunnel nothing: one hop more, and the origin must be reachable. */

import { join } from "@std/path";
import { findFreePort } from "../../support/outside_port.ts";
import { toNginxCommand } from "../nginx.ts";
import { toInstalled } from "../programs.ts";
import { type Contestant, formatAddress, type Place } from "./contestant.ts";

/** A hop from a port of the public side to one of the private side. */
interface Hop {
  /** With the address of the public side. */
  readonly listen: string;
  readonly upstream: string;
}

/** Unbuffered, as a tunnel is; with or without connections kept to the origin. */
export function createNginxHop(
  { name, keepsAlive }: { readonly name: string; readonly keepsAlive: boolean },
): Contestant {
  return {
    name,
    kind: "hop",
    find: (options) => toInstalled({ name, version: { program: "nginx", args: ["-v"] } }, options),
    toPlan: (place) =>
      toPlan(place, async (hops) => {
        const keep = keepsAlive ? "keepalive 64; keepalive_requests 1000000000;" : "";
        const connection = keepsAlive ? '""' : "close";
        const blocks = hops.map(({ listen, upstream }, at) =>
          `upstream origin${at} { server ${upstream}; ${keep} }
  server { listen ${listen}; location / { proxy_pass http://origin${at}; } }`
        );
        return await toNginxCommand(
          place.scratch,
          `map $http_upgrade $connection_field { "" ${connection}; default upgrade; }
  proxy_http_version 1.1; proxy_set_header Connection $connection_field;
  proxy_set_header Upgrade $http_upgrade;
  proxy_buffering off; proxy_request_buffering off; client_max_body_size 0;
  ${blocks.join("\n  ")}`,
        );
      }),
  };
}

export const CADDY_HOP: Contestant = {
  name: "Caddy hop",
  kind: "hop",
  find: (options) =>
    toInstalled({ name: "Caddy", version: { program: "caddy", args: ["version"] } }, options),
  toPlan: (place) =>
    toPlan(place, async (hops) => {
      const servers = hops.map(({ listen, upstream }) => ({
        listen: [listen],
        automatic_https: { disable: true },
        routes: [{ handle: [{ handler: "reverse_proxy", upstreams: [{ dial: upstream }] }] }],
      }));
      const apps = { http: { servers: { ...servers } } };
      const config = join(place.scratch, "caddy.json");
      await Deno.writeTextFile(config, JSON.stringify({ admin: { disabled: true }, apps }));
      return { program: "caddy", args: ["run", "--config", config] };
    }),
};

async function toPlan(
  { origin, link }: Place,
  toCommand: (hops: readonly [Hop, Hop]) => ReturnType<typeof toNginxCommand>,
): ReturnType<Contestant["toPlan"]> {
  const toHop = async (port: number): Promise<Hop> => ({
    listen: `${link.publicHost}:${findFreePort()}`,
    upstream: formatAddress(await link.toPrivate(port)),
  });
  const hops = [await toHop(origin.filesPort), await toHop(origin.applicationPort)] as const;
  const [files, application] = hops;
  return {
    relay: { ...await toCommand(hops), port: Number(files.listen.split(":")[1]) },
    servers: [],
    files: `http://${files.listen}`,
    application: `http://${application.listen}`,
  };
}
