/** Who knocks where a relay was: a listener that counts, and hangs up. */

import { createServer } from "node:net";
import { LISTEN_BACKLOG } from "../../lib/base/limits.ts";

/** How many came in each step of time. */
export interface CountedAttempts {
  readonly stepMs: number;
  readonly counts: readonly number[];
}

const STEP_MS = 100;
const LINES = 20;

/** For so long, on 127.0.0.1; resolves when the port is free again. */
export async function countAttempts(port: number, durationMs: number): Promise<CountedAttempts> {
  const counts = Array.from({ length: Math.ceil(durationMs / STEP_MS) }, () => 0);
  const begin = performance.now();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.destroy();
    const step = Math.floor((performance.now() - begin) / STEP_MS);
    if (step < counts.length) counts[step] = (counts[step] ?? 0) + 1;
  });
  server.listen({ port, host: "127.0.0.1", backlog: LISTEN_BACKLOG });
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  await new Promise((resolve) => server.close(resolve));
  return { stepMs: STEP_MS, counts };
}

/** A histogram, and the most in a second. Pure. */
export function formatAttempts({ stepMs, counts }: CountedAttempts): readonly string[] {
  const total = sum(counts);
  const perSecond = 1000 / stepMs;
  const busiest = Math.max(...counts.map((_, i) => sum(counts.slice(i, i + perSecond))));
  const steps = Math.max(1, Math.ceil(counts.length / LINES));
  const lines: string[] = [];
  for (let i = 0; i < counts.length; i += steps) {
    const part = counts.slice(i, i + steps);
    const [from, to] = [i * stepMs, (i + part.length) * stepMs];
    lines.push(`${from} to ${to} ms: ${sum(part)}, at most ${Math.max(...part)} in ${stepMs} ms`);
  }
  return [`${total} attempts, at most ${busiest} in a second`, ...lines];
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
