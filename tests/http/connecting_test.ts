/** Connections that fail just when they are ready, and nobody has taken them yet. */

import { assertEquals } from "@std/assert";
import type { Socket } from "node:net";
import { systemClock } from "../../lib/base/clock.ts";
import { parseOriginUrl } from "../../lib/base/origin_url.ts";
import { openOriginConnection } from "../../lib/server/origin_connection.ts";
import { openConnection } from "../../lib/server/relay_connection.ts";
import { createTrust } from "../../lib/server/trusted_certificates.ts";
import { RawServer } from "../support/raw_server.ts";
import { readCa, readTlsOptions } from "../support/tls_files.ts";

const OPTIONS = {
  trust: createTrust([readCa()]),
  clock: systemClock,
  timeoutMs: 0,
  signal: new AbortController().signal,
};

function openToRelay(url: string): Promise<Socket> {
  return openConnection(new URL(url), { ...OPTIONS, timeoutMs: 30_000, proxy: undefined });
}

function openToOrigin(url: string): Promise<Socket> {
  const address = parseOriginUrl(url);
  if (address === undefined) throw new TypeError(`Cannot parse "${url}"`);
  return openOriginConnection(address, { ...OPTIONS, isInsecure: false, allowHalfOpen: false });
}

for (const [what, open] of [["relay", openToRelay], ["origin", openToOrigin]] as const) {
  for (const scheme of ["http", "https"] as const) {
    Deno.test(`connection to the ${what} by ${scheme} that fails before it is used ends no process`, async () => {
      const tls = scheme === "https" ? readTlsOptions("localhost") : undefined;
      await using server = await RawServer.listen(() => {}, tls);
      const socket = await open(`${scheme}://localhost:${server.port}/`);
      const closed = new Promise((resolve) => socket.once("close", resolve));
      // As a TLS socket does when what comes cannot be decrypted; without a listener this throws.
      socket.emit("error", new Error("cannot decrypt peer's message"));
      assertEquals(socket.destroyed, true);
      await closed;
    });
  }
}
