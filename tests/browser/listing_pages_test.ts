/** The file server's pages in a real browser: look, reach, safety, with and without scripts. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { createFileServer } from "../../lib/files/file_server.ts";
import { Listener } from "../../lib/http/listener.ts";
import type { Handler } from "../../lib/http/message.ts";
import { parseTarget } from "../../lib/http/target.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { findBrowser, startBrowser } from "./browser.ts";
import { TempFolder } from "../support/temp_folder.ts";

/** Before all paths, as behind a relay: a link that is not relative leads out of it. */
const PREFIX = "/servers/me/files";

const AWKWARD = [
  `"><script>hacked=1`,
  "<img src=x onerror=hacked=1>.png",
  "javascript:hacked=1",
  "line\nbreak",
  "photo\u202egpj.exe",
  "x".repeat(255),
  "\u05e9\u05dc\u05d5\u05dd.txt",
];

const README = `# Hello <script>hacked=1</script>

[bad](javascript:hacked=1) [good](sub/) ![picture](red.png)

| a | b |
|:-:|--:|
| 1 | 2 |
`;

interface World extends AsyncDisposable {
  readonly browser: Browser;
  /** With a slash at its end. */
  readonly url: string;
  readonly folder: TempFolder;
  /** Status and target of what was answered. */
  readonly answered: string[];
  /** What the browser complained about. */
  readonly complaints: string[];
  open(path: string, options?: BrowserContextOptions): Promise<Page>;
}

async function setUp(executable: string): Promise<World> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await TempFolder.create());
  await fill(folder);
  const answered: string[] = [];
  const complaints: string[] = [];
  const listener = new Listener({
    handler: mount(folder.path, answered),
    log: silentLogger,
    clock: systemClock,
  });
  const { port } = await listener.start({ host: "127.0.0.1", port: 0 });
  stack.defer(() => listener.close(AbortSignal.abort()));
  const browser = await startBrowser(executable);
  stack.defer(() => browser.close());
  const url = `http://127.0.0.1:${port}${PREFIX}/`;
  return {
    browser,
    url,
    folder,
    answered,
    complaints,
    open: async (path, options = {}) => {
      const context = await browser.newContext({
        viewport: { width: 1280, height: 800 },
        ...options,
      });
      const page = await context.newPage();
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(`${path}: ${message.text()}`);
      });
      page.on("dialog", (dialog) => complaints.push(`${path}: dialog ${dialog.message()}`));
      page.on("request", (request) => {
        if (!/^data:/.test(request.url()) && !request.url().startsWith(url)) {
          complaints.push(`${path}: asks for ${request.url()}`);
        }
      });
      await page.goto(url + path);
      return page;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function mount(root: string, answered: string[]): Handler {
  const files = createFileServer({
    fileSystem: denoFileSystem,
    root,
    clock: systemClock,
    log: silentLogger,
  });
  return async (request) => {
    const target = parseTarget(request.target);
    // The browser asks for it by itself, now and then, for documents that are not pages of ours.
    if (request.target === "/favicon.ico") return { status: 204, headers: [], body: null };
    if (target.kind !== "origin" || !target.path.startsWith(`${PREFIX}/`)) {
      return textAnswer(404, "Outside");
    }
    const headers = [...request.headers, "X-Forwarded-Prefix", ""];
    const path = target.path.slice(PREFIX.length);
    const answer = await files.answer({ ...request, target: request.target, headers }, path);
    answered.push(`${answer.status} ${path}${target.query}`);
    return answer;
  };
}

async function fill(folder: TempFolder): Promise<void> {
  await folder.write("README.md", README);
  await folder.write("red.png", PNG);
  await folder.write("tone.wav", createWav(60));
  await folder.write("code.ts", "const x = 1; // <b>\n".repeat(30) + "y".repeat(400));
  await folder.write("zeta.txt", "zz");
  await folder.write("sub/inner file.txt", "inner");
  for (const name of AWKWARD) await folder.write(`awkward/${name}`, "x");
}

