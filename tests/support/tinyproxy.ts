/** A real HTTP proxy, tinyproxy, on a free port of 127.0.0.1. */

import { accepts, findFreePort } from "./outside_port.ts";
import { TempFolder } from "./temp_folder.ts";

export interface Tinyproxy extends AsyncDisposable {
  readonly port: number;
  /** What it has logged so far. */
  readLog(): Promise<string>;
}

/** False, with a word on the console, where it is not installed. */
export async function hasTinyproxy(): Promise<boolean> {
  try {
    await new Deno.Command("tinyproxy", { args: ["-v"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console
    console.error(
      "SKIPPED: tinyproxy is not installed (scripts/install_test_programs.sh installs it)",
    );
    return false;
  }
}

/** Starts one that wants a user name and a password, and resolves when it accepts connections. */
export async function startTinyproxy(user: string, password: string): Promise<Tinyproxy> {
  const folder = await TempFolder.create();
  const port = findFreePort();
  const log = folder.at("tinyproxy.log");
  const config = await folder.write(
    "tinyproxy.conf",
    [
      ...[`Port ${port}`, "Listen 127.0.0.1", "Timeout 60", "MaxClients 20"],
      ...[`LogFile "${log}"`, "LogLevel Info", `BasicAuth ${user} ${password}`, ""],
    ].join("\n"),
  );
  const child = new Deno.Command("tinyproxy", {
    args: ["-d", "-c", config],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await accepts(port);
  return {
    port,
    readLog: () => Deno.readTextFile(log),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await child.status;
      await folder[Symbol.asyncDispose]();
    },
  };
}
