/** What Linux's /proc tells of a process and all below it. */

/** Ticks of the CPU times in /proc/PID/stat; 100 on every Linux that Deno runs on. */
const TICKS_PER_SECOND = 100;

export interface Usage {
  /** User and system time since the start. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Most that was resident at once, so far; of several processes the sum. */
  readonly peakBytes: number;
}

export async function readUsage(pid: number): Promise<Usage> {
  const [stat, status, children] = await Promise.all([
    Deno.readTextFile(`/proc/${pid}/stat`),
    Deno.readTextFile(`/proc/${pid}/status`),
    Deno.readTextFile(`/proc/${pid}/task/${pid}/children`),
  ]);
  // The name, in parentheses, may hold anything; the fields after it begin with the third.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const own: Usage = {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    residentBytes: readKib(status, "VmRSS") * 1024,
    peakBytes: readKib(status, "VmHWM") * 1024,
  };
  const below = children.trim().split(/\s+/).filter((child) => child !== "");
  const usages = await Promise.all(below.map((child) => readUsage(Number(child))));
  return usages.reduce(addUsage, own);
}

export function addUsage(one: Usage, other: Usage): Usage {
  return {
    cpuSeconds: one.cpuSeconds + other.cpuSeconds,
    residentBytes: one.residentBytes + other.residentBytes,
    peakBytes: one.peakBytes + other.peakBytes,
  };
}

function readKib(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? NaN);
}
