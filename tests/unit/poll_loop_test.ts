import { assert, assertEquals, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import {
  MAX_POLL_BODY_BYTES,
  MAX_RETRY_AFTER_MS,
  POLL_PARK_MS,
  POLL_TIMEOUT_MS,
  REFUSED_RETRY_MS,
  REPEATED_LOG_MS,
} from "../../lib/base/limits.ts";
import {
  batch,
  DOWN,
  EMPTY,
  gaps,
  linesWith,
  pass,
  runFor,
  setUp,
} from "../support/poll_loop_world.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { turn } from "../support/turn.ts";

Deno.test("PollLoop polls with key, limits and encoded name, and hands requests on in order", async () => {
  const batches = [batch("a", "b"), batch("c")];
  const world = setUp({ reply: () => batches.shift() ?? "held" });
  await runFor(world, 60_000);
  const [first] = world.polls;
  assertEquals(first?.method, "GET");
  assertEquals(first?.url.href, "http://relay.test/7ZSFUKGV/http_listen/my_server");
  assertEquals(first?.headers, [
    ...["Host", "relay.test", "Accept", "*/*", "X-ApiKey", "the key"],
    ...["X-PTTH-Modern", "1"],
  ]);
  assertEquals(first?.answerTimeoutMs, POLL_TIMEOUT_MS);
  assertEquals(first?.maxAnswerBytes, MAX_POLL_BODY_BYTES);
  assertEquals(world.taken.map(({ request }) => request.uri), ["/a", "/b", "/c"]);
  assertEquals(world.taken[0]?.baseUrl, "http://relay.test/7ZSFUKGV");
  // Work is no reason to wait, and neither is a poll that was held.
  assertEquals(world.times, [0, 0, 0, POLL_PARK_MS, 2 * POLL_PARK_MS]);
  assertEquals(world.connected, ["http://relay.test/7ZSFUKGV"]);
  assertEquals(world.lines, []);
});

Deno.test("PollLoop waits a quarter of the outage at most, from 250 ms to 1.5 s, then 30 s", async () => {
  for (const random of [0, 0.5, 0.999]) {
    const world = setUp({ reply: () => DOWN });
    world.random = random;
    await runFor(world, 3 * 3_600_000);
    for (const [i, gap] of gaps(world.times).entries()) {
      const outage = world.times[i] ?? 0;
      const longest = outage >= 3_600_000 ? 30_000 : Math.min(Math.max(outage / 4, 250), 1_500);
      // The clock's own rounding.
      assertLessOrEqual(gap, longest + 0.001);
      assertLessOrEqual(longest / 2, gap + 0.001);
    }
    assert(world.times.some((time) => time > 3_600_000));
  }
});

Deno.test("PollLoop begins a later outage with short pauses again", async () => {
  const world = setUp();
  let isUp = false;
  // Up at the first poll after two hours, and for one poll only.
  world.reply = () => {
    if (isUp || world.clock.monotonic() < 7_200_000) return DOWN;
    isUp = true;
    return EMPTY;
  };
  world.random = 1;
  await runFor(world, 7_200_000 + 31_000);
  const later = world.times.filter((time) => time >= 7_200_000);
  assertEquals(gaps(later).slice(0, 5), [0, 250, 250, 250, 250]);
});

Deno.test("PollLoop spreads its tries by the random number", async () => {
  const world = setUp({ reply: () => DOWN });
  const randoms = [0, 0.2, 0.9];
  world.reply = () => {
    world.random = randoms.shift() ?? 0;
    return DOWN;
  };
  await runFor(world, 600);
  assertEquals(gaps(world.times).slice(0, 3), [125, 150, 237.5]);
});

Deno.test("PollLoop: a thousand servers that lose their relay at once do not come all at once", async () => {
  const random = new SeededRandom(1);
  const times: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const world = setUp();
    world.reply = () => {
      world.random = random.next();
      return DOWN;
    };
    await runFor(world, 20_000);
    times.push(...world.times);
  }
  const countIn = (from: number, to: number): number =>
    times.filter((time) => time >= from && time < to).length;
  // After that of the loss itself: of no step much more than its share.
  for (let at = 1000; at < 20_000; at += 100) assertLessOrEqual(countIn(at, at + 100), 650);
  for (let at = 10_000; at < 20_000; at += 100) assertLessOrEqual(countIn(at, at + 100), 120);
  assertLessOrEqual(countIn(19_000, 20_000), 1000);
});

