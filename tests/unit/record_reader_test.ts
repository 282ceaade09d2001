import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ProtocolError } from "../../lib/base/errors.ts";
import { RecordReader, type RecordSink } from "../../lib/wire/record_reader.ts";
import { encodeEmptyRecord, encodeRecord, writeRecordHead } from "../../lib/wire/records.ts";
import { concatBytes, cutAt, fromHex, patternOf, piecesOf, toHex } from "../support/bytes.ts";

const SHORT = 0x01;
const EMPTY = 0x02;
const IN_PIECES = 0x03;
const BOUND = 300;

/** Notes what comes: types, payloads as hex, and pieces put together between records. */
class Notes implements RecordSink {
  readonly all: string[] = [];
  readonly payloads: Uint8Array[] = [];
  readonly pieces: Uint8Array[] = [];
  readonly asked: number[] = [];

  boundOf(type: number): number | "pieces" | undefined {
    this.asked.push(type);
    return type === SHORT ? BOUND : type === EMPTY ? 0 : type === IN_PIECES ? "pieces" : undefined;
  }

  record(type: number, payload: Uint8Array): void {
    this.payloads.push(payload);
    this.all.push(`${type}:${toHex(payload)}`);
  }

  piece(bytes: Uint8Array): void {
    this.pieces.push(bytes);
    const last = this.all.at(-1) ?? "";
    if (last.startsWith("piece:")) this.all[this.all.length - 1] = last + toHex(bytes);
    else this.all.push(`piece:${toHex(bytes)}`);
  }
}

function read(parts: readonly Uint8Array[]): { notes: Notes; reader: RecordReader } {
  const notes = new Notes();
  const reader = new RecordReader(notes);
  for (const part of parts) reader.push(part);
  return { notes, reader };
}

const RECORDS = concatBytes([
  encodeRecord(SHORT, fromHex("0102")),
  encodeEmptyRecord(EMPTY),
  encodeRecord(IN_PIECES, patternOf(20)),
  encodeEmptyRecord(IN_PIECES),
  encodeEmptyRecord(SHORT),
  encodeRecord(SHORT, patternOf(40)),
  encodeEmptyRecord(EMPTY),
]);
const EXPECTED = [
  "1:0102",
  "2:",
  `piece:${toHex(patternOf(20))}`,
  "1:",
  `1:${toHex(patternOf(40))}`,
  "2:",
];

Deno.test("RecordReader takes records whole, and in pieces of every size", () => {
  for (let size = 1; size <= RECORDS.length; size++) {
    const { notes, reader } = read(piecesOf(RECORDS, size));
    assertEquals(notes.all, EXPECTED, `pieces of ${size}`);
    assert(reader.isBetween);
  }
});

Deno.test("RecordReader takes records at every two cuts, empty pieces among them", () => {
  for (let first = 0; first <= RECORDS.length; first++) {
    for (let second = first; second <= RECORDS.length; second++) {
      const { notes } = read(cutAt(RECORDS, [first, second]));
      assertEquals(notes.all, EXPECTED, `cut at ${first} and ${second}`);
    }
  }
});

Deno.test("RecordReader hands a record without payload on as soon as its head is there", () => {
  for (const [type, all] of [[EMPTY, ["2:"]], [SHORT, ["1:"]], [IN_PIECES, []]] as const) {
    const head = encodeEmptyRecord(type);
    const { notes, reader } = read([head.subarray(0, 6)]);
    assertEquals(notes.all, []);
    assert(!reader.isBetween);
    reader.push(head.subarray(6));
    assertEquals<readonly string[]>(notes.all, all);
    assert(reader.isBetween);
  }
});

Deno.test("RecordReader is between records before the first, after each, and not within one", () => {
  const record = encodeRecord(SHORT, patternOf(5));
  const { reader } = read([]);
  assert(reader.isBetween);
  for (let i = 0; i < 2; i++) {
    for (const [at, piece] of piecesOf(record, 1).entries()) {
      reader.push(new Uint8Array());
      reader.push(piece);
      assertEquals(reader.isBetween, at === record.length - 1);
    }
  }
});

Deno.test("RecordReader hands pieces on as they come, without a copy, whatever length they announce", () => {
  const head = new Uint8Array(7);
  writeRecordHead(head, 0, { type: IN_PIECES, length: 2 ** 48 - 1 });
  const { notes, reader } = read([head]);
  for (const piece of piecesOf(patternOf(1000), 100)) {
    const count = notes.pieces.length;
    reader.push(piece);
    assertEquals(notes.pieces.length, count + 1);
    assert(notes.pieces.at(-1)?.buffer === piece.buffer);
  }
  assert(!reader.isBetween);
  assertEquals(notes.all, [`piece:${toHex(patternOf(1000))}`]);
});

