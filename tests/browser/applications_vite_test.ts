/** Vite's dev server behind relay and server, in a real browser: a changed file shows at once. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "playwright-core";
import type { OriginTable } from "../support/tunnel_files.ts";
import { PREFIX, startTunnelPrograms, type TunnelPrograms } from "../support/tunnel_programs.ts";
import { visit } from "../support/visit.ts";
import { hasVite, startVite, type Vite } from "../support/vite.ts";
import { findBrowser, startBrowser, watchPage } from "./browser.ts";

const executable = findBrowser();
const ignore = !await hasVite() || executable === undefined;

interface Case {
  /** Vite's own option. */
  readonly base?: string;
  readonly hostSuffix?: string;
  readonly isByHost?: boolean;
  readonly origin?: Partial<OriginTable>;
}

interface World extends AsyncDisposable {
  readonly vite: Vite;
  readonly tunnel: TunnelPrograms;
  /** Where the page is, without a slash at its end. */
  readonly url: string;
  readonly page: Page;
  readonly complaints: readonly string[];
  /** Hosts of the WebSockets that it has opened. */
  readonly sockets: readonly string[];
  /** Opens the page, and resolves when its WebSocket is connected. */
  open(): Promise<void>;
  untilText(text: string): Promise<void>;
}

async function setUp({ base = "/", isByHost = false, hostSuffix, origin }: Case): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const vite = stack.use(await startVite({ base }));
  const options = {
    origins: [{ url: `http://127.0.0.1:${vite.port}${base}`, ...origin }],
    ...(hostSuffix === undefined ? {} : { hostSuffix }),
  };
  const tunnel = stack.use(await startTunnelPrograms(options));
  const rules = "--host-resolver-rules=MAP *.relay.test 127.0.0.1";
  const page = await stack.use(await startBrowser(executable ?? "", [rules])).newPage();
  const sockets: string[] = [];
  page.on("websocket", (socket) => sockets.push(new URL(socket.url()).host));
  const url = isByHost ? tunnel.hostUrl : tunnel.url;
  const moved = stack.move();
  return {
    ...{ vite, tunnel, url, page, sockets, complaints: watchPage(page) },
    open: async () => {
      const isConnected = { predicate: isWordOfConnection };
      await Promise.all([page.waitForEvent("console", isConnected), page.goto(`${url}/`)]);
    },
    untilText: async (text) => {
      await page.waitForFunction(`document.querySelector("p")?.textContent === "${text}"`);
    },
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

function isWordOfConnection(message: { text(): string }): boolean {
  return message.text() === "[vite] connected.";
}

const CASES: Readonly<Record<string, Case>> = {
  "by a host in localhost, both as they come": { isByHost: true },
  "by any other host, with host_header = origin": {
    isByHost: true,
    hostSuffix: "relay.test",
    origin: { hostHeader: "origin" },
  },
  "by path, which is Vite's base": { base: `${PREFIX}/` },
};

for (const [name, options] of Object.entries(CASES)) {
  Deno.test({ name: `Vite ${name}: a change shows without a reload`, ignore }, async () => {
    await using world = await setUp(options);
    const { page, vite } = world;
    await world.open();
    await world.untilText("before");
    const color = 'getComputedStyle(document.querySelector("p")).color';
    assertEquals(await page.evaluate(color), "rgb(1, 2, 3)");
    await page.evaluate("stays = 'the same document'");
    await vite.edit("after");
    await world.untilText("after");
    assertEquals(await page.evaluate("stays"), "the same document");
    assertEquals(world.sockets, [new URL(world.url).host]);
    assertEquals(world.complaints, []);
    await page.close();
    await world.tunnel.end();
  });
}

Deno.test({ name: "Vite that is started anew: the page reloads by itself", ignore }, async () => {
  await using world = await setUp({ isByHost: true });
  await world.open();
  await world.untilText("before");
  await world.page.evaluate("stays = 'the same document'");
  await world.vite.edit("after");
  await world.vite.restart();
  await world.page.waitForFunction("window.stays === undefined");
  await world.untilText("after");
  await world.page.close();
  await world.tunnel.end(/Origin failed/);
});

Deno.test(
  { name: "Vite refuses a host that is new to it, and names its option", ignore },
  async () => {
    await using vite = await startVite();
    await using tunnel = await startTunnelPrograms({
      origins: [{ url: `http://127.0.0.1:${vite.port}/` }],
      hostSuffix: "relay.test",
    });
    const { status, body } = await visit(tunnel.port, "/", { host: "home.relay.test" });
    assertEquals(status, 403);
    assertStringIncludes(body, "server.allowedHosts");
    await tunnel.end();
  },
);
