/** HEAD requests, which wrk cannot make: it would wait for the body that the answer announces. */

import type { Load, LoadOptions } from "../loads.ts";

const END_OF_HEAD = new TextEncoder().encode("\r\n\r\n");

/** As many HEAD requests as it takes, on connections that are kept. */
export async function loadByHead(
  url: string,
  { connections, seconds }: LoadOptions,
): Promise<Load> {
  const start = performance.now();
  const end = start + seconds * 1000;
  const counts = await Promise.all(
    Array.from({ length: connections }, () => ask(new URL(url), end)),
  );
  const requests = counts.reduce((sum, count) => sum + count, 0);
  return { seconds: (performance.now() - start) / 1000, requests, bytes: 0 };
}

async function ask({ host, hostname, port, pathname }: URL, end: number): Promise<number> {
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const question = new TextEncoder().encode(`HEAD ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const buffer = new Uint8Array(4096);
  let requests = 0;
  while (performance.now() < end) {
    await connection.write(question);
    await readHead(connection, buffer);
    requests++;
  }
  return requests;
}

async function readHead(connection: Deno.Conn, buffer: Uint8Array): Promise<void> {
  for (let length = 0;;) {
    const count = await connection.read(buffer.subarray(length));
    if (count === null) throw new Error("It closed the connection after a HEAD");
    length += count;
    const isWhole = END_OF_HEAD.every((byte, at) => buffer[length - 4 + at] === byte);
    if (!isWhole) continue;
    // "HTTP/1.1 200": a 2 at the tenth place.
    if (buffer[9] !== 0x32) throw new Error("It does not answer a HEAD by a 2xx");
    return;
  }
}
