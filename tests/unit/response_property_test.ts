/** Any answers, cut anywhere, and with any bytes of theirs changed. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { anyAnswer, anyLatin1 } from "../support/any_answers.ts";
import { cutAt, fromLatin1, piecesOf } from "../support/bytes.ts";
import { readEvents } from "../support/response_events.ts";

const samples = fc.array(anyAnswer({ isSloppy: true }), { minLength: 1, maxLength: 3 });
const cuts = fc.array(fc.nat(), { maxLength: 12 });

Deno.test("ResponseReader reads any answers on one connection, however they are cut", () => {
  fc.assert(
    fc.property(samples, cuts, (answers, offsets) => {
      const bytes = fromLatin1(answers.map(({ wire }) => wire).join(""));
      const events = answers.flatMap((answer) => answer.events);
      const expected = answers.map(({ isHead }) => ({ isHead }));
      for (const pieces of [[bytes], piecesOf(bytes, 1), cutAt(bytes, offsets)]) {
        assertEquals(readEvents(pieces, { expected, closes: true }), events);
      }
    }),
    { numRuns: 500 },
  );
});

/** Takes some bytes out, and puts others in. */
type Change = readonly [at: number, removed: number, added: string];
const changes: fc.Arbitrary<readonly Change[]> = fc.array(
  fc.tuple(
    fc.nat(),
    fc.nat(3),
    fc.oneof(
      anyLatin1(3),
      fc.constantFrom("\r", "\n", "\r\n", "\r\n\r\n", ":", " ", ";", "0", "f", "\0", "HTTP/1.1 "),
      fc.constantFrom("Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "\r\n X"),
    ),
  ),
  { minLength: 1, maxLength: 4 },
);

function change(text: string, all: readonly Change[]): string {
  return all.reduce((changed, [at, removed, added]) => {
    const from = at % (changed.length + 1);
    return changed.slice(0, from) + added + changed.slice(from + removed);
  }, text);
}

const GRAMMAR =
  /^(?:(?:interim )*head (?:body )?end )*(?:(?:interim )*(?:head (?:body )?)?(?:refused|cut|switched|) ?)$/;

Deno.test("ResponseReader refuses, cuts or reads whatever bytes come, the same however they are cut", () => {
  let refused = 0;
  fc.assert(
    fc.property(samples, changes, cuts, fc.boolean(), (answers, some, offsets, allowsSwitch) => {
      const bytes = fromLatin1(change(answers.map(({ wire }) => wire).join(""), some));
      const expected = answers.map(({ isHead }) => ({ isHead, allowsSwitch }));
      const events = readEvents([bytes], { expected, closes: true });
      const kinds = events.map(([kind]) => `${kind} `).join("");
      assert(GRAMMAR.test(kinds), kinds);
      for (const event of events) {
        if (event[0] === "refused") refused++;
        // Whoever sends them on can.
        if (event[0] === "head" || event[0] === "interim") {
          assertEquals(/[\0\r\n]/.test(event[2].join()), false);
        }
      }
      if (kinds.includes("switched")) return;
      for (const pieces of [piecesOf(bytes, 1), cutAt(bytes, offsets)]) {
        assertEquals(readEvents(pieces, { expected, closes: true }), events);
      }
    }),
    { numRuns: 2000 },
  );
  assert(refused > 100);
});

Deno.test("ResponseReader refuses, cuts or reads what is no answer at all", () => {
  fc.assert(
    fc.property(anyLatin1(200), cuts, (text, offsets) => {
      for (
        const head of [
          "",
          "HTTP/1.1 200 OK\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ]
      ) {
        const bytes = fromLatin1(head + text);
        const events = readEvents([bytes], { closes: true });
        assertEquals(readEvents(cutAt(bytes, offsets), { closes: true }), events);
      }
    }),
    { numRuns: 1000 },
  );
});
