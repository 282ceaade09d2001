/** What no tunnel can be faster than. */

import { findFreePort } from "../../support/outside_port.ts";
import { toInstalled } from "../programs.ts";
import { type Contestant, formatAddress } from "./contestant.ts";
import { toApplicationCommand } from "./origins.ts";

/** Visitors at the origin, with nothing between but the link. */
export const ORIGIN_DIRECT: Contestant = {
  name: "origin direct",
  kind: "control",
  find: (options) =>
    toInstalled({ name: "origin", version: { program: "nginx", args: ["-v"] } }, options),
  toPlan: async ({ origin: { filesPort, applicationPort }, link }) => ({
    servers: [],
    files: `http://${formatAddress(await link.toPrivate(filesPort))}`,
    application: `http://${formatAddress(await link.toPrivate(applicationPort))}`,
  }),
};

/** The bare server of node:http, answering from memory and doing nothing else. */
export const NODE_HTTP: Contestant = {
  name: "node:http",
  kind: "control",
  find: () => Promise.resolve({ kind: "found", version: Deno.version.deno }),
  toPlan: ({ link }) => {
    if (!link.isDirect) return Promise.reject(new Error("it has nothing on the private side"));
    const port = findFreePort();
    return Promise.resolve({
      relay: { ...toApplicationCommand(link.publicHost, port), port },
      servers: [],
      files: `http://${link.publicHost}:${port}`,
    });
  },
};
