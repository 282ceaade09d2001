/** Slow visitors by the hundred at a relay: others are answered all the while. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hasProgram, runProgram } from "../support/outside_program.ts";
import { RestartableTunnel } from "../support/restartable_tunnel.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { Traffic } from "../support/traffic.ts";
import { SERVER_NAME } from "../support/tunnel_files.ts";

const hasSlowHttpTest = await hasProgram("slowhttptest");

/** Far more than on any machine at all; what was measured on a quiet one stands in docs/security-tests.md. */
const WORST_MS = 5000;

for (
  const [attack, ...flags] of [
    ["slow heads", "-H", "-i", "1"],
    ["slow bodies", "-B", "-i", "1", "-s", "100000"],
    ["slow readers", "-X", "-w", "1", "-y", "8", "-n", "1", "-z", "8", "-k", "3"],
    ["overlapping ranges", "-R", "-a", "5", "-b", "2000"],
  ]
) {
  Deno.test({
    name: `visitors of a relay are answered during slowhttptest's ${attack}`,
    ignore: !hasSlowHttpTest,
    fn: async () => {
      await using folder = await TempFolder.create();
      await using tunnel = await RestartableTunnel.start({ folder, seed: 1 });
      const { relayPort: port, file } = tunnel;
      const traffic = new Traffic({ port, name: SERVER_NAME, random: new SeededRandom(1) });
      await traffic.untilGood();
      const url = `http://127.0.0.1:${port}/servers/${SERVER_NAME}/files${file.path}`;
      const args = ["slowhttptest", ...flags, "-c", "100", "-r", "100", "-l", "3", "-p", "5"];
      let isOver = false;
      const attacked = runProgram([...args, "-u", url], { cwd: folder.path })
        .finally(() => isOver = true);
      const times: number[] = [];
      while (!isOver) times.push(await traffic.untilGood());
      assertStringIncludes((await attacked).stdout, "Exit status");
      await traffic.stop();
      assertEquals(traffic.report().violations, []);
      assert(times.length > 10, `there were ${times.length} visits`);
      assert(Math.max(...times) < WORST_MS, `a visit took ${Math.max(...times)} ms`);
    },
  });
}
