import { assertEquals, assertRejects } from "@std/assert";
import { ConfigError } from "../../lib/base/errors.ts";
import { readTlsIdentity } from "../../lib/cli/read_tls_identity.ts";
import { memoryConfigFiles } from "../support/memory_config_files.ts";
import { readTlsIdentity as readFixture } from "../support/tls_files.ts";

const NOW = Date.UTC(2027, 0, 1);
const localhost = readFixture("localhost");
const expired = readFixture("expired");
const files = memoryConfigFiles({
  "a.pem": localhost.cert,
  "a.key": localhost.key,
  "old.pem": expired.cert,
  "old.key": expired.key,
  "bad.pem": "SECRET",
  "bad.key": localhost.key.replace(/[A-Za-z]{4}/g, "AAAA"),
});

Deno.test("readTlsIdentity takes a certificate with its key, and warns of one out of date", async () => {
  const good = { cert: "a.pem", key: "a.key" };
  assertEquals(await readTlsIdentity(good, { files, now: NOW }), { ...localhost, warnings: [] });
  const old = { cert: "old.pem", key: "old.key" };
  const { warnings } = await readTlsIdentity(old, { files, now: NOW });
  assertEquals(warnings.length, 1);
  assertEquals(warnings[0]?.startsWith("The certificate has expired: "), true);
  const early = await readTlsIdentity(good, { files, now: 0 });
  assertEquals(early.warnings[0]?.startsWith("The certificate is not valid until "), true);
});

const faults: [cert: string, key: string, file: string, message: string][] = [
  ["no.pem", "a.key", "no.pem", "Cannot read the certificate: there is no such file"],
  ["a.pem", "no.key", "no.key", "Cannot read the key: there is no such file"],
  ["bad.pem", "a.key", "bad.pem", "Cannot use the certificate: it is none in PEM form"],
  ["a.key", "a.pem", "a.key", "Cannot use the certificate: it is none in PEM form"],
  ["a.pem", "bad.key", "bad.key", "Cannot use the key: it is none in PEM form, or has a password"],
  ["a.pem", "a.pem", "a.pem", "Cannot use the key: it is none in PEM form, or has a password"],
  ["a.pem", "old.key", "old.key", 'Cannot use the key: it is not that of "a.pem"'],
];
for (const [cert, key, file, message] of faults) {
  Deno.test(`readTlsIdentity refuses ${cert} with ${key}, and says which is at fault`, async () => {
    const error = await assertRejects(
      () => readTlsIdentity({ cert, key }, { files, now: NOW }),
      ConfigError,
    );
    assertEquals([error.message, error.place.file], [message, file]);
  });
}