/** One red pixel. */
const PNG = Uint8Array.from(
  atob(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==",
  ),
  (char) => char.charCodeAt(0),
);

/** Silence: 8000 samples of a byte a second. */
function createWav(seconds: number): Uint8Array {
  const length = seconds * 8000;
  const bytes = new Uint8Array(44 + length).fill(128, 44);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("RIFF____WAVEfmt "));
  bytes.set(new TextEncoder().encode("data"), 36);
  view.setUint32(4, 36 + length, true);
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, 8000, true);
  view.setUint32(28, 8000, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  view.setUint32(40, length, true);
  return bytes;
}

const PAGES = [
  "",
  "awkward/",
  "awkward/?view=grid&filter=x",
  "?view=grid",
  "?filter=e&sort=date&order=desc",
  "?search=e",
  "?search=",
  "?qr",
  "README.md?preview",
  "code.ts?preview",
  "red.png?preview",
  "tone.wav?preview",
  "code.ts?qr",
];

const SCREENS: readonly BrowserContextOptions[] = [
  { viewport: { width: 1280, height: 800 } },
  { viewport: { width: 390, height: 800 }, colorScheme: "dark", isMobile: true },
  { viewport: { width: 320, height: 600 }, isMobile: true, hasTouch: true },
];

// What runs in the page is text here: its types are those of a browser.
const FIND_VIOLATIONS = `axe.run().then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ": " + nodes[0].html))`;

const SEEK = `(async () => {
  const audio = document.querySelector("audio");
  audio.muted = true;
  if (audio.readyState < 1) await new Promise((resolve) => audio.onloadedmetadata = resolve);
  audio.currentTime = 50;
  await new Promise((resolve) => audio.onseeked = resolve);
  return audio.currentTime;
})()`;

const MEASURE_PICTURE = `(async () => {
  const image = document.querySelector("img");
  await image.decode();
  return image.naturalWidth;
})()`;

const executable = findBrowser();

/** The browser is a process with pipes, timers and files of its own, older and younger than a test. */
const BROWSER_TEST = {
  ignore: executable === undefined,
  sanitizeOps: false,
  sanitizeResources: false,
};

function browserTest(name: string, run: (world: World) => Promise<void>): void {
  Deno.test({
    name: `in a browser: ${name}`,
    ...BROWSER_TEST,
    fn: async () => {
      await using world = await setUp(executable ?? "");
      await run(world);
      assertEquals(world.complaints, []);
    },
  });
}

browserTest(
  "every page is accessible, fits its screen, and asks nobody else for anything",
  async (world) => {
    for (const screen of SCREENS) {
      const page = await world.open("", screen);
      for (const path of PAGES) {
        await page.goto(world.url + path);
        const where = `${path} at ${screen.viewport?.width}`;
        await page.evaluate(axe.source);
        const violations = await page.evaluate(FIND_VIOLATIONS);
        assertEquals(violations, [], where);
        const width = await page.evaluate(
          "Math.max(innerWidth, document.documentElement.scrollWidth)",
        );
        assertEquals(width, screen.viewport?.width, `${where} is as wide as its screen`);
        assertEquals(await page.evaluate("typeof hacked"), "undefined", where);
      }
      await page.context().close();
    }
  },
);

