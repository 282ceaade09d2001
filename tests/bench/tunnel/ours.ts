/** PTTH from source, by the permissions that the README names. */

import { join } from "@std/path";
import { toTripcode } from "../../../lib/auth/tripcode.ts";
import { findFreePort } from "../../support/outside_port.ts";
import { type ProgramName, PROJECT, readPermissions, toDenoArgs } from "../../support/programs.ts";
import { type Command, toInstalled } from "../programs.ts";
import {
  type Contestant,
  type CrowdPlan,
  formatAddress,
  type Link,
  type Origin,
  type Place,
  type Plan,
} from "./contestant.ts";
import type { CrowdFile, CrowdServer } from "./crowd_main.ts";

/** The name by which the relay knows the server. */
const NAME = "bench";
/** Where the application is; the files are at the root, or below `/files`. */
const APPLICATION = "/app";

export interface OursOptions {
  readonly name: string;
  /** What the files come from; the application is an origin in any case. */
  readonly files: "origin" | "folder";
  /** The tree to run; default: this one. */
  readonly project?: string;
}

export function createOurs({ name, files, project = PROJECT }: OursOptions): Contestant {
  const version = toCommand(project, "relay", ["--version"]);
  return {
    name,
    kind: "tunnel",
    find: (options) => toInstalled({ name, version }, options),
    toPlan: async (place: Place): Promise<Plan> => {
      const { origin, link, scratch } = place;
      const key = createKey();
      const relay = await toRelay(place, project, [{ name: NAME, key }]);
      const file = join(scratch, "ptth_server.toml");
      await Deno.writeTextFile(
        file,
        `name = "${NAME}"
api_key = "${key}"
relay_url = "http://${formatAddress(await link.toPublic(relay.port))}"
${files === "folder" ? `file_server_root = "${origin.root}"` : ""}
${toOrigins(origin, files)}`,
        { mode: 0o600 },
      );
      const url = toUrl(link, relay.port, NAME);
      return {
        relay,
        servers: [toCommand(project, "server", ["--config", file])],
        files: files === "folder" ? `${url}/files` : url,
        application: url + APPLICATION,
      };
    },
    toCrowdPlan: (place, count) => toCrowdPlan(place, { project, count }),
  };
}

/** Many servers in one process; of this tree, whatever the relay is of. */
async function toCrowdPlan(
  place: Place,
  { project, count }: { readonly project: string; readonly count: number },
): Promise<CrowdPlan> {
  const { link, scratch } = place;
  const servers = Array.from({ length: count }, (_, at): CrowdServer => ({
    name: `${NAME}-${at}`,
    key: createKey(),
  }));
  const relay = await toRelay(place, project, servers);
  const file = join(scratch, "crowd.json");
  const relayUrl = `http://${formatAddress(await link.toPublic(relay.port))}`;
  const crowd: CrowdFile = { relayUrl, servers };
  await Deno.writeTextFile(file, JSON.stringify(crowd));
  const permissions = ["--allow-net", "--allow-read", "--allow-sys"];
  const args = [...toDenoArgs(permissions, "tests/bench/tunnel/crowd_main.ts"), file];
  const urls = servers.map(({ name }) => toUrl(link, relay.port, name));
  return { relay, servers: [{ program: Deno.execPath(), args }], files: urls[0] ?? "", urls };
}

function createKey(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64();
}

/** Where visitors find a server, in path mode. */
function toUrl({ publicHost }: Link, port: number, name: string): string {
  return `http://${publicHost}:${port}/servers/${name}`;
}

/** The relay's command, with a configuration that knows some servers. */
async function toRelay(
  { link, scratch }: Place,
  project: string,
  servers: readonly CrowdServer[],
): Promise<Command & { readonly port: number }> {
  const port = findFreePort();
  const file = join(scratch, "ptth_relay.toml");
  const tables = servers.map(({ name, key }) =>
    `[[servers]]\nname = "${name}"\ntripcode = "${toTripcode(key)}"\n`
  );
  await Deno.writeTextFile(
    file,
    `host = "${link.publicHost}"\nport = ${port}\nadmin_port = false\n${tables.join("")}`,
  );
  return { ...toCommand(project, "relay", ["--config", file]), port };
}

function toOrigins({ filesPort, applicationPort }: Origin, files: OursOptions["files"]): string {
  const toTable = (path: string, port: number): string =>
    `[[origins]]\npath = "${path}"\nurl = "http://127.0.0.1:${port}/"\n`;
  const application = toTable(`${APPLICATION}/`, applicationPort);
  return files === "folder" ? application : application + toTable("/", filesPort);
}

function toCommand(project: string, name: ProgramName, args: readonly string[]): Command {
  return {
    program: Deno.execPath(),
    args: [
      ...["run", "--config", join(project, "deno.json"), "--no-prompt"],
      ...[...readPermissions(name, project), join(project, `${name}.ts`), ...args],
    ],
  };
}
