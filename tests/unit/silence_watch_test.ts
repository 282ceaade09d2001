import { assert, assertEquals } from "@std/assert";
import { SilenceWatch, type Watched } from "../../lib/http/silence_watch.ts";
import { ManualClock } from "../support/manual_clock.ts";

class Peer implements Watched {
  isWaited = true;
  bytes = 0;
  cuts = 0;
  isWaitingForPeer(): boolean {
    return this.isWaited;
  }
  progress(): number {
    return this.bytes;
  }
  cut(): void {
    this.cuts++;
  }
}

function setUp(silenceMs = 100): { clock: ManualClock; watch: SilenceWatch } {
  const clock = new ManualClock();
  return { clock, watch: new SilenceWatch(clock, silenceMs) };
}

Deno.test("SilenceWatch cuts a silent peer after its bound and at most a quarter more, once", () => {
  const { clock, watch } = setUp();
  const peer = new Peer();
  watch.add(peer);
  clock.advance(99);
  assertEquals(peer.cuts, 0);
  clock.advance(26);
  assertEquals(peer.cuts, 1);
  clock.advance(1_000);
  assertEquals(peer.cuts, 1);
  assertEquals(clock.pendingCount, 0);
});

Deno.test("SilenceWatch never cuts a peer that moves one byte within each bound", () => {
  const { clock, watch } = setUp();
  const peer = new Peer();
  watch.add(peer);
  for (let i = 0; i < 100; i++) {
    clock.advance(74);
    peer.bytes++;
  }
  assertEquals(peer.cuts, 0);
  clock.advance(150);
  assertEquals(peer.cuts, 1);
});

Deno.test("SilenceWatch does not count the time that a peer waits for us", () => {
  const { clock, watch } = setUp();
  const peer = new Peer();
  peer.isWaited = false;
  watch.add(peer);
  clock.advance(10_000);
  assertEquals(peer.cuts, 0);
  peer.isWaited = true;
  clock.advance(99);
  assertEquals(peer.cuts, 0);
  clock.advance(51);
  assertEquals(peer.cuts, 1);
});

Deno.test("SilenceWatch watches each peer on its own, with one timer for all", () => {
  const { clock, watch } = setUp();
  const [silent, lively] = [new Peer(), new Peer()];
  watch.add(silent);
  const livelyWatching = watch.add(lively);
  assertEquals(clock.pendingCount, 1);
  for (let i = 0; i < 10; i++) {
    clock.advance(25);
    lively.bytes++;
  }
  assertEquals([silent.cuts, lively.cuts], [1, 0]);
  watch.remove(livelyWatching);
  assertEquals(clock.pendingCount, 0);
});

Deno.test("SilenceWatch forgets a peer that is removed, and its timer with the last one", () => {
  const { clock, watch } = setUp();
  const peer = new Peer();
  const watching = watch.add(peer);
  watch.remove(watching);
  watch.remove(watching);
  assertEquals(clock.pendingCount, 0);
  clock.advance(1_000);
  assertEquals(peer.cuts, 0);
});

Deno.test("SilenceWatch takes peers that are added or removed while it cuts others", () => {
  const { clock, watch } = setUp();
  const [first, second, late] = [new Peer(), new Peer(), new Peer()];
  first.cut = (): void => {
    first.cuts++;
    watch.remove(secondWatching);
    watch.add(late);
  };
  watch.add(first);
  const secondWatching = watch.add(second);
  clock.advance(125);
  assertEquals([first.cuts, second.cuts, late.cuts], [1, 0, 0]);
  clock.advance(125);
  assertEquals(late.cuts, 1);
  assertEquals(clock.pendingCount, 0);
});

Deno.test("SilenceWatch counts from when a peer was added, not from its timer's last turn", () => {
  const { clock, watch } = setUp();
  const first = new Peer();
  watch.add(first);
  clock.advance(20);
  const second = new Peer();
  watch.add(second);
  clock.advance(99);
  assertEquals(second.cuts, 0);
  clock.advance(30);
  assert(second.cuts === 1);
});

Deno.test("SilenceWatch cuts nobody because this process was stopped for a while", () => {
  const clock = new ManualClock();
  const due: (() => void)[] = [];
  // A timer that is late fires once, however late it is.
  const late = {
    monotonic: () => clock.monotonic(),
    now: () => clock.now(),
    clear: (): void => {},
  };
  const after = (_ms: number, fire: () => void): ReturnType<typeof clock.after> => {
    due.push(fire);
    return clock.after(0, () => {});
  };
  const watch = new SilenceWatch({ ...late, after }, 100);
  const peer = new Peer();
  watch.add(peer);
  due.shift()?.();
  clock.advance(3_600_000);
  due.shift()?.();
  assertEquals(peer.cuts, 0);
  peer.bytes++;
  due.shift()?.();
  for (let i = 0; i < 3; i++) due.shift()?.();
  assertEquals(peer.cuts, 0);
  due.shift()?.();
  assertEquals(peer.cuts, 1);
});
