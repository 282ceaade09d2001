/** The certificates of tests/fixtures/tls. */

import { fromFileUrl } from "@std/path";
import type { TlsOptions } from "node:tls";
import type { TlsIdentity } from "../../lib/http/transport.ts";

/** What they are signed by. */
export const CA_FILE = fromFileUrl(new URL("../fixtures/tls/ca.pem", import.meta.url));

export function readCa(): string {
  return readTlsFile("ca.pem");
}

/** Options for a TLS server that shows the named certificate. */
export function readTlsOptions(name: "localhost" | "relay" | "expired"): TlsOptions {
  return { key: readTlsFile(`${name}.key`), cert: readTlsFile(`${name}.pem`) };
}

/** The same as text, for a listener of ours. */
export function readTlsIdentity(name: "localhost" | "relay" | "expired"): TlsIdentity {
  return { key: readTlsFile(`${name}.key`), cert: readTlsFile(`${name}.pem`) };
}

function readTlsFile(name: string): string {
  return Deno.readTextFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
}
