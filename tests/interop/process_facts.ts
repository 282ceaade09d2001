/** What Linux's /proc tells about a process: open TCP connections, memory, bytes read. */

/** In /proc/net/tcp; a listening socket is no connection. */
const TCP_LISTEN = "0A";

/** How many TCP connections the process holds open, half-closed ones included. */
export async function countConnections(pid: number): Promise<number> {
  const inodes = await connectionInodes(pid);
  let count = 0;
  for await (const entry of Deno.readDir(`/proc/${pid}/fd`)) {
    const target = await readLink(`/proc/${pid}/fd/${entry.name}`);
    const inode = /^socket:\[(\d+)\]$/.exec(target ?? "")?.[1];
    if (inode !== undefined && inodes.has(inode)) count++;
  }
  return count;
}

/** Resident memory in bytes. */
export async function readResidentBytes(pid: number): Promise<number> {
  return await readNumber(`/proc/${pid}/status`, /^VmRSS:\s+(\d+) kB$/m) * 1024;
}

/** Bytes that the process has read so far, from files and sockets. */
export async function readBytesRead(pid: number): Promise<number> {
  return await readNumber(`/proc/${pid}/io`, /^rchar: (\d+)$/m);
}

async function connectionInodes(pid: number): Promise<Set<string>> {
  const inodes = new Set<string>();
  for (const table of ["tcp", "tcp6"]) {
    const lines = (await Deno.readTextFile(`/proc/${pid}/net/${table}`)).trim().split("\n");
    for (const line of lines.slice(1)) {
      const fields = line.trim().split(/\s+/);
      const [state, inode] = [fields[3], fields[9]];
      if (state !== TCP_LISTEN && inode !== undefined) inodes.add(inode);
    }
  }
  return inodes;
}

async function readLink(path: string): Promise<string | undefined> {
  try {
    return await Deno.readLink(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined; // closed since it was listed
    throw error;
  }
}

async function readNumber(path: string, pattern: RegExp): Promise<number> {
  const found = pattern.exec(await Deno.readTextFile(path))?.[1];
  if (found === undefined) throw new Error(`Cannot read "${path}": no match for ${pattern}`);
  return Number(found);
}
