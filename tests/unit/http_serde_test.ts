import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { ProtocolError } from "../../lib/base/errors.ts";
import { CLASSIC_METHODS, CLASSIC_STATUSES } from "../../lib/wire/classic.ts";
import {
  type ClassicRequest,
  decodeMagicHeader,
  decodePollBody,
  encodeMagicHeader,
  encodePollBody,
} from "../../lib/wire/http_serde.ts";
import { toHeaderRecord, WIRE_SAMPLES, type WireSample } from "../support/wire_samples.ts";

const pollSamples = WIRE_SAMPLES.filter((sample) =>
  sample.body_hex && Array.isArray(sample.decoded)
);
const answerSamples = WIRE_SAMPLES.filter((sample) =>
  sample.magic_b64 && sample.name.startsWith("answer/")
);
const layoutSamples = WIRE_SAMPLES.filter((sample) => sample.name.startsWith("layout/"));

Deno.test("the captured samples are there", () => {
  assert(pollSamples.length >= 4, `${pollSamples.length} poll bodies`);
  assert(answerSamples.length >= 12, `${answerSamples.length} magic headers`);
  assert(layoutSamples.length >= 10, `${layoutSamples.length} layouts`);
});

for (const sample of pollSamples) {
  Deno.test(`poll body ${sample.name} decodes as captured and encodes to the same bytes`, () => {
    const bytes = fromHex(sample.body_hex);
    const requests = decodePollBody(bytes);
    const plain = requests.map(({ id, method, uri, headers }) => ({
      id,
      method: method[0] + method.slice(1).toLowerCase(),
      uri,
      headers: toHeaderRecord(headers),
    }));
    assertEquals<unknown>(plain, sample.decoded);
    assertEquals(toHex(encodePollBody(requests)), sample.body_hex);
  });
}

for (const sample of answerSamples) {
  Deno.test(`magic header ${sample.name} decodes as captured and encodes to the same bytes`, () => {
    const head = decodeMagicHeader(sample.magic_b64 ?? "");
    assertEquals<unknown>(
      { status: head.status, headers: toHeaderRecord(head.headers) },
      sample.decoded,
    );
    assertEquals(encodeMagicHeader(head), sample.magic_b64);
    assertEquals(toHex(Buffer.from(sample.magic_b64 ?? "", "base64")), sample.magic_hex);
  });
}

for (const sample of layoutSamples) {
  const accepted = (sample.decoded as { accepted: boolean }).accepted;
  Deno.test(`${sample.name} is ${accepted ? "accepted" : "refused"} as by the original`, () => {
    if (accepted) decodeLayout(sample);
    else assertThrows(() => decodeLayout(sample), ProtocolError);
  });
}

Deno.test("encodePollBody writes the empty list as one byte", () => {
  assertEquals(toHex(encodePollBody([])), "90");
  assertEquals(decodePollBody(fromHex("90")), []);
});

/** Bytes that must be refused, and the part of the message that says what and where. */
const refusedPollBodies: readonly (readonly [string, string, string])[] = [
  ["an empty message", "", "cut short at byte 0"],
  ["not an array", "c0", "expected an array at byte 0"],
  ["bytes after the message", "90c0", "bytes follow the message at byte 1"],
  ["an array that announces more than there is", "dd7fffffff", "2147483647 elements"],
  ["a string that announces more than there is", "9192db7fffffff", "2147483647 elements"],
  ["an id that is a number", "91920193", "expected a string at byte 2 ([0].id)"],
  ["an id that is binary", "9192c40161938100c0a12f80", "expected a string at byte 2 ([0].id)"],
  ["an id that is not UTF-8", "9192a1ff938100c0a12f80", "not UTF-8 at byte 3 ([0].id)"],
  ["one field too few", "9191a161", "expected 2 fields, not 1 at byte 2 ([0])"],
  ["one field too many", "9193a161938100c0a12f80c0", "expected 2 fields, not 3"],
  ["a method index that is unknown", "9192a161938104c0a12f80", "from 0 to 3 at byte 6"],
  ["a method index that is negative", "9192a1619381ffc0a12f80", "expected an unsigned integer"],
  ["a method name that is unknown", "9192a1619381a3476f74c0a12f80", "unknown variant"],
  ["a method of two entries", "9192a161938200c001c0a12f80", "map of one entry, not 2"],
  ["a method whose value is not nil", "9192a16193810001a12f80", "expected nil at byte 7"],
  ["a method that is a bare string", "9192a16193a3476574a12f80", "expected a map at byte 5"],
  ["a header value that is a string", "9192a161938100c0a12f81a178a161", "expected an array"],
  ["a header byte of 256", "9192a161938100c0a12f81a17891cd0100", "from 0 to 255"],
  ["a header twice", "9192a161938100c0a12f82a17890a15890", 'header "X" twice'],
  ["a struct as a map without a field", "9181a26964a161", 'field "req" is missing'],
  ["a struct as a map with a field twice", "9182a26964a161a26964a161", '"id" is given twice'],
  ["a struct as a map with an unknown field", "9181a26978a161", 'unknown field "ix"'],
];