for (const status of [429, 503]) {
  Deno.test(`PollLoop comes no earlier than a ${status} says by Retry-After, nor all servers then`, async () => {
    const random = new SeededRandom(status);
    const world = setUp();
    world.reply = () => {
      world.random = random.next();
      return { status, headers: ["Retry-After", "7"] };
    };
    await runFor(world, 120_000);
    const waits = gaps(world.times);
    assert(waits.every((wait) => wait >= 7000 && wait <= 10_500), String(waits));
    assert(Math.max(...waits) - Math.min(...waits) > 1000);
  });
}

Deno.test("PollLoop waits no longer than a minute and a half, whatever Retry-After says", async () => {
  const world = setUp({ reply: () => ({ status: 503, headers: ["Retry-After", "999999"] }) });
  world.random = 1;
  await runFor(world, 10 * 60_000);
  assertEquals(new Set(gaps(world.times)), new Set([1.5 * MAX_RETRY_AFTER_MS]));
});

for (const status of [401, 403]) {
  Deno.test(`PollLoop asks a relay that answers ${status} every 5 s, and says so once a minute`, async () => {
    const world = setUp({ reply: () => ({ status }) });
    await runFor(world, 10 * 60_000 - 1);
    assertEquals(new Set(gaps(world.times)), new Set([0.75 * REFUSED_RETRY_MS]));
    assertEquals(new Set(world.polls.map(({ url }) => url.pathname)).size, 1);
    const refused = linesWith(world, "Refused by the relay");
    assertEquals(refused.length, 10 * 60_000 / REPEATED_LOG_MS);
    assertEquals(world.lines.length, refused.length);
    assertEquals(world.lines.some((line) => line.includes("the key")), false);
  });
}

for (
  const [what, reply] of [
    ["404", { status: 404 }],
    ["an undecodable 200", { body: new TextEncoder().encode("Not a poll body") }],
    ["an empty 200", { body: new Uint8Array() }],
  ] as const
) {
  for (const [given, right] of [["", "/7ZSFUKGV"], ["/7ZSFUKGV/", ""], ["/sub/", "/sub"]]) {
    Deno.test(`PollLoop finds a relay at "${right}" from relay_url "${given}" behind ${what}`, async () => {
      const path = `${right}/http_listen/my_server`;
      const world = setUp({
        relayUrl: `http://relay.test${given}`,
        reply: ({ url }) => url.pathname === path ? "held" : reply,
      });
      await runFor(world, POLL_PARK_MS + 1_000);
      assertEquals(world.connected, [`http://relay.test${right}`]);
      assertLessOrEqual(world.polls.length, 3);
      // One wrong guess is nothing to tell anybody.
      assertEquals(world.lines, []);
    });
  }

  Deno.test(`PollLoop tries both spellings in turn behind ${what}, and says so once a minute`, async () => {
    const world = setUp({ reply: () => reply });
    await runFor(world, 60_000 - 1);
    const paths = world.polls.map(({ url }) => url.pathname);
    assertEquals(paths.slice(0, 3), [
      "/7ZSFUKGV/http_listen/my_server",
      "/http_listen/my_server",
      "/7ZSFUKGV/http_listen/my_server",
    ]);
    assertEquals(world.lines.length, 1);
    assertEquals(world.connected, []);
  });
}

Deno.test("PollLoop leaves a wrong guess whatever answers there", async () => {
  for (const status of [401, 403, 302, 500, 502]) {
    let isUp = true;
    const world = setUp({
      reply: ({ url }) => {
        // Another application lives beside the relay, behind one reverse proxy.
        if (!url.pathname.startsWith("/7ZSFUKGV/")) return { status };
        return isUp ? "held" : { status: 404 };
      },
    });
    const controller = new AbortController();
    const run = world.loop.run(controller.signal);
    await pass(world, POLL_PARK_MS - 1);
    isUp = false;
    await pass(world, 10_000);
    isUp = true;
    await pass(world, POLL_PARK_MS + 2 * REFUSED_RETRY_MS);
    assertEquals(world.polls.at(-1)?.url.pathname, "/7ZSFUKGV/http_listen/my_server");
    assertEquals(linesWith(world, "Connected again").length, 1, `after ${status}`);
    controller.abort();
    await run;
  }
});

