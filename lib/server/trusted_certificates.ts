/** Whose signatures on a relay's certificate count. */

import { X509Certificate } from "node:crypto";
import * as tls from "node:tls";

const CERTIFICATE_REGEXP = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The certificates of a PEM file, one by one; what stands between them is ignored, as by OpenSSL.
 *
 * @throws {SyntaxError} where there is none, or one cannot be read. TLS itself would only ignore
 * it, and the user would look for the fault on the relay.
 */
export function parseCertificates(pem: string): readonly string[] {
  const certificates = pem.match(CERTIFICATE_REGEXP) ?? [];
  if (certificates.length === 0) {
    throw new SyntaxError("Cannot read certificates: there is no BEGIN CERTIFICATE line");
  }
  for (const [i, certificate] of certificates.entries()) {
    try {
      new X509Certificate(certificate);
    } catch (cause) {
      throw new SyntaxError(`Cannot read certificate ${i + 1} of ${certificates.length}`, {
        cause,
      });
    }
  }
  return certificates;
}

/**
 * Trust in the system's authorities, the runtime's and `extra` (PEM). Loaded at the first call of
 * the result, and once; on Deno that takes the right to read the system's store (--allow-sys).
 */
export function createTrust(extra: readonly string[]): () => tls.SecureContext {
  let context: tls.SecureContext | undefined;
  return () =>
    context ??= tls.createSecureContext({
      ca: [...tls.getCACertificates("bundled"), ...tls.getCACertificates("system"), ...extra],
    });
}
