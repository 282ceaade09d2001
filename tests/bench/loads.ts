/**
 * Loads on a server, each by a program made for it: wrk for many requests, curl for big bodies. All
 * end by themselves, or are ended.
 */

/** What a load did. */
export interface Load {
  readonly seconds: number;
  readonly requests: number;
  readonly bytes: number;
  /** Where the program that makes the load tells it. */
  readonly latency?: Latency;
}

/** From the request to the end of its answer. */
export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Of one program, which ends by itself long before. */
const LOAD_TIMEOUT_MS = 120_000;
/** Of a big body: what has gone by then tells the speed as well. */
const BODY_TIMEOUT_SECONDS = 15;
const LIMITED = ["--max-time", String(BODY_TIMEOUT_SECONDS)];
const PROBE_TIMEOUT_SECONDS = 2;
/** How curl ends at a limit of time. */
const CURL_TIMED_OUT = 28;

/** As many requests as it takes, on connections that are kept unless a header says otherwise. */
export async function loadByWrk(
  url: string,
  { connections, seconds, headers = {} }: LoadOptions,
): Promise<Load & { readonly latency: Latency }> {
  const fields = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", ...fields, url];
  const { text } = await run("wrk", args);
  const [, requests, elapsed] = /(\d+) requests in ([\d.]+[a-z]+)/.exec(text) ?? [];
  if (requests === undefined || elapsed === undefined) throw new Error(`Cannot read wrk: ${text}`);
  const failed = /^ *(?:Non-2xx or 3xx responses|Socket errors):.*/m.exec(text)?.[0];
  if (failed !== undefined) throw new Error(failed.trim());
  // All that has ended may be none; wrk then still prints a line of zeros.
  if (Number(requests) === 0) throw new Error("It answered nothing");
  return {
    seconds: toMilliseconds(elapsed) / 1000,
    requests: Number(requests),
    bytes: 0,
    latency: { p50Ms: readQuantile(text, "50"), p99Ms: readQuantile(text, "99") },
  };
}

function readQuantile(text: string, percent: string): number {
  const duration = new RegExp(`^ *${percent}% +(\\S+)`, "m").exec(text)?.[1];
  if (duration === undefined) throw new Error(`Cannot read wrk: no ${percent}% in ${text}`);
  return toMilliseconds(duration);
}

/** "12.30us", "4.56ms", "7.89s", "1.02m": as wrk writes durations. */
function toMilliseconds(duration: string): number {
  const [, number, unit = ""] = /^([\d.]+)(us|ms|s|m)$/.exec(duration) ?? [];
  const scale = { us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit];
  if (scale === undefined) throw new Error(`Cannot read wrk: "${duration}" is no duration`);
  return Number(number) * scale;
}

/** Whole downloads at the same time, one each; where they are long, as much of them as comes. */
export async function loadByCurl(url: string, streams: number): Promise<Load> {
  const start = performance.now();
  const sizes = await Promise.all(Array.from({ length: streams }, async () => {
    const { status, bytes } = await ask([...LIMITED, url]);
    if (status !== 200) throw new Error(`It answered ${status}`);
    return bytes;
  }));
  const seconds = (performance.now() - start) / 1000;
  return { seconds, requests: streams, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/**
 * Downloads beside which something else is measured, each again and again until it aborts.
 *
 * @throws {Error} where one fails
 */
export async function keepDownloading(
  url: string,
  { streams, signal }: { readonly streams: number; readonly signal: AbortSignal },
): Promise<void> {
  const args = ["--noproxy", "*", "-sS", "--fail", "-o", "/dev/null", url];
  await Promise.all(Array.from({ length: streams }, async () => {
    while (!signal.aborted) {
      const { code } = await new Deno.Command("curl", { args, signal, stderr: "null" }).output();
      if (code !== 0 && !signal.aborted) throw new Error(`curl ended with ${code} beside it`);
    }
  }));
}

/** One upload of a file, its length told beforehand; where it is long, as much of it as goes. */
export async function loadByUpload(url: string, file: string): Promise<Load> {
  const { status, sentBytes, seconds, isCut } = await ask([...LIMITED, "-T", file, url]);
  if (status !== 200 && !isCut) throw new Error(`It answered ${status}`);
  return { seconds, requests: 1, bytes: sentBytes };
}

export interface Reply {
  readonly status: number;
  /** Bytes of the body that came. */
  readonly bytes: number;
  /** Bytes of the body that went out. */
  readonly sentBytes: number;
  readonly seconds: number;
  /** All of the head, as sent. */
  readonly head: string;
  /** It was given up since it took too long. */
  readonly isCut: boolean;
}

/** One request by curl; the body is counted and dropped. */
export async function request(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const fields = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  return await ask([...fields, url]);
}

/**
 * @throws {Error} where a request is answered otherwise
 */
export async function expectStatus(
  url: string,
  wanted: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { status } = await request(url, headers);
  if (status !== wanted) throw new Error(`It answered ${status}`);
}

/** Whether a request is answered by 200 within a short time. */
export async function probe(url: string): Promise<boolean> {
  try {
    return (await ask(["--max-time", String(PROBE_TIMEOUT_SECONDS), url])).status === 200;
  } catch {
    return false; // refused, reset or late
  }
}

async function ask(args: readonly string[]): Promise<Reply> {
  const format = "\n%{http_code} %{size_download} %{size_upload} %{time_total}";
  const common = ["--noproxy", "*", "-sS", "-D", "-", "-o", "/dev/null", "-w", format];
  const { code, text } = await run("curl", [...common, ...args], [0, CURL_TIMED_OUT]);
  const at = text.lastIndexOf("\n");
  const [status = NaN, bytes = NaN, sentBytes = NaN, seconds = NaN] = text.slice(at + 1).split(" ")
    .map(Number);
  const isCut = code === CURL_TIMED_OUT;
  return { status, bytes, sentBytes, seconds, head: text.slice(0, at), isCut };
}

/** How it ended, and what it printed. */
async function run(
  program: string,
  args: readonly string[],
  goodCodes: readonly number[] = [0],
): Promise<{ readonly code: number; readonly text: string }> {
  const { code, signal, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    signal: AbortSignal.timeout(LOAD_TIMEOUT_MS),
  }).output();
  const decoder = new TextDecoder();
  if (signal !== null) throw new Error(`${program} had not ended after ${LOAD_TIMEOUT_MS} ms`);
  if (!goodCodes.includes(code)) {
    throw new Error(`${program} ended with ${code}: ${decoder.decode(stderr).trim()}`);
  }
  return { code, text: decoder.decode(stdout) };
}
