/** A real TCP load balancer, haproxy, on free ports of 127.0.0.1. */

import { ChildProgram } from "./child_program.ts";
import { accepts, findFreePort } from "./outside_port.ts";
import { TempFolder } from "./temp_folder.ts";

/** By what it tells a relay whose connections it passes on. */
export const HAPROXY_OPTIONS = ["send-proxy", "send-proxy-v2", "send-proxy-v2-ssl-cn"] as const;

export interface Haproxy extends AsyncDisposable {
  /**
   * Its port for each of those. Whoever connects has to begin with a PROXY header too: so a test can
   * come from any address.
   */
  readonly ports: ReadonlyMap<typeof HAPROXY_OPTIONS[number], number>;
}

/** Starts one in front of a relay, which it also asks now and then whether it is well. */
export async function startHaproxy(relayPort: number): Promise<Haproxy> {
  const folder = await TempFolder.create();
  const ports = new Map(HAPROXY_OPTIONS.map((option) => [option, findFreePort()]));
  const lines = [
    ...["defaults", "mode tcp", "timeout connect 5s", "timeout client 60s", "timeout server 60s"],
    ...[...ports].flatMap(([option, port]) => [
      `listen ${option}`,
      `bind 127.0.0.1:${port} accept-proxy`,
      `server relay 127.0.0.1:${relayPort} ${option} check check-send-proxy inter 20ms`,
    ]),
  ];
  const config = await folder.write("haproxy.cfg", `${lines.join("\n")}\n`);
  const program = ChildProgram.start("haproxy", { cwd: folder.path, args: ["-db", "-f", config] });
  await Promise.race([
    Promise.all([...ports.values()].map(accepts)),
    program.untilEnd().then((code) => {
      throw new Error(`haproxy ended with ${code}:\n${program.stderr}`);
    }),
  ]);
  return {
    ports,
    [Symbol.asyncDispose]: async () => {
      await program[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
