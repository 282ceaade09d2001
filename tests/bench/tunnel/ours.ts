/** PTTH from source, by the permissions that the README names. */

import { join } from "@std/path";
import { toTripcode } from "../../../lib/auth/tripcode.ts";
import { findFreePort } from "../../support/outside_port.ts";
import { type ProgramName, PROJECT, readPermissions } from "../../support/programs.ts";
import { type Command, toInstalled } from "../programs.ts";
import type { Contestant, Origin, Place, Plan } from "./contestant.ts";

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
    find: (options) => toInstalled({ name, version }, options),
    toPlan: async ({ origin, link, scratch }: Place): Promise<Plan> => {
      const key = crypto.getRandomValues(new Uint8Array(32)).toBase64();
      const port = findFreePort();
      const relayFile = join(scratch, "ptth_relay.toml");
      await Deno.writeTextFile(
        relayFile,
        `host = "${link.publicHost}"
port = ${port}
admin_port = false
[[servers]]
name = "${NAME}"
tripcode = "${toTripcode(key)}"
`,
      );
      const serverFile = join(scratch, "ptth_server.toml");
      await Deno.writeTextFile(
        serverFile,
        `name = "${NAME}"
api_key = "${key}"
relay_url = "http://${await link.toPublic(port)}:${port}"
${files === "folder" ? `file_server_root = "${origin.root}"` : ""}
${toOrigins(origin, files)}`,
        { mode: 0o600 },
      );
      const url = `http://${link.publicHost}:${port}/servers/${NAME}`;
      return {
        relay: { ...toCommand(project, "relay", ["--config", relayFile]), port },
        servers: [toCommand(project, "server", ["--config", serverFile])],
        files: files === "folder" ? `${url}/files` : url,
        application: url + APPLICATION,
      };
    },
  };
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
