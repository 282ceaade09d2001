/** git, over its smart HTTP, with a host of repositories behind relay and server. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { gitIn, runVerboseGit } from "../support/git.ts";
import { hasGitOrigin, startGitOrigin } from "../support/git_origin.ts";
import { toUneven } from "../support/bytes.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { startTunnelPrograms } from "../support/tunnel_programs.ts";

const MIB = 1024 * 1024;

const ignore = !await hasGitOrigin();

/** A tree of some hundred files, most of them small. */
async function writeTree(folder: TempFolder, name: string): Promise<void> {
  for (let i = 0; i < 300; i++) {
    const path = `${name}/${i % 7}/deep/${i % 3}/file ${i} \u00e4.txt`;
    await folder.write(path, `line of file ${i}\n`.repeat(i));
  }
  await folder.write(`${name}/table.bin`, toUneven(3 * MIB));
}

/** Bytes that nothing makes smaller. */
function toNoise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}

for (const mode of ["path", "host"] as const) {
  Deno.test({ name: `git clones, pushes and fetches, in ${mode} mode`, ignore }, async (t) => {
    await using folder = await TempFolder.create();
    await using origin = await startGitOrigin("/code/tree.git");
    await using tunnel = await startTunnelPrograms({
      origins: [{ path: "/git/", url: `http://127.0.0.1:${origin.port}/` }],
    });
    const url = `${mode === "path" ? tunnel.url : tunnel.hostUrl}/git/code/tree.git`;
    const git = gitIn(folder.path);
    const first = gitIn(folder.at("first"));
    const second = gitIn(folder.at("second"));

    await t.step("an empty repository is cloned, and gets a first tree of 3 MiB", async () => {
      await git("clone", "-q", url, "first");
      await writeTree(folder, "first");
      await first("add", ".");
      await first("commit", "-qm", "a tree");
      await first("push", "-q", "origin", "HEAD:main");
      assertEquals(
        await first("rev-parse", "HEAD"),
        await git("-c", "safe.directory=*", "-C", origin.repository, "rev-parse", "main"),
      );
    });

    await t.step("a clone has the same tree", async () => {
      await git("clone", "-q", url, "second");
      assertEquals(
        await second("rev-parse", "HEAD^{tree}"),
        await first("rev-parse", "HEAD^{tree}"),
      );
      assertEquals(await second("status", "--porcelain"), "");
    });

    await t.step(
      "8 MiB that nothing makes smaller go up in chunks, asked for by a 100",
      async () => {
        await folder.write("second/noise.bin", toNoise(8 * MIB));
        await second("add", ".");
        await second("commit", "-qm", "noise");
        // git by itself waits for a 100 only where it may have to prove itself anew.
        const options = ["http.postBuffer=65536", "http.extraHeader=Expect: 100-continue"];
        const { stderr } = await runVerboseGit(folder.at("second"), [
          ...options.flatMap((option) => ["-c", option]),
          ...["push", "origin", "main"],
        ]);
        assertStringIncludes(stderr, "Send header: Transfer-Encoding: chunked");
        assertMatch(
          stderr,
          /Send header: Expect: 100-continue[^]*Recv header: HTTP\/1\.1 100 Continue/,
        );
      },
    );

    await t.step("a fetch brings it to the first clone, and it is whole", async () => {
      await first("fetch", "-q", "origin", "main");
      await first("merge", "-q", "--ff-only", "FETCH_HEAD");
      assertEquals(await first("rev-parse", "HEAD"), await second("rev-parse", "HEAD"));
      await first("fsck", "--full", "--strict");
    });

    await t.step("a shallow clone has the last commit alone", async () => {
      await git("clone", "-q", "--depth", "1", url, "third");
      const third = gitIn(folder.at("third"));
      assertEquals(await third("rev-list", "--count", "HEAD"), "1");
      assertEquals(
        await third("rev-parse", "HEAD^{tree}"),
        await first("rev-parse", "HEAD^{tree}"),
      );
    });

    await t.step("nothing is left", () => tunnel.end());
  });
}
