/**
 * Loads on a server, each by a program made for it: wrk for many requests, curl for big files. Both
 * go to 127.0.0.1 alone and end by themselves.
 */

/** What a load did; undefined stands for a program that is not installed. */
export interface Load {
  readonly seconds: number;
  readonly requests: number;
  readonly bytes: number;
}

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** As many requests as it takes, on connections that are kept. */
export async function loadByWrk(
  url: string,
  { connections, seconds, headers = {} }: LoadOptions,
): Promise<Load> {
  const fields = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, ...fields, url];
  const text = await run("wrk", args);
  const [, requests, elapsed, unit] = /(\d+) requests in ([\d.]+)(ms|s|m)\b/.exec(text) ?? [];
  if (requests === undefined || elapsed === undefined) throw new Error(`Cannot read wrk: ${text}`);
  const failed = /^ *(?:Non-2xx or 3xx responses|Socket errors):.*/m.exec(text)?.[0];
  if (failed !== undefined) throw new Error(failed.trim());
  const scale = { ms: 0.001, s: 1, m: 60 }[unit ?? "s"] ?? 1;
  return { seconds: Number(elapsed) * scale, requests: Number(requests), bytes: 0 };
}

/** Whole downloads at the same time, one each. */
export async function loadByCurl(url: string, streams: number): Promise<Load> {
  const start = performance.now();
  const sizes = await Promise.all(Array.from({ length: streams }, async () => {
    const { status, bytes } = await request(url);
    if (status !== 200) throw new Error(`It answered ${status}`);
    return bytes;
  }));
  const seconds = (performance.now() - start) / 1000;
  return { seconds, requests: streams, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

export interface Reply {
  readonly status: number;
  /** Bytes of the body that came. */
  readonly bytes: number;
  readonly seconds: number;
  /** All of the head, as sent. */
  readonly head: string;
}

/** One request by curl; the body is counted and dropped. */
export async function request(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const fields = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const format = "\n%{http_code} %{size_download} %{time_total}";
  const args = ["--noproxy", "*", "-sS", "-D", "-", "-o", "/dev/null", "-w", format];
  const text = await run("curl", [...args, ...fields, url]);
  const at = text.lastIndexOf("\n");
  const [status = "", bytes = "", seconds = ""] = text.slice(at + 1).split(" ");
  const numbers = { status: Number(status), bytes: Number(bytes), seconds: Number(seconds) };
  return { ...numbers, head: text.slice(0, at) };
}

/** False where a program cannot be started at all. */
export async function isInstalled(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
      .output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function run(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
