/** What is measured: our file server, a control, and other people's, each as it is started. */

import { join } from "@std/path";
import { PROJECT } from "../../support/programs.ts";
import { toNginxCommand } from "../nginx.ts";
import { toCrate, toNodePackage } from "../packages.ts";
import type { Command, Versioned } from "../programs.ts";

/** Where a contestant serves what; port and folder are given to it. */
export interface Place {
  readonly port: number;
  readonly root: string;
  /** A folder of its own for configuration and the like. */
  readonly scratch: string;
}

export interface Contestant extends Versioned {
  /** Writes what it needs below `scratch`. */
  readonly toCommand: (place: Place) => Promise<Command>;
  /** How a folder is asked for: a page where it has pages, else JSON; undefined where it lists none. */
  readonly listing?: Listing;
}

export interface Listing {
  /** What to add to the folder's path. */
  readonly query: string;
  readonly accept: string;
}

const JSON_BY_ACCEPT: Listing = { query: "", accept: "application/json" };
const HTML_ALONE: Listing = { query: "", accept: "text/html" };

/** The README's permissions: what people run. */
const OURS_PERMISSIONS = ["--no-prompt", "--allow-net", "--allow-read"];

/**
 * All of them, ours first: the others are compared with it. `cache` is a folder outside the tree
 * for programs that no package manager of the system has.
 */
export function listContestants(cache: string): readonly Contestant[] {
  const deno = Deno.execPath();
  return [
    {
      name: "ours",
      version: denoRun(deno, ["--no-prompt", join(PROJECT, "file_server.ts"), "--version"]),
      toCommand: ({ port, root }) =>
        Promise.resolve(denoRun(deno, [
          ...OURS_PERMISSIONS,
          ...[join(PROJECT, "file_server.ts"), "--port", String(port), root],
        ])),
      listing: HTML_ALONE,
    },
    {
      name: "control",
      version: { program: deno, args: ["--version"] },
      toCommand: ({ port, root }) => {
        const entry = join(PROJECT, "tests/bench/file_server/control_server.ts");
        const args = ["--no-prompt", "--allow-net", "--allow-read", entry, String(port), root];
        return Promise.resolve(denoRun(deno, args));
      },
    },
    nginx("nginx", "off"),
    nginx("nginx sendfile", "on"),
    {
      name: "Caddy",
      version: { program: "caddy", args: ["version"] },
      toCommand: caddyCommand,
      listing: JSON_BY_ACCEPT,
    },
    crate(cache, { name: "dufs", version: "0.47.0" }, {
      toArgs: ({ port, root }) => ["-b", "127.0.0.1", "-p", String(port), "--log-format", "", root],
      listing: { query: "?json", accept: "*/*" },
    }),
    crate(cache, { name: "miniserve", version: "0.35.0" }, {
      toArgs: ({ port, root }) => ["-i", "127.0.0.1", "-p", String(port), root],
      listing: HTML_ALONE,
    }),
    npm(cache, { name: "serve", version: "14.2.7", entry: "build/main.js" }, {
      toArgs: (
        { port, root },
      ) => ["-l", `tcp://127.0.0.1:${port}`, "-L", "-n", "--no-port-switching", root],
      listing: JSON_BY_ACCEPT,
    }),
    npm(cache, { name: "sirv-cli", version: "3.0.1", entry: "bin.js" }, {
      toArgs: (
        { port, root },
      ) => [root, "--host", "127.0.0.1", "--port", String(port), "--quiet", "--etag"],
    }),
    npm(cache, { name: "http-server", version: "14.1.1", entry: "bin/http-server" }, {
      toArgs: ({ port, root }) => [root, "-a", "127.0.0.1", "-p", String(port), "-s"],
      listing: HTML_ALONE,
    }),
  ];
}

function denoRun(program: string, args: readonly string[]): Command {
  return { program, args: ["run", "--config", join(PROJECT, "deno.json"), ...args] };
}

interface Package {
  readonly name: string;
  readonly version: string;
}

interface PackageUse {
  readonly toArgs: (place: Place) => readonly string[];
  readonly listing?: Listing;
}

function crate(cache: string, own: Package, { toArgs, ...rest }: PackageUse): Contestant {
  const install = toCrate(cache, own);
  const program = install.result;
  return {
    ...rest,
    name: own.name,
    version: { program, args: ["--version"] },
    install,
    toCommand: (place) => Promise.resolve({ program, args: toArgs(place) }),
  };
}

function npm(
  cache: string,
  own: Package & { readonly entry: string },
  { toArgs, ...rest }: PackageUse,
): Contestant {
  const install = toNodePackage(cache, own);
  return {
    ...rest,
    name: own.name,
    version: { program: "echo", args: [own.version] },
    install,
    toCommand: (place) =>
      Promise.resolve({ program: "node", args: [install.result, ...toArgs(place)] }),
  };
}

function nginx(name: string, sendfile: "on" | "off"): Contestant {
  return {
    name,
    version: { program: "nginx", args: ["-v"] },
    toCommand: ({ port, root, scratch }) =>
      toNginxCommand(
        scratch,
        `sendfile ${sendfile}; tcp_nopush on; autoindex on; autoindex_format json;
  server { listen 127.0.0.1:${port}; root ${root}; }`,
      ),
    listing: JSON_BY_ACCEPT,
  };
}

async function caddyCommand({ port, root, scratch }: Place): Promise<Command> {
  const config = join(scratch, "caddy.json");
  const server = {
    listen: [`127.0.0.1:${port}`],
    automatic_https: { disable: true },
    routes: [{ handle: [{ handler: "file_server", root, browse: {} }] }],
  };
  const apps = { http: { servers: { files: server } } };
  await Deno.writeTextFile(config, JSON.stringify({ admin: { disabled: true }, apps }));
  return { program: "caddy", args: ["run", "--config", config] };
}