for (const [what, hex, message] of refusedPollBodies) {
  Deno.test(`decodePollBody refuses ${what} and says where`, () => {
    assertThrows(() => decodePollBody(fromHex(hex)), ProtocolError, message);
  });
}

const refusedMagicHeaders: readonly (readonly [string, string])[] = [
  ["an empty value", ""],
  [
    "url-safe base64",
    Buffer.from([0x92, 0x81, 0, 0xc0, 0x81, 0xa1, 0x78, 0x91, 0xcc, 0xff])
      .toString("base64url"),
  ],
  ["unpadded base64", "koEAwIA"],
  ["base64 with spare bits set", "koEAwIB="],
  ["base64 with white space", "koEA wIA="],
  ["a status index of 11", "koELwIA="],
];

for (const [what, text] of refusedMagicHeaders) {
  Deno.test(`decodeMagicHeader refuses ${what}`, () => {
    assertThrows(() => decodeMagicHeader(text), ProtocolError, "Cannot decode magic header");
  });
}

Deno.test("decodeMagicHeader ignores trailing bytes and extra array fields", () => {
  const withMore = Buffer.from("938100c080c0ff", "hex").toString("base64");
  assertEquals(decodeMagicHeader(withMore), { status: 200, headers: [] });
});

Deno.test("decodePollBody takes every width of length and integer", () => {
  // array32, str32, array16, map16 with a uint16 key, str16, map32, str8, array32, uint32.
  const hex = "dd00000001" + "92" + "db0000000161" + "dc0003" + "de0001cd0001c0" + "da00012f" +
    "df00000001" + "d90178" + "dd00000001" + "ce000000e9";
  assertEquals(decodePollBody(fromHex(hex)), [
    { id: "a", method: "HEAD", uri: "/", headers: ["x", "é"] },
  ]);
});

Deno.test("encodeMagicHeader refuses a header value that is not bytes", () => {
  assertThrows(
    () => encodeMagicHeader({ status: 200, headers: ["x", "€"] }),
    RangeError,
    "current value is 8364",
  );
});

const headersArbitrary = fc.uniqueArray(
  fc.tuple(
    fc.stringMatching(/^[a-z0-9-]{1,40}$/),
    fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  ),
  { selector: ([name]) => name, maxLength: 40 },
).map((pairs) => pairs.flat());

const requestArbitrary: fc.Arbitrary<ClassicRequest> = fc.record({
  id: fc.string({ maxLength: 40, unit: "grapheme" }),
  method: fc.constantFrom(...CLASSIC_METHODS),
  uri: fc.string({ maxLength: 300, unit: "grapheme" }).map((text) => "/" + text),
  headers: headersArbitrary,
});

Deno.test("property: poll bodies survive the round trip", () => {
  fc.assert(fc.property(fc.array(requestArbitrary, { maxLength: 20 }), (requests) => {
    assertEquals(decodePollBody(encodePollBody(requests)), requests);
  }));
});

Deno.test("property: magic headers survive the round trip", () => {
  const head = fc.record({
    status: fc.constantFrom(...CLASSIC_STATUSES),
    headers: headersArbitrary,
  });
  fc.assert(fc.property(head, (value) => {
    assertEquals(decodeMagicHeader(encodeMagicHeader(value)), value);
  }));
});

Deno.test("property: any garbage is decoded or refused with a ProtocolError, never else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      orRefused(() => decodePollBody(bytes));
      orRefused(() => decodeMagicHeader(Buffer.from(bytes).toString("base64")));
      orRefused(() => decodeMagicHeader(Buffer.from(bytes).toString("latin1")));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("property: a message with one byte changed or cut is decoded or refused, never else", () => {
  const broken = fc.tuple(
    fc.array(requestArbitrary, { minLength: 1, maxLength: 4 }).map(encodePollBody),
    fc.nat(),
    fc.integer({ min: 0, max: 255 }),
    fc.boolean(),
  );
  fc.assert(
    fc.property(broken, ([bytes, at, value, isCut]) => {
      const copy = bytes.slice(0, isCut ? at % bytes.length : bytes.length);
      if (!isCut) copy[at % copy.length] = value;
      orRefused(() => decodePollBody(copy));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("every cut of a poll body is refused", async () => {
  for (const sample of pollSamples) {
    const bytes = fromHex(sample.body_hex);
    for (let end = 0; end < bytes.length; end++) {
      await assertRejects(
        () => Promise.try(() => decodePollBody(bytes.subarray(0, end))),
        ProtocolError,
      );
    }
  }
});

function decodeLayout(sample: WireSample): unknown {
  return sample.magic_b64 === undefined
    ? decodePollBody(fromHex(sample.body_hex))
    : decodeMagicHeader(sample.magic_b64);
}

function orRefused(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    assert(error instanceof ProtocolError, `threw ${error}`);
  }
}

function fromHex(hex = ""): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
