/** A page with server-sent events behind relay and server, in a real browser. */

import { assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { startSampleOrigin } from "../support/sample_origin.ts";
import { startTunnelPrograms } from "../support/tunnel_programs.ts";
import { findBrowser, startBrowser, watchPage } from "./browser.ts";

const executable = findBrowser();

for (const mode of ["path", "host"] as const) {
  Deno.test({
    name: `EventSource, in ${mode} mode: events come one by one, and go on after a new connection`,
    ignore: executable === undefined,
  }, async (t) => {
    await using origin = await startSampleOrigin();
    await using tunnel = await startTunnelPrograms({ origins: [{ url: origin.url }] });
    await using browser = await startBrowser(executable ?? "");
    const page = await browser.newPage();
    const complaints = watchPage(page);

    await t.step("each event shows before there is a next one", async () => {
      await page.goto(`${mode === "path" ? tunnel.url : tunnel.hostUrl}/page`);
      await origin.program.untilStdout(/events after 0\n/);
      for (const [at, word] of ["one", "two", "three"].entries()) {
        await origin.say(word);
        await untilShown(page, ["one", "two", "three"].slice(0, at + 1));
      }
    });

    await t.step(
      "when the origin ends it, the browser asks for what comes after the last",
      async () => {
        await origin.say("end");
        await origin.program.untilStdout(/events after 3\n/);
        await origin.say("four");
        await untilShown(page, ["one", "two", "three", "four"]);
      },
    );

    await t.step("a page that is closed ends it at the origin", async () => {
      assertEquals(complaints, []);
      await page.close();
      await origin.program.untilStdout(/events after 3 are over\n/);
    });

    await browser.close();
    await tunnel.end();
  });
}

async function untilShown(page: Page, words: readonly string[]): Promise<void> {
  const shown = '[...document.querySelectorAll("li")].map((item) => item.textContent).join()';
  await page.waitForFunction(`${shown} === "${words.join()}"`);
}
