/** The certificates of tests/fixtures/tls. */

import type { TlsOptions } from "node:tls";

export function readCa(): string {
  return readTlsFile("ca.pem");
}

/** Options for a TLS server that shows the named certificate. */
export function readTlsOptions(name: "localhost" | "relay" | "expired"): TlsOptions {
  return { key: readTlsFile(`${name}.key`), cert: readTlsFile(`${name}.pem`) };
}

function readTlsFile(name: string): string {
  return Deno.readTextFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
}