browserTest(
  "without scripts one can walk, sort, filter, search and download",
  async ({ open, url, answered }) => {
    const page = await open("", { javaScriptEnabled: false });
    const at = (): string => page.url().slice(url.length);
    await page.getByRole("link", { name: "sub/" }).click();
    assertEquals(at(), "sub/");
    await page.getByRole("link", { name: "inner file.txt" }).first().click();
    assertEquals(at(), "sub/inner%20file.txt");
    await page.goBack();
    await page.getByRole("navigation", { name: "Folders" }).getByRole("link", { name: "Files" })
      .click();
    assertEquals(at(), "");
    await page.getByRole("link", { name: "Size" }).click();
    assertEquals(at(), "?sort=size");
    await page.getByRole("searchbox").fill("a");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${url}?sort=size&filter=a`);
    assertEquals(await page.getByRole("checkbox").count(), 4);
    await page.getByRole("link", { name: "Search all folders below" }).click();
    assertEquals(at(), "?search=a");
    assertEquals(await page.getByRole("row", { name: "awkward" }).count() > 1, true);
    await page.getByRole("navigation").getByRole("link", { name: "Files" }).click();
    assertEquals(at(), "");
    await page.getByRole("checkbox", { name: "zeta.txt" }).check();
    await page.getByRole("checkbox", { name: "sub" }).check();
    assert(await page.getByText("Download the ticked ones").isVisible());
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "zip" }).click();
    assertMatch((await download).suggestedFilename(), /\.zip$/);
    assertEquals(answered.at(-1), "200 /?entry=sub&entry=zeta.txt&archive=zip");
    await page.getByRole("link", { name: "Share" }).click();
    assertEquals(await page.getByRole("textbox", { name: "Address" }).inputValue(), url);
    assert(await page.getByRole("img", { name: "QR code" }).isVisible());
    assertEquals(await page.getByRole("button").count(), 0);
  },
);

browserTest(
  "the keyboard reaches everything in the order of reading, and shows where it is",
  async ({ open, url }) => {
    const page = await open("");
    const names: string[] = [];
    for (let i = 0; i < 15; i++) {
      await page.keyboard.press("Tab");
      names.push(String(
        await page.evaluate(
          "document.activeElement.ariaLabel ?? (document.activeElement.textContent || document.activeElement.title || document.activeElement.id)",
        ),
      ));
      assertEquals(
        await page.evaluate("getComputedStyle(document.activeElement).outlineStyle"),
        "solid",
        names.at(-1),
      );
    }
    assertEquals(names, [
      "filter",
      "Filter",
      "Search",
      "Grid",
      "Share",
      "Name",
      "Size",
      "Date (UTC)",
      "awkward",
      "awkward/",
      "sub",
      "sub/",
      "README.md",
      "README.md",
      "Preview",
    ]);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${url}README.md?preview`);
  },
);

browserTest(
  "a sound is played from its middle on a preview, by a range of its file",
  async ({ open, answered }) => {
    const page = await open("tone.wav?preview");
    const place = await page.evaluate(SEEK);
    assertEquals(place, 50);
    assert(answered.includes("206 /tone.wav"), answered.join("\n"));
  },
);

browserTest("pictures are shown as tiles, in a README and on a preview", async ({ open }) => {
  for (const path of ["?view=grid", "", "red.png?preview"]) {
    const page = await open(path);
    const width = await page.evaluate(MEASURE_PICTURE);
    assertEquals(width, 1, path);
  }
});

browserTest(
  "the address is copied by a button, also where the browser gives pages no clipboard",
  async ({ open, url }) => {
    for (const path of ["sub/?qr", "code.ts?qr"]) {
      const page = await open(path);
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await page.getByRole("button", { name: "Copy the address" }).click();
      await page.getByText("Copied").waitFor();
      assertEquals(
        await page.evaluate("navigator.clipboard.readText()"),
        url + path.replace("?qr", ""),
      );
      await page.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error())");
      await page.getByRole("button", { name: "Copy the address" }).click();
      await page.getByText("Copied").waitFor();
    }
  },
);

browserTest(
  "names that are markup are text, and lead to their files",
  async ({ open, answered }) => {
    const page = await open("awkward/");
    assertEquals(await page.locator("tbody tr").count(), AWKWARD.length + 1);
    const text = await page.locator("tbody").innerText();
    assertStringIncludes(text, AWKWARD[0] ?? "");
    assertStringIncludes(text, "photo\\u{202e}gpj.exe");
    const links = page.locator(".n a:first-child");
    const hrefs = await links.evaluateAll((all) =>
      all.map((link) => link.getAttribute("href") ?? "")
    );
    for (const href of hrefs.slice(1)) {
      const download = await page.context().request.get(new URL(href, page.url()).href);
      assertEquals([download.status(), await download.text()], [200, "x"], href);
    }
    assertEquals(answered.filter((line) => line.startsWith("404")), []);
  },
);
