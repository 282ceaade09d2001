/** Tunnels of others that know HTTP. */

import { fromFileUrl, join } from "@std/path";
import { toTripcode } from "../../../lib/auth/tripcode.ts";
import { buildOriginals, findOriginals } from "../../interop/build_originals.ts";
import { findFreePort } from "../../support/outside_port.ts";
import { toInstalled } from "../programs.ts";
import { type Contestant, formatAddress } from "./contestant.ts";

/** Debian's package. A kite is found by the host that visitors name, here an address. */
export const PAGEKITE: Contestant = {
  name: "PageKite",
  kind: "tunnel",
  find: (options) =>
    toInstalled(
      { name: "PageKite", version: { program: "pagekite", args: ["--appver"] } },
      options,
    ),
  toPlan: async ({ origin, link }) => {
    const kite = link.publicHost;
    const secret = crypto.randomUUID();
    const files = findFreePort();
    const application = findFreePort();
    return {
      relay: {
        program: "pagekite",
        args: [
          ...["--clean", "--isfrontend", `--host=${link.publicHost}`, "--protos=http"],
          `--ports=${files},${application}`,
          `--domain=http,http-${files},http-${application}:${kite}:${secret}`,
        ],
        port: files,
      },
      servers: [{
        program: "pagekite",
        args: [
          ...["--clean", `--frontend=${formatAddress(await link.toPublic(files))}`],
          `--service_on=http-${files}:${kite}:127.0.0.1:${origin.filesPort}:${secret}`,
          `--service_on=http-${application}:${kite}:127.0.0.1:${origin.applicationPort}:${secret}`,
        ],
      }],
      files: `http://${link.publicHost}:${files}`,
      application: `http://${link.publicHost}:${application}`,
    };
  },
};

/** It finds a server by its host name, and takes no address for one. */
export const PIKO: Contestant = {
  name: "piko",
  kind: "tunnel",
  find: (options) =>
    toInstalled({ name: "piko", version: { program: "piko", args: ["--version"] } }, options),
  toPlan: () => Promise.reject(new Error("it wants a host name, and visitors here use addresses")),
};

const TEMPLATES = fromFileUrl(new URL("../../interop/originals/templates", import.meta.url));
const ORIGINAL_NAME = "bench";

/** The originals, which serve a folder. Both are found where interop has built them. */
export const PTTH_2: Contestant = {
  name: "PTTH 2.x",
  kind: "tunnel",
  find: async ({ installs, say }) => {
    const reason = installs ? await build(say) : "it is not built (--install builds it)";
    if (await findOriginals() !== undefined) {
      return { kind: "found", version: "2.0.0 (relay), 2.1.0 (server)" };
    }
    await say(`NOT MEASURED: PTTH 2.x: ${reason}`);
    return { kind: "missing", reason };
  },
  toPlan: async ({ origin, link, scratch }) => {
    const originals = await findOriginals();
    if (originals === undefined) throw new Error("it is not built");
    const key = crypto.getRandomValues(new Uint8Array(32)).toBase64();
    const port = findFreePort();
    // Both look below their working folder.
    await Deno.symlink(TEMPLATES, join(scratch, "handlebars"));
    await Deno.mkdir(join(scratch, "config"));
    await Deno.writeTextFile(
      join(scratch, "config", "ptth_relay.toml"),
      `port = ${port}
[[servers]]
name = "${ORIGINAL_NAME}"
tripcode = "${toTripcode(key)}"
`,
    );
    const serverFile = join(scratch, "ptth_server.toml");
    await Deno.writeTextFile(
      serverFile,
      `name = "${ORIGINAL_NAME}"
api_key = "${key}"
relay_url = "http://${formatAddress(await link.toPublic(port))}/7ZSFUKGV"
file_server_root = "${origin.root}"
`,
      { mode: 0o600 },
    );
    return {
      relay: { program: originals.relay, args: [], port },
      servers: [{ program: originals.server, args: [serverFile] }],
      files: `http://${link.publicHost}:${port}/frontend/servers/${ORIGINAL_NAME}/files`,
    };
  },
};

async function build(say: (line: string) => Promise<void>): Promise<string> {
  const outcome = await buildOriginals(say);
  return outcome.kind === "built" ? "" : outcome.reason;
}
