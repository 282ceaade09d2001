/** The computer that measures, in a line. */
export async function describeMachine(): Promise<string> {
  const cpus = await Deno.readTextFile("/proc/cpuinfo");
  const model = /^model name\s*: (.*)$/m.exec(cpus)?.[1] ?? "unknown processor";
  const kernel = /^[0-9]+\.[0-9]+/.exec(Deno.osRelease())?.[0] ?? "";
  return `${navigator.hardwareConcurrency} cores of ${model}, Linux ${kernel}, Deno ` +
    `${Deno.version.deno}, the load on the same cores, over the loopback device`;
}
