/** A certificate and its key, from their files. */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { ConfigError } from "../base/errors.ts";
import type { ConfigFiles } from "../config/config_files.ts";
import type { TlsPaths } from "../config/file_server_config.ts";
import type { TlsIdentity } from "../http/transport.ts";

export interface FoundIdentity extends TlsIdentity {
  readonly warnings: readonly string[];
}

/**
 * Reads both, and looks whether they can work: an engine would find out at the first visitor.
 *
 * @param now milliseconds since 1970
 * @throws {ConfigError} that never quotes the files
 */
export async function readTlsIdentity(
  paths: TlsPaths,
  { files, now }: { readonly files: ConfigFiles; readonly now: number },
): Promise<FoundIdentity> {
  const cert = await readPem(paths.cert, { files, label: "certificate" });
  const key = await readPem(paths.key, { files, label: "key" });
  const certificate = parseCertificate(cert, paths.cert);
  if (!certificate.checkPrivateKey(parseKey(key, paths.key))) {
    throw new ConfigError(`Cannot use the key: it is not that of "${paths.cert}"`, {
      file: paths.key,
    });
  }
  return { cert, key, warnings: findWarnings(certificate, now) };
}

async function readPem(
  path: string,
  { files, label }: { readonly files: ConfigFiles; readonly label: string },
): Promise<string> {
  const file = await files.read(path);
  if (file === undefined) {
    throw new ConfigError(`Cannot read the ${label}: there is no such file`, { file: path });
  }
  return file.text;
}

function parseCertificate(text: string, path: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw new ConfigError("Cannot use the certificate: it is none in PEM form", { file: path });
  }
}

function parseKey(text: string, path: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    // The parser's message may quote the key.
    throw new ConfigError("Cannot use the key: it is none in PEM form, or has a password", {
      file: path,
    });
  }
}

function findWarnings({ validFrom, validTo }: X509Certificate, now: number): string[] {
  if (Date.parse(validTo) < now) return [`The certificate has expired: ${validTo}`];
  return Date.parse(validFrom) > now ? [`The certificate is not valid until ${validFrom}`] : [];
}
