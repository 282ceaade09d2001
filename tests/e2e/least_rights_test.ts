/** What the runtime lets the programs do, whatever they were made to try. */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { toTripcode } from "../../lib/auth/tripcode.ts";
import { ChildProgram } from "../support/child_program.ts";
import type { Rights } from "../support/probed/probe.ts";
import { type ProgramName, readPermissions, toDenoArgs } from "../support/programs.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { startTlsFront } from "../support/tls_front.ts";
import { CA_FILE } from "../support/tls_files.ts";
import { startRelay, toServerEntry } from "../support/tunnel.ts";
import { visit } from "../support/visit.ts";

const KEY = "OpticalKangarooVintageHarmonicaDrizzleSpatulaMorning";

const RELAY = `host = "127.0.0.1"
port = 0
admin_port = false
[[servers]]
name = "home"
tripcode = "${toTripcode(KEY)}"
`;

// Nobody is there; a server that waits for its relay runs.
const SERVER = `name = "home"
api_key = "${KEY}"
relay_url = "http://127.0.0.1:1"
file_server_root = "root"
`;

interface Program {
  readonly name: ProgramName;
  readonly args: readonly string[];
  /** What it writes once it has started. */
  readonly started: RegExp;
  /** Flags for no more than it needs of this folder. */
  readonly narrow: readonly string[];
}

const PROGRAMS: readonly Program[] = [
  {
    name: "relay",
    args: [],
    started: /Listening for visitors/,
    narrow: ["--allow-net=127.0.0.1", "--allow-read=ptth_relay.toml"],
  },
  {
    name: "server",
    args: [],
    started: /Serving /,
    narrow: [
      ...["--allow-net=127.0.0.1:1", "--allow-read=ptth_server.toml,root", "--allow-sys"],
      readPermissions("server").find((flag) => flag.startsWith("--allow-env=")) ?? "",
    ],
  },
  {
    name: "file_server",
    args: ["--port", "0", "root"],
    started: /Serving /,
    narrow: ["--allow-net=127.0.0.1", "--allow-read=root", "--allow-sys=networkInterfaces"],
  },
];

/** A folder with configurations, and a root with a file and a link out of it. */
async function createFolder(): Promise<TempFolder> {
  const folder = await TempFolder.create();
  await folder.write("ptth_relay.toml", RELAY);
  await folder.write("ptth_server.toml", SERVER);
  await Deno.chmod(join(folder.path, "ptth_server.toml"), 0o600);
  await folder.write("root/inside.txt", "inside");
  await Deno.symlink("/etc/passwd", join(folder.path, "root", "link"));
  return folder;
}

/** What it may do once it runs. */
async function probe(
  { name, args, started }: Program,
  permissions: readonly string[],
): Promise<Rights> {
  await using folder = await createFolder();
  await using program = ChildProgram.start(Deno.execPath(), {
    args: [...toDenoArgs(permissions, `tests/support/probed/${name}.ts`), ...args],
    cwd: folder.path,
  });
  await program.untilStderr(started);
  program.signal("SIGUSR2");
  const [, json = ""] = await program.untilStdout(/^rights (.*)\n$/m);
  return JSON.parse(json);
}

const GIVEN_UP = {
  "write a file": "refused",
  "make a folder": "refused",
  "run a program": "refused",
  "load a library": "refused",
  "read the environment": "refused",
  "import from the network": "refused",
  "import from where Deno allows all to": "refused",
} as const;

const NO_NETWORK = {
  "connect": "refused",
  "connect as Node.js does": "refused",
  "listen": "refused",
} as const;

// A connection that the runtime allows, and nobody takes.
const NETWORK = {
  "connect": "failed",
  "connect as Node.js does": "failed",
} as const;

for (const program of PROGRAMS) {
  const { name } = program;
  for (const how of ["-A", "the permissions of the README"] as const) {
    Deno.test(`${name}.ts with ${how} gives up what it needs only at the start`, async () => {
      const permissions = how === "-A" ? ["-A"] : readPermissions(name);
      const rights = await probe(program, permissions);
      assertEquals(rights, {
        ...GIVEN_UP,
        "read below the root": "done",
        "read elsewhere": "done",
        "read by a link": "done",
        ...name === "server" ? { ...NETWORK, "listen": "done" } : NO_NETWORK,
      });
    });
  }

  Deno.test(`${name}.ts with narrow permissions reads nothing elsewhere`, async () => {
    const rights = await probe(program, program.narrow);
    assertEquals(rights, {
      ...GIVEN_UP,
      "read below the root": name === "relay" ? "refused" : "done",
      "read elsewhere": "refused",
      // The runtime compares paths as they are given; see the next test.
      "read by a link": name === "relay" ? "refused" : "done",
      ...name === "server" ? { ...NETWORK, "listen": "refused" } : NO_NETWORK,
    });
  });
}

Deno.test("file_server.ts with narrow permissions serves no link that leads out, though told to follow links", async () => {
  await using folder = await createFolder();
  await using program = ChildProgram.start(Deno.execPath(), {
    args: [
      ...toDenoArgs(narrowOf("file_server"), "file_server.ts"),
      ...["--port", "0", "--symlinks", "follow", "root"],
    ],
    cwd: folder.path,
  });
  const [, port = ""] = await program.untilStderr(/Serving .*:(\d+)\/\n/);
  // It asks where a link leads, and opens that.
  assertEquals((await visit(Number(port), "/link", { host: "localhost" })).status, 403);
  assertEquals((await visit(Number(port), "/inside.txt", { host: "localhost" })).body, "inside");
});

Deno.test("server.ts still finds the system's authorities for TLS after it has given up rights", async () => {
  await using relay = await startRelay({ servers: [toServerEntry("home", KEY)] });
  await using front = await startTlsFront(relay.port);
  await using folder = await createFolder();
  const config = SERVER.replace("http://127.0.0.1:1", `https://localhost:${front.port}`);
  await folder.write("ptth_server.toml", `${config}ca_file = "${CA_FILE}"\n`);
  await Deno.chmod(join(folder.path, "ptth_server.toml"), 0o600);
  for (const permissions of [["-A"], readPermissions("server")]) {
    await using server = ChildProgram.start(Deno.execPath(), {
      args: toDenoArgs(permissions, "server.ts"),
      cwd: folder.path,
      env: { no_proxy: "localhost" },
    });
    await server.untilStderr(/ Connected /);
  }
});

function narrowOf(name: ProgramName): readonly string[] {
  return PROGRAMS.find((program) => program.name === name)?.narrow ?? [];
}
