/** Giving up rights of the process, for good: what has to be taken over then can do less. */

/** What a program may give up once it has started. Reading stays: files are what it is for. */
export type Right = "run" | "write" | "ffi" | "env" | "sys" | "net" | "import";

/**
 * What no program needs once it has started. Importing is a connection too, and code: Deno allows it
 * from some hosts to all, and from everywhere to -A, whatever becomes of "net".
 */
export const START_RIGHTS: readonly Right[] = ["run", "ffi", "env", "import"];

/** All that a program does not need whose port is open, and which connects to nobody. */
export const LISTENER_RIGHTS: readonly Right[] = [...START_RIGHTS, "write", "sys", "net"];

/** Gives these rights up, granted or not, whatever the process was started with. */
export async function dropRights(rights: readonly Right[]): Promise<void> {
  for (const name of rights) await Deno.permissions.revoke({ name });
}