Deno.test("PollLoop does not follow a redirect: the key stays with the configured relay", async () => {
  const headers = ["Location", "https://elsewhere.test/7ZSFUKGV/http_listen/my_server"];
  for (const status of [301, 302, 307, 308]) {
    const world = setUp({ reply: () => ({ status, headers }) });
    await runFor(world, 30_000);
    assertEquals(new Set(world.polls.map(({ url }) => url.host)), new Set(["relay.test"]));
    assertEquals(new Set(gaps(world.times)), new Set([0.75 * REFUSED_RETRY_MS]));
    assertEquals(world.lines.length, 1);
    assertStringIncludes(world.lines[0] ?? "", "https://elsewhere.test/");
  }
});

for (const [what, reply] of [["empty 200s", EMPTY], ["204s", { status: 204 }]] as const) {
  Deno.test(`PollLoop makes no tight loop of quick ${what}`, async () => {
    const world = setUp({ reply: () => reply });
    world.random = 0;
    await runFor(world, 10_000);
    // The first one may be the welcome after a gap: it costs no pause.
    assertEquals(gaps(world.times)[0], 0);
    assertLessOrEqual(world.times.length, 10_000 / 125 + 2);
    assertEquals(world.lines, []);
  });
}

Deno.test("PollLoop forgives a quick answer between polls that were held", async () => {
  let count = 0;
  const world = setUp({ reply: () => count++ % 2 === 0 ? EMPTY : "held" });
  await runFor(world, 4 * POLL_PARK_MS);
  assertEquals(new Set(gaps(world.times)), new Set([0, POLL_PARK_MS]));
});

Deno.test("PollLoop asks for nothing more until there is room", async () => {
  const room = Promise.withResolvers<void>();
  const world = setUp({ reply: () => batch("a") });
  let asked = 0;
  world.whenRoom = () => ++asked === 2 ? room.promise : Promise.resolve();
  world.reply = () => asked >= 2 ? "held" : batch("a");
  const controller = new AbortController();
  const run = world.loop.run(controller.signal);
  await turn();
  assertEquals(world.polls.length, 1);
  room.resolve();
  await turn();
  assertEquals(world.polls.length, 2);
  controller.abort();
  await run;
});

Deno.test("PollLoop logs the start of an outage and its end, each once", async () => {
  const world = setUp();
  const controller = new AbortController();
  const run = world.loop.run(controller.signal);
  await pass(world, 1_000);
  world.reply = () => DOWN;
  await pass(world, POLL_PARK_MS + 9_000);
  assertEquals(world.lines, [
    'WARN No connection to the relay relay=http://relay.test reason="Cannot reach relay"',
  ]);
  world.reply = () => "held";
  await pass(world, 2 * POLL_PARK_MS);
  assertEquals(world.lines.length, 2);
  assertStringIncludes(
    world.lines[1] ?? "",
    "INFO Connected again relay=http://relay.test/7ZSFUKGV",
  );
  assertEquals(world.connected.length, 1);
  controller.abort();
  await run;
});

Deno.test("PollLoop logs another trouble at once, and the same one once a minute", async () => {
  const world = setUp({ reply: () => DOWN });
  const controller = new AbortController();
  const run = world.loop.run(controller.signal);
  await pass(world, 30_000);
  world.reply = () => ({ status: 503 });
  await pass(world, 2 * REPEATED_LOG_MS + 10_000);
  controller.abort();
  await run;
  assertEquals(linesWith(world, "Cannot reach relay").length, 1);
  assertEquals(linesWith(world, "stopping").length, 3);
});

Deno.test("PollLoop.run ends at once when aborted: before, in a poll, in a pause", async () => {
  const before = setUp();
  await before.loop.run(AbortSignal.abort());
  assertEquals(before.polls, []);

  for (const reply of ["held", DOWN, { status: 401 }] as const) {
    const world = setUp({ reply: () => reply });
    const controller = new AbortController();
    const run = world.loop.run(controller.signal);
    await turn();
    assertEquals(world.polls.length, 1);
    assertEquals(world.clock.pendingCount, 1);
    const lines = world.lines.length;
    controller.abort();
    await run;
    assertEquals(world.clock.pendingCount, 0);
    assertEquals(world.polls.length, 1);
    assertEquals(world.lines.length, lines);
  }
});
