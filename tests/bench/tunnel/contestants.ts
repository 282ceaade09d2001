/** All that are compared. */

import type { Contestant } from "./contestant.ts";
import { NODE_HTTP, ORIGIN_DIRECT } from "./controls.ts";
import { CADDY_HOP, createNginxHop } from "./hops.ts";
import { createOurs } from "./ours.ts";
import { PAGEKITE, PIKO, PTTH_2 } from "./http_tunnels.ts";
import { CHISEL, createBore, createRathole, FRP } from "./tcp_tunnels.ts";

/**
 * Ours first: the others are compared with it. `cache` is a folder outside the tree for programs
 * that no package manager of the system has.
 */
export function listContestants(cache: string): readonly Contestant[] {
  return [
    createOurs({ name: "ours", files: "origin" }),
    createOurs({ name: "ours (folder)", files: "folder" }),
    createRathole(cache),
    createBore(cache),
    FRP,
    CHISEL,
    PIKO,
    PAGEKITE,
    PTTH_2,
    createNginxHop({ name: "nginx hop", keepsAlive: true }),
    createNginxHop({ name: "nginx hop (no keep-alive)", keepsAlive: false }),
    CADDY_HOP,
    NODE_HTTP,
    ORIGIN_DIRECT,
  ];
}