Deno.test("RecordReader copies the payload of a record that comes in parts, and of no other", () => {
  const record = encodeRecord(SHORT, patternOf(BOUND));
  const whole = read([record]).notes.payloads[0];
  assert(whole?.buffer === record.buffer);
  const split = read([record.subarray(0, 7), record.subarray(7)]).notes.payloads[0];
  assert(split?.buffer === record.buffer);
  const parts = cutAt(record, [10, 200]);
  const { notes } = read(parts);
  for (const part of parts) part.fill(0);
  assertEquals(toHex(notes.payloads[0] ?? new Uint8Array()), toHex(patternOf(BOUND)));
});

Deno.test("RecordReader takes a payload at its bound, and refuses one byte more by its head alone", () => {
  assertEquals(read([encodeRecord(SHORT, patternOf(BOUND))]).notes.payloads[0]?.length, BOUND);
  const head = new Uint8Array(7);
  const refused = [[SHORT, BOUND + 1], [SHORT, 2 ** 32], [SHORT, 2 ** 48 - 1], [EMPTY, 1]] as const;
  for (const [type, length] of refused) {
    writeRecordHead(head, 0, { type, length });
    const { notes, reader } = read(piecesOf(head.subarray(0, 6), 1));
    assertThrows(
      () => reader.push(head.subarray(6)),
      ProtocolError,
      `A record of the type 0${type} is over ${type === SHORT ? BOUND : 0} bytes`,
    );
    assertEquals(notes.all, []);
  }
});

Deno.test("RecordReader refuses a type that may not come by the head alone, and names it", () => {
  for (const type of [0x00, 0x04, 0xab, 0xff]) {
    const head = encodeEmptyRecord(type);
    const { reader } = read([head.subarray(0, 6)]);
    const name = type.toString(16).padStart(2, "0");
    assertThrows(
      () => reader.push(head.subarray(6)),
      ProtocolError,
      `A record of the type ${name} may not come here`,
    );
  }
});

Deno.test("RecordReader asks for the bound of each record once, when it comes", () => {
  const { notes } = read(piecesOf(RECORDS, 3));
  assertEquals(notes.asked, [SHORT, EMPTY, IN_PIECES, IN_PIECES, SHORT, SHORT, EMPTY]);
  let isOpen = true;
  const reader = new RecordReader({
    boundOf: () => isOpen ? 0 : undefined,
    record: () => isOpen = false,
    piece: () => {},
  });
  const twice = concatBytes([encodeEmptyRecord(1), encodeEmptyRecord(1)]);
  assertThrows(() => reader.push(twice), ProtocolError, "may not come here");
});

Deno.test("RecordReader ends its reading where the sink throws", () => {
  for (const sinkOf of ["record", "piece"] as const) {
    let count = 0;
    const fail = (): void => {
      count++;
      throw new RangeError("no more");
    };
    const reader = new RecordReader({
      boundOf: () => sinkOf === "record" ? 10 : "pieces",
      record: fail,
      piece: fail,
    });
    const bytes = concatBytes([encodeRecord(1, patternOf(3)), encodeRecord(1, patternOf(3))]);
    assertThrows(() => reader.push(bytes), RangeError, "no more");
    assertEquals(count, 1);
  }
});

Deno.test("property: any records in any chunks are what they were", () => {
  const payload = fc.uint8Array({ maxLength: BOUND });
  const record = fc.oneof(
    fc.tuple(fc.constant(SHORT), payload),
    fc.tuple(fc.constant(IN_PIECES), payload),
    fc.constant([EMPTY, new Uint8Array()] as [number, Uint8Array<ArrayBuffer>]),
  );
  fc.assert(
    fc.property(fc.array(record), fc.array(fc.nat()), (records, cuts) => {
      const bytes = concatBytes(records.map(([type, bytes]) => encodeRecord(type, bytes)));
      const { notes, reader } = read(cutAt(bytes, cuts));
      assert(reader.isBetween);
      const whole = records.filter(([type]) => type !== IN_PIECES);
      assertEquals(
        notes.all.filter((note) => !note.startsWith("piece:")),
        whole.map(([type, bytes]) => `${type}:${toHex(bytes)}`),
      );
      const inPieces = records.filter(([type]) => type === IN_PIECES);
      assertEquals(
        toHex(concatBytes(notes.pieces)),
        toHex(concatBytes(inPieces.map(([, bytes]) => bytes))),
      );
      assert(notes.pieces.every((piece) => piece.length > 0));
    }),
  );
});
