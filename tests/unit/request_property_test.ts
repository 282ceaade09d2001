/** Any requests, cut anywhere, and with any bytes of theirs changed. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { anyLatin1 } from "../support/any_answers.ts";
import { anyRequest } from "../support/any_requests.ts";
import { cutAt, fromLatin1, piecesOf } from "../support/bytes.ts";
import { readRequests } from "../support/request_events.ts";

const samples = fc.array(anyRequest, { minLength: 1, maxLength: 3 });
const cuts = fc.array(fc.nat(), { maxLength: 12 });

Deno.test("RequestReader reads any requests on one connection, however they are cut", () => {
  fc.assert(
    fc.property(samples, cuts, (requests, offsets) => {
      const bytes = fromLatin1(requests.map(({ wire }) => wire).join(""));
      const events = requests.flatMap((request) => request.events);
      for (const pieces of [[bytes], piecesOf(bytes, 1), cutAt(bytes, offsets)]) {
        assertEquals(readRequests(pieces), events);
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
      fc.constantFrom("\r", "\n", "\r\n", "\r\n\r\n", ":", " ", ";", "0", "f", "\0", " HTTP/1.1"),
      fc.constantFrom(
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "\r\n X",
        "GET / ",
      ),
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

const GRAMMAR = /^(?:head (?:body )?end )*(?:(?:head (?:body )?)?(?:refused|cut) )?$/;

Deno.test("RequestReader refuses or reads whatever bytes come, the same however they are cut", () => {
  let refused = 0;
  fc.assert(
    fc.property(samples, changes, cuts, (requests, some, offsets) => {
      const bytes = fromLatin1(change(requests.map(({ wire }) => wire).join(""), some));
      const events = readRequests([bytes]);
      const kinds = events.map(([kind]) => `${kind} `).join("");
      assert(GRAMMAR.test(kinds), kinds);
      if (kinds.includes("refused")) refused++;
      for (const pieces of [piecesOf(bytes, 1), cutAt(bytes, offsets)]) {
        assertEquals(readRequests(pieces), events);
      }
    }),
    { numRuns: 1000 },
  );
  // Else it would say nothing of refusals.
  assert(refused > 100, `${refused} of 1000 were refused`);
});
