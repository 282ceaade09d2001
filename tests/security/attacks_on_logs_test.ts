/** What whoever reads a log, or looks at a terminal, is shown of what strangers wrote. */

import { assert, assertEquals, assertNotMatch } from "@std/assert";
import { systemClock } from "../../lib/base/clock.ts";
import { MAX_LOG_LINE_CHARS } from "../../lib/base/limits.ts";
import { type Logger, silentLogger } from "../../lib/base/log.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { createFileServer } from "../../lib/files/file_server.ts";
import { type AccessLogForm, createAccessLog } from "../../lib/http/access_log.ts";
import { Listener } from "../../lib/http/listener.ts";
import type { Handler } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { createDispatcher } from "../../lib/server/dispatch.ts";
import { AttackedRelay } from "../support/attacked_relay.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { answering, openOrigin } from "../support/origins.ts";
import { type ProgramName, startProgram } from "../support/programs.ts";
import { RawServer } from "../support/raw_server.ts";
import { printTable } from "../support/security_page.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { NAME, startRelay, startServer } from "../support/tunnel.ts";
import { visit } from "../support/visit.ts";

/** Makes the attack; gives the lines that were written. */
type Row = readonly [what: string, attack: () => Promise<readonly string[]>];

/** Clears the screen, forges a line, sets a title, turns the direction of writing. */
const NASTY = "\x1b[2J\r\nERROR forged \x9b31m \x1b]0;x\x07 \u202e\u2028";
/** As much of it as a field can carry. */
const NASTY_BYTES = '\x9b31m\x85\xe2\x80\xae"\\';
// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/** The log of a server, one of whose visitors asks for this. */
async function serverLog(
  target: string,
  toHandler: (log: Logger, stack: AsyncDisposableStack) => Promise<Handler>,
): Promise<readonly string[]> {
  await using stack = new AsyncDisposableStack();
  const { log, lines } = createMemoryLog();
  const relay = stack.use(await startRelay());
  const handler = await toHandler(log, stack);
  stack.use(await startServer(relay.url, handler, { log }));
  const before = lines.length;
  const { status } = await visit(relay.port, `/servers/${NAME}${target}`);
  assert(status >= 400, `${status}`);
  return lines.slice(before);
}

/** The log of a server that forwards to an application which answers so. */
function originLog(answer: string): Promise<readonly string[]> {
  return serverLog("/x", async (log, stack) => {
    const origin = stack.use(await RawServer.listen(answering(answer)));
    return createDispatcher({ origins: [stack.use(openOrigin(origin.port, { log }))] });
  });
}

/** The log of a server of a folder, whose names are nasty too. */
function folderLog(target: string): Promise<readonly string[]> {
  return serverLog(target, async (log, stack) => {
    const folder = stack.use(await TempFolder.create());
    await Deno.symlink("/dev/zero", folder.at(NASTY));
    const files = createFileServer({
      fileSystem: denoFileSystem,
      root: folder.path,
      clock: systemClock,
      log,
    });
    return createDispatcher({ files });
  });
}

/** The access log, for a request whose every text is nasty. */
async function accessLog(form: AccessLogForm): Promise<readonly string[]> {
  const lines: string[] = [];
  const observe = createAccessLog({
    form,
    clock: systemClock,
    userOf: () => NASTY,
    write: (line) => lines.push(line),
  });
  const handler: Handler = () => textAnswer(200, "x");
  const listener = new Listener({ handler, log: silentLogger, clock: systemClock, observe });
  const { port } = await listener.start({ host: "127.0.0.1", port: 0 });
  const headers = [`User-Agent: ${NASTY_BYTES}`, `Referer: ${NASTY_BYTES}`];
  assertEquals((await visit(port, "/%1b[2J%9b31m", { headers })).status, 200);
  await listener.close(AbortSignal.abort());
  for (const line of lines) assertNotMatch(line, /[^ -~]/);
  return lines;
}

/** What a program writes before it gives up; `config` is its file. */
async function complaint(
  name: ProgramName,
  { args = [], config, shows = "forged" }: {
    readonly args?: readonly string[];
    readonly config?: string;
    readonly shows?: string;
  },
): Promise<readonly string[]> {
  await using folder = await TempFolder.create();
  if (config !== undefined) {
    await Deno.chmod(await folder.write(`ptth_${name}.toml`, config), 0o600);
  }
  await using program = startProgram(name, { cwd: folder.path, args });
  assert(await program.untilEnd() !== 0);
  const text = `${program.stdout}${program.stderr}`;
  assert(text.includes(shows));
  return text.trimEnd().split("\n");
}

const ROWS: readonly Row[] = [
  ["a server's name, and a malformed answer, in the relay's log", async () => {
    await using relay = await AttackedRelay.start();
    await relay.ask(`http_listen/${encodeURIComponent(NASTY)}`);
    const visitor = visit(relay.port, "/servers/mallory/x");
    const id = await relay.takeClassic();
    // An array, and in it a map with a field of this name, where none has to be.
    const name = new TextEncoder().encode(NASTY);
    const magic = Uint8Array.of(0x81, 0xd9, name.length, ...name, 0xc0).toBase64();
    await relay.ask(`http_response/${id}`, { headers: [`X-PTTH-2LJYXWC4: ${magic}`], body: "" });
    assertEquals((await visitor).status, 502);
    await relay.assertServed();
    assert(relay.lines.filter((line) => line.includes("forged")).length >= 2);
    return relay.lines;
  }],
  [
    "a malformed status of an application, in the server's log",
    () => originLog(`HTTP/1.1 2\x1b[2J${NASTY_BYTES} OK\r\n\r\n`),
  ],
  [
    "a malformed field of an application, in the server's log",
    () => originLog(`HTTP/1.1 200 OK\r\nX\x1b[2J${NASTY_BYTES}: 1\r\n\r\n`),
  ],
  [
    "a path that is refused, in the log of a server of files",
    () => folderLog(`/files/%1b[2J%0d%0aERROR%9b/%2e%2e/..%00${"x".repeat(7000)}`),
  ],
  [
    "a file's name that is refused, in the log of a server of files",
    () => folderLog(`/files/${encodeURIComponent(NASTY)}`),
  ],
  ["all of a request, and the user's name, in a combined access log", () => accessLog("combined")],
  ["the same in one of JSON", () => accessLog("json")],
  [
    "an unknown key in the relay's configuration, on the terminal",
    () => complaint("relay", { config: '"port\\u001b" = 1\n', shows: 'key "port' }),
  ],
  [
    "the same in the server's",
    () => complaint("server", { config: '"n\\u2028ame" = 1\n', shows: 'key "n' }),
  ],
  [
    "a folder that there is not, as a file server's argument, on the terminal",
    () => complaint("file_server", { args: ["--root", NASTY] }),
  ],
];

Deno.test("attack on logs", async (t) => {
  const cells: string[][] = [];
  for (const [what, attack] of ROWS) {
    await t.step(what, async () => {
      const lines = await attack();
      assert(lines.length > 0);
      for (const line of lines) {
        assertNotMatch(line, CONTROLS);
        // A line of its own is what a forger wants.
        assertNotMatch(line, /^ERROR forged/);
        assert(line.length <= MAX_LOG_LINE_CHARS);
      }
      cells.push([what, "one line each, without a control"]);
    });
  }
  await printTable({ name: "logs", columns: ["What is nasty", "What comes of it"], rows: cells });
});
