/** A Vite dev server, on Node.js, with a tiny project. */

import { ChildProgram } from "./child_program.ts";
import { findFreePort } from "./outside_port.ts";
import { hasProgram, toolPath } from "./outside_program.ts";
import { TempFolder } from "./temp_folder.ts";

const PROGRAM = toolPath("vite/node_modules/.bin/vite");

/** False, with a word on the console, where it is not installed. */
export function hasVite(): Promise<boolean> {
  return hasProgram(PROGRAM);
}

export interface Vite extends AsyncDisposable {
  readonly port: number;
  /** Changes what the page shows. */
  edit(text: string): Promise<void>;
  /** Ends it, and starts it anew. */
  restart(): Promise<void>;
}

/** Starts one; `base` is its public path. Killed at the end of the scope. */
export async function startVite({ base = "/" }: { readonly base?: string } = {}): Promise<Vite> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await TempFolder.create());
  const edit = async (text: string): Promise<void> => {
    await folder.write("text.js", `export const text = ${JSON.stringify(text)};\n`);
  };
  await folder.write("index.html", PAGE);
  await folder.write("main.js", SCRIPT);
  await folder.write("style.css", "p { color: rgb(1, 2, 3); }\n");
  await edit("before");
  const port = findFreePort();
  const options = ["--host", "127.0.0.1", "--port", String(port), "--strictPort", "--base", base];
  const start = async (): Promise<ChildProgram> => {
    const args = [...options, "--clearScreen", "false"];
    const started = ChildProgram.start(PROGRAM, { cwd: folder.path, args });
    await started.untilStdout(/ready in /);
    return started;
  };
  let program = await start();
  stack.defer(() => program[Symbol.asyncDispose]());
  const restart = async (): Promise<void> => {
    await program[Symbol.asyncDispose]();
    program = await start();
  };
  const moved = stack.move();
  return { port, edit, restart, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

const PAGE = `<!doctype html>
<meta charset="utf-8"><title>Project</title><link rel="icon" href="data:,">
<p></p><script type="module" src="/main.js"></script>
`;

const SCRIPT = `import "./style.css";
import { text } from "./text.js";
const show = (text) => document.querySelector("p").textContent = text;
show(text);
import.meta.hot.accept("./text.js", (module) => show(module.text));
`;
