import { assertEquals, assertStringIncludes } from "@std/assert";
import { ProtocolError } from "../../lib/base/errors.ts";
import {
  toConnectError,
  toRequestError,
  toTlsError,
  type UnreachableKind,
} from "../../lib/client/unreachable_error.ts";

const PEER = 'relay "https://relay.test"';

function systemError(code: string, message = `raw ${code}`): Error {
  return Object.assign(new Error(message), { code });
}

const connectFaults: readonly (readonly [string, UnreachableKind])[] = [
  ["ENOTFOUND", "dns"],
  ["EAI_AGAIN", "dns"],
  ["ECONNREFUSED", "refused"],
  ["EHOSTUNREACH", "refused"],
  ["ENETUNREACH", "refused"],
  ["ETIMEDOUT", "timeout"],
  ["ENOENT", "refused"],
  ["EACCES", "refused"],
];

for (const [code, kind] of connectFaults) {
  Deno.test(`toConnectError puts ${code} into words`, () => {
    const cause = systemError(code);
    const error = toConnectError(cause, PEER);
    assertEquals([error.kind, error.cause], [kind, cause]);
    assertStringIncludes(error.message, `Cannot reach ${PEER}: `);
    assertEquals(error.message.includes("raw"), false);
  });
}

Deno.test("toConnectError keeps the system's words for the rest, the code where there are none", () => {
  const error = toConnectError(systemError("EPERM"), PEER);
  assertEquals([error.kind, error.message], ["cut", `Cannot reach ${PEER}: raw EPERM`]);
  assertStringIncludes(toConnectError(systemError("EMFILE", ""), PEER).message, "EMFILE");
});

Deno.test("toTlsError tells a foreign name, a certificate that is not trusted, and the rest", () => {
  const messageOf = (code: string, message?: string): string => {
    const error = toTlsError(systemError(code, message), PEER);
    assertEquals(error.kind, error.message.includes("certificate") ? "certificate" : "tls");
    return error.message;
  };
  assertStringIncludes(messageOf("ERR_TLS_CERT_ALTNAME_INVALID"), "for another name");
  assertStringIncludes(messageOf("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), "--ca-file");
  assertStringIncludes(messageOf("CERT_HAS_EXPIRED"), "--ca-file");
  assertStringIncludes(messageOf("", "invalid peer certificate: UnknownIssuer"), "--ca-file");
  const untrusted = systemError("CERT_HAS_EXPIRED");
  assertStringIncludes(
    toTlsError(untrusted, PEER, "ca_file adds one").message,
    "; ca_file adds one",
  );
  assertEquals(messageOf("ECONNRESET", "reset"), `Cannot reach ${PEER}: TLS failed: reset`);
});

Deno.test("toRequestError tells what is no HTTP from a cut", () => {
  assertEquals(toRequestError(systemError("HPE_INVALID_CONSTANT"), PEER).kind, "protocol");
  assertEquals(toRequestError(systemError("HPE_HEADER_OVERFLOW"), PEER).kind, "protocol");
  const { kind, message } = toRequestError(new ProtocolError("it is too long"), PEER);
  assertEquals([kind, message], ["protocol", `Cannot use the answer of ${PEER}: it is too long`]);
  assertEquals(toRequestError(systemError("ECONNRESET"), PEER).kind, "cut");
  assertEquals(toRequestError("odd", PEER).kind, "cut");
});
