import { assertEquals, assertThrows } from "@std/assert";
import { parseCertificates } from "../../lib/server/trusted_certificates.ts";
import { readCa } from "../support/tls_files.ts";

Deno.test("parseCertificates takes each certificate of a bundle, and drops what is between", () => {
  const ca = readCa().trim();
  assertEquals(parseCertificates(`# one\n${ca}\n\n# two\n${ca}\r\n`), [ca, ca]);
});

const broken: readonly (readonly [string, string, string])[] = [
  ["nothing", "", "no BEGIN CERTIFICATE"],
  ["text", "my certificates", "no BEGIN CERTIFICATE"],
  [
    "a private key",
    "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----",
    "no BEGIN CERTIFICATE",
  ],
  [
    "a broken certificate",
    `${readCa()}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    "certificate 2 of 2",
  ],
];

for (const [what, pem, reason] of broken) {
  Deno.test(`parseCertificates refuses ${what}, which TLS would ignore`, () => {
    assertThrows(() => parseCertificates(pem), SyntaxError, reason);
  });
}
