/** What a page of a stranger in somebody's browser, or a text in a page of ours, can do. */

import { assert, assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { createFileServer } from "../../lib/files/file_server.ts";
import { createRootHandler } from "../../lib/files/root_handler.ts";
import { checkHost } from "../../lib/http/host_check.ts";
import { Listener } from "../../lib/http/listener.ts";
import { Relay } from "../../lib/relay/relay.ts";
import { printTable } from "../support/security_page.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { toRelayConfig, toServerEntry } from "../support/tunnel.ts";
import { fieldOf, type Visit, visit } from "../support/visit.ts";

const MARKUP = `"'><img src=x onerror=alert(1)><script>alert(2)</script>`;
/** A file may be called so; it holds no slash. */
const NAME = `"'><img src=x onerror=alert(1)>`;
const README = `# ${MARKUP}\n\n[a](javascript:alert(3)) <b onclick=alert(4)>b</b>\n\n` +
  `![c](data:text/html,<script>alert(5)</script>)\n`;

/** Everything that makes pages, each on a port of 127.0.0.1. */
class World implements AsyncDisposable {
  readonly public: number;
  readonly admin: number;
  readonly files: number;
  /** The same files, which pages of every origin may read. */
  readonly shared: number;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    ports: Pick<World, "public" | "admin" | "files" | "shared">,
    stack: AsyncDisposableStack,
  ) {
    this.public = ports.public;
    this.admin = ports.admin;
    this.files = ports.files;
    this.shared = ports.shared;
    this.#stack = stack;
  }

  static async start(): Promise<World> {
    const stack = new AsyncDisposableStack();
    const entry = { ...toServerEntry("home"), displayName: MARKUP };
    const config = toRelayConfig({ servers: [entry], publicServerList: true, adminPort: 0 });
    const relay = new Relay(config, { log: silentLogger, clock: systemClock });
    const addresses = await relay.start();
    stack.defer(() => relay.stop(AbortSignal.abort()));
    const folder = stack.use(await TempFolder.create());
    await folder.write("README.md", README);
    await folder.write(`dir/${NAME}`, MARKUP);
    await folder.write("page.html", "<script>alert(1)</script>");
    const serve = async (cors: string | null): Promise<number> => {
      const files = createFileServer({
        fileSystem: denoFileSystem,
        root: folder.path,
        clock: systemClock,
        log: silentLogger,
        cors,
      });
      const handler = checkHost(createRootHandler(files, { basePath: "/", scheme: "http" }), {
        boundHost: "127.0.0.1",
        allowedHosts: () => [],
      });
      const listener = new Listener({ handler, log: silentLogger, clock: systemClock });
      const { port } = await listener.start({ host: "127.0.0.1", port: 0 });
      stack.defer(() => listener.close(AbortSignal.abort()));
      return port;
    };
    const ports = {
      public: addresses.public.port,
      admin: addresses.admin?.port ?? 0,
      files: await serve(null),
      shared: await serve("*"),
    };
    return new World(ports, stack);
  }

  /** As a browser asks for a page. */
  get(on: "public" | "admin" | "files", target: string, host = "localhost"): Promise<Visit> {
    return visit(this[on], target, { host, headers: ["Accept: text/html"] });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

type Row = readonly [what: string, attack: (world: World) => Promise<string>];

const ENCODED = encodeURIComponent(MARKUP);

/** A page that shows what a stranger wrote. */
function page(
  what: string,
  on: "public" | "admin" | "files",
  target: string,
  shown: string | undefined = "&lt;img src=x",
): Row {
  return [what, async (world) => {
    // So that the admin pages have something to show.
    const name = "<script>alert(6)<b>";
    await visit(world.public, `/7ZSFUKGV/http_listen/${name}`, { headers: ["X-ApiKey: k"] });
    const answer = await world.get(on, target);
    const { head, body } = answer;
    assertStringIncludes(fieldOf(answer, "Content-Type") ?? "", "text/html");
    assertNotMatch(
      body,
      /<img[^>]+onerror|<script>|<[^>]+ onclick|href="javascript:|src="data:text/i,
    );
    if (shown !== undefined) assertStringIncludes(body, shown);
    const policy = fieldOf(answer, "Content-Security-Policy") ?? "";
    assertStringIncludes(policy, "default-src 'none'");
    assertStringIncludes(policy, "frame-ancestors 'self'");
    assertStringIncludes(policy, "base-uri 'none'");
    assertNotMatch(policy, /unsafe|script-src [^';]*(?:\*|'self')/);
    assert(/^x-content-type-options: nosniff\r$/im.test(head));
    return "escaped; its policy runs no script but ours, and no other site may frame it";
  }];
}

/** A request that a page of a stranger makes by a name of its own that leads to this computer. */
function rebound(what: string, on: "admin" | "files", host: string, target = "/"): Row {
  return [what, async (world) => {
    assertEquals((await world.get(on, target, host)).status, 421);
    return "refused: 421";
  }];
}

const ROWS: readonly Row[] = [
  page("a display name in the list of servers", "public", "/servers/"),
  page("the same on the admin page", "admin", "/frontend/servers/"),
  page(
    "the name of a server that is not configured",
    "admin",
    "/frontend/unregistered_servers",
    "&lt;script&gt;alert(6)",
  ),
  page("the same in the audit log", "admin", "/frontend/audit_log", "&lt;script&gt;alert(6)"),
  page("a README", "files", "/"),
  page("a file's name in a listing", "files", "/dir/"),
  page("a file's name among tiles", "files", "/dir/?view=grid"),
  page("the words of a filter", "files", `/dir/?filter=${ENCODED}`),
  page("the words of a search", "files", `/?search=${ENCODED}`),
  page("a file's name that a search finds", "files", "/?search=onerror"),
  page("a preview of a text, and its name", "files", `/dir/${encodeURIComponent(NAME)}?preview`),
  page("a README as a preview", "files", "/README.md?preview"),
  page("an address as a QR code", "files", `/dir/${encodeURIComponent(NAME)}?qr`),
  page("a path that there is not", "files", `/${ENCODED}`, "Not Found"),
  ["a script in a file of HTML", async (world) => {
    const answer = await world.get("files", "/page.html");
    assertStringIncludes(fieldOf(answer, "Content-Security-Policy") ?? "", "sandbox");
    return "the file has an origin of its own, and runs no script";
  }],
  ["a form that acts, on the relay's pages", async (world) => {
    for (const method of ["POST", "PUT", "DELETE"]) {
      for (const target of ["/", "/frontend/servers/", "/frontend/audit_log"]) {
        assertEquals((await visit(world.admin, target, { method, host: "localhost" })).status, 405);
      }
    }
    return "no page acts: 405";
  }],
  ["a form that acts, on the file server's", async (world) => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      assertEquals(
        (await visit(world.files, "/README.md", { method, host: "localhost" })).status,
        405,
      );
    }
    return "no page acts: 405";
  }],
  ["a script of another origin that reads a file", async (world) => {
    const headers = ["Origin: https://evil.test"];
    const answer = await visit(world.files, "/README.md", { host: "localhost", headers });
    assertNotMatch(answer.head, /^access-control/im);
    return "no leave by CORS, unless `--cors` names the origin";
  }],
  [
    "a script of another origin that has been let in, with the visitor's password",
    async (world) => {
      for (const method of ["GET", "OPTIONS"]) {
        const headers = ["Origin: https://evil.test", "Access-Control-Request-Method: GET"];
        const host = "localhost";
        const { head } = await visit(world.shared, "/README.md", { host, method, headers });
        assert(/^access-control-allow-origin: \*\r$/im.test(head), head);
        assertNotMatch(head, /^access-control-allow-credentials/im);
      }
      return "no leave for it: browsers let nothing be read that was sent with one";
    },
  ],
  rebound("DNS rebinding against the admin pages", "admin", "evil.test"),
  rebound("the same by an absolute target", "admin", "localhost", "http://evil.test/"),
  rebound("the same by a name that looks like this computer's", "admin", "localhost.evil.test"),
  rebound("DNS rebinding against a file server for this computer", "files", "evil.test"),
  rebound("the same for a file", "files", "127.0.0.1.evil.test", "/README.md"),
  rebound("the same by an absolute target", "files", "localhost", "http://evil.test/README.md"),
  ...(["admin", "files"] as const).map((on): Row => [
    `the same to open a WebSocket, ${on === "admin" ? "to the admin pages" : "to files"}`,
    async (world) => {
      const headers = ["Upgrade: websocket", "Sec-WebSocket-Version: 13"];
      const answer = await visit(world[on], "/", { host: "evil.test", headers });
      assertEquals(answer.status, 421);
      return "refused: 421";
    },
  ]),
  ["a WebSocket to the admin pages", async (world) => {
    const answer = await visit(world.admin, "/7ZSFUKGV/modern/control/home", {
      host: "localhost",
      headers: ["Upgrade: websocket", "Origin: https://evil.test"],
    });
    assertEquals(answer.status, 404);
    return "refused: 404, no server connects there";
  }],
];

Deno.test("attack on pages", async (t) => {
  await using world = await World.start();
  const cells: string[][] = [];
  for (const [what, attack] of ROWS) {
    await t.step(what, async () => {
      cells.push([what, await attack(world)]);
    });
  }
  await printTable({ name: "pages", columns: ["What is tried", "What comes of it"], rows: cells });
});
