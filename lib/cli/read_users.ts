/** The users of a file server, from their file. */

import { Users } from "../auth/users.ts";
import { ConfigError } from "../base/errors.ts";
import { type ConfigFiles, isPrivate } from "../config/config_files.ts";

const HINT = "A line is NAME:HASH; ptth_file_server hash-password makes a hash";

/** @throws {ConfigError} that never quotes the file; also where others than its owner can read it. */
export async function readUsers(path: string, files: ConfigFiles): Promise<Users> {
  const file = await files.read(path);
  if (file === undefined) {
    throw new ConfigError("Cannot read the users: there is no such file", { file: path });
  }
  if (!isPrivate(file.mode)) {
    throw new ConfigError("Cannot use the users: others than the file's owner can read it", {
      file: path,
      hint: `Run chmod 600 ${path}`,
    });
  }
  const parsed = Users.parse(file.text);
  if (parsed.ok) return parsed.users;
  const { line, reason } = parsed;
  throw new ConfigError(`Cannot use the users: ${reason}`, {
    file: path,
    ...(line === undefined ? {} : { line }),
    hint: HINT,
  });
}
