/** Reads a secret from standard input. */

import { printError } from "./run_main.ts";

const CTRL_C = 3;
const CTRL_D = 4;
const BACKSPACES = [8, 127];
const LINE_ENDS = [10, 13];

/**
 * All of standard input, less the white space at its end. On a terminal a line, asked for on
 * standard error, since the answer may go into a file, and nothing is shown of what is typed.
 */
export async function readSecret(prompt: string): Promise<string> {
  if (!Deno.stdin.isTerminal()) {
    return (await new Response(Deno.stdin.readable).text()).trimEnd();
  }
  printError(prompt);
  // Windows knows no other than the raw mode, in which Ctrl+C is a byte.
  Deno.stdin.setRaw(true, { cbreak: Deno.build.os !== "windows" });
  try {
    return readLine().trimEnd();
  } finally {
    Deno.stdin.setRaw(false);
    printError("\n");
  }
}

function readLine(): string {
  const typed: number[] = [];
  const one = new Uint8Array(1);
  while (Deno.stdin.readSync(one) === 1) {
    const [byte = CTRL_D] = one;
    if (byte === CTRL_C || byte === CTRL_D) return "";
    if (LINE_ENDS.includes(byte)) break;
    if (BACKSPACES.includes(byte)) deleteLast(typed);
    else typed.push(byte);
  }
  return new TextDecoder().decode(new Uint8Array(typed));
}

/** Takes off a whole character of UTF-8. */
function deleteLast(bytes: number[]): void {
  for (let byte = bytes.pop(); byte !== undefined && (byte & 0xc0) === 0x80;) byte = bytes.pop();
}
