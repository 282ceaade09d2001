import { assertEquals } from "@std/assert";
import { PROGRESS_REDRAW_MS } from "../../lib/base/limits.ts";
import { ProgressLine } from "../../lib/cli/progress_line.ts";
import { createFakeRequest } from "../support/fake_request.ts";
import { ManualClock } from "../support/manual_clock.ts";

const CLEAR = "\r\x1b[K";

Deno.test("ProgressLine shows transfers once in PROGRESS_REDRAW_MS, and takes the line away at the end", () => {
  const clock = new ManualClock();
  const written: string[] = [];
  const line = new ProgressLine({ clock, write: (text) => void written.push(text) });
  const request = createFakeRequest("/big");
  let sent = 0;
  const endBig = line.observe({ request, bytesSent: () => sent });
  const endSmall = line.observe({ request, bytesSent: () => 100_000 });
  assertEquals(written, []);
  sent = 300_000;
  clock.advance(PROGRESS_REDRAW_MS);
  assertEquals(written.splice(0), [`${CLEAR}2 transfers, 2.0 MB/s`]);
  endSmall({ status: 200, delivery: "delivered" });
  clock.advance(PROGRESS_REDRAW_MS);
  assertEquals(written.splice(0), [`${CLEAR}1 transfer, 0.0 MB/s`]);
  line.clear();
  line.clear();
  assertEquals(written.splice(0), [CLEAR]);
  clock.advance(PROGRESS_REDRAW_MS);
  endBig({ status: 200, delivery: "cut" });
  assertEquals(written.splice(0), [`${CLEAR}1 transfer, 0.0 MB/s`, CLEAR]);
  assertEquals(clock.pendingCount, 0);
});

Deno.test("ProgressLine shows nothing of exchanges that are over at once", () => {
  const clock = new ManualClock();
  const written: string[] = [];
  const line = new ProgressLine({ clock, write: (text) => void written.push(text) });
  for (let i = 0; i < 10; i++) {
    const end = line.observe({ request: createFakeRequest("/"), bytesSent: () => 0 });
    clock.advance(PROGRESS_REDRAW_MS - 1);
    end({ status: 200, delivery: "delivered" });
  }
  assertEquals([written, clock.pendingCount], [[], 0]);
});
