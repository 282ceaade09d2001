/** A host of git repositories: Apache with git's own CGI program, on a free port of 127.0.0.1. */

import { ChildProgram } from "./child_program.ts";
import { accepts, findFreePort } from "./outside_port.ts";
import { hasProgram, runProgram } from "./outside_program.ts";
import { TempFolder } from "./temp_folder.ts";

export interface GitOrigin extends AsyncDisposable {
  readonly port: number;
  /** The folder of its repository. */
  readonly repository: string;
}

/** False, with a word on the console, where a program that it needs is not installed. */
export async function hasGitOrigin(): Promise<boolean> {
  const found = [await hasProgram("git"), await hasProgram("apache2")];
  return !found.includes(false);
}

const MODULES = ["mpm_event", "authz_core", "cgid", "alias", "env"];

/** Starts one with an empty repository at `PATH`, as `/code/tree.git`, that anybody may write to. */
export async function startGitOrigin(path: string): Promise<GitOrigin> {
  const folder = await TempFolder.create();
  const repository = folder.at(`repositories${path}`);
  await run(folder, "git", "init", "-q", "--bare", "-b", "main", repository);
  await run(folder, "git", "-C", repository, "config", "http.receivepack", "true");
  const isRoot = Deno.uid() === 0;
  if (isRoot) {
    // Apache gives its rights away, and its CGI programs have to get at the repositories.
    await Deno.chmod(folder.path, 0o755);
    await run(folder, "chown", "-R", "www-data", folder.at("repositories"));
  }
  const gitPath = (await run(folder, "git", "--exec-path")).trim();
  const port = findFreePort();
  const config = await folder.write(
    "apache.conf",
    [
      ...MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
      `ServerRoot ${folder.path}`,
      "ServerName localhost",
      `PidFile ${folder.at("pid")}`,
      "ErrorLog /dev/stderr",
      `DefaultRuntimeDir ${folder.path}`,
      `ScriptSock ${folder.at("cgi")}`,
      ...(isRoot ? ["User www-data", "Group www-data"] : []),
      `Listen 127.0.0.1:${port}`,
      `SetEnv GIT_PROJECT_ROOT ${folder.at("repositories")}`,
      "SetEnv GIT_HTTP_EXPORT_ALL",
      `ScriptAlias / ${gitPath}/git-http-backend/`,
      `<Directory ${gitPath}>`,
      "Require all granted",
      "</Directory>",
      "",
    ].join("\n"),
  );
  const args = ["-DFOREGROUND", "-f", config];
  const program = ChildProgram.start("apache2", { cwd: folder.path, args });
  await Promise.race([
    accepts(port),
    program.untilEnd().then((code) => {
      throw new Error(`apache2 ended with ${code}:\n${program.stderr}`);
    }),
  ]);
  return {
    port,
    repository,
    [Symbol.asyncDispose]: async () => {
      // Killed, it would leave its workers behind.
      await program.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function run(folder: TempFolder, ...command: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(command, { cwd: folder.path });
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${stderr}`);
  return stdout;
}
