import { assert, assertEquals } from "@std/assert";
import { LoopTurns } from "../../lib/base/loop_turns.ts";
import { SocketFlow } from "../../lib/http/socket_flow.ts";
import { turn, until } from "../support/turn.ts";

class FakeSocket {
  isFlowing = true;
  destroyed = false;
  pause(): never {
    this.isFlowing = false;
    return this as never;
  }
  resume(): never {
    this.isFlowing = true;
    return this as never;
  }
}

const LARGE = new Uint8Array(64 * 1024);

/** Flows that have read so much that others have their turn. */
function openSated(count: number): { sockets: FakeSocket[]; flows: SocketFlow[] } {
  const sockets = Array.from({ length: count }, () => new FakeSocket());
  const turns = new LoopTurns();
  const flows = sockets.map((socket) => new SocketFlow(socket, turns));
  for (const flow of flows) for (let i = 0; i < 2; i++) flow.took(LARGE);
  return { sockets, flows };
}

Deno.test("SocketFlow lets one socket of those that have read much go on in each turn", async () => {
  const { sockets } = openSated(3);
  const flowing = (): boolean[] => sockets.map(({ isFlowing }) => isFlowing);
  assertEquals(flowing(), [false, false, false]);
  await turn();
  assertEquals(flowing(), [true, false, false]);
  await turn();
  assertEquals(flowing(), [true, true, false]);
  await turn();
  assertEquals(flowing(), [true, true, true]);
});

Deno.test("SocketFlow counts small pieces as it does large ones", async () => {
  const socket = new FakeSocket();
  const flow = new SocketFlow(socket, new LoopTurns());
  for (let i = 0; i < 127; i++) flow.took(new Uint8Array(1024));
  assertEquals(socket.isFlowing, true);
  flow.took(new Uint8Array(1024));
  assertEquals(socket.isFlowing, false);
  await turn();
  assertEquals(socket.isFlowing, true);
});

Deno.test("SocketFlow leaves a socket paused for which there is no room when its turn comes", async () => {
  const { sockets: [socket], flows: [flow] } = openSated(1);
  flow?.pause();
  await turn();
  assertEquals(socket?.isFlowing, false);
  flow?.resume();
  assertEquals(socket?.isFlowing, true);
});

Deno.test("SocketFlow does not let a socket go on before its turn, though there is room", async () => {
  const { sockets: [socket], flows: [flow] } = openSated(1);
  flow?.pause();
  flow?.resume();
  assertEquals(socket?.isFlowing, false);
  await turn();
  assertEquals(socket?.isFlowing, true);
});

Deno.test("SocketFlow passes over sockets that are gone, or somebody else's", async () => {
  const { sockets, flows } = openSated(3);
  const [gone, given, last] = sockets;
  if (gone !== undefined) gone.destroyed = true;
  flows[1]?.release();
  await turn();
  await turn();
  assertEquals([gone?.isFlowing, given?.isFlowing, last?.isFlowing], [false, false, true]);
});

Deno.test("SocketFlow lets few of many sockets read in a turn, though each has read little", async () => {
  const sockets = Array.from({ length: 10 }, () => new FakeSocket());
  const turns = new LoopTurns();
  for (const socket of sockets) new SocketFlow(socket, turns).took(LARGE);
  const flowing = (): number => sockets.filter(({ isFlowing }) => isFlowing).length;
  assertEquals(flowing(), 3);
  await turn();
  assertEquals(flowing(), 4);
});

Deno.test("SocketFlow lets few of many sockets go on at once for which there is room again", async () => {
  const sockets = Array.from({ length: 100 }, () => new FakeSocket());
  const turns = new LoopTurns(() => Promise.resolve());
  const flows = sockets.map((socket) => new SocketFlow(socket, turns));
  for (const flow of flows) {
    flow.took(LARGE);
    flow.pause();
  }
  // A place of its own, behind those of all the others.
  await new Promise<void>((resolve) => turns.add(resolve));
  for (const flow of flows) flow.resume();
  const flowing = (): number => sockets.filter(({ isFlowing }) => isFlowing).length;
  assert(flowing() < 20, `${flowing()} go on`);
  await until(() => flowing() === 100);
});

Deno.test("SocketFlow lets a socket that brings little go on whatever the others do", () => {
  const [quiet, loud] = [new FakeSocket(), new FakeSocket()];
  const turns = new LoopTurns();
  const flow = new SocketFlow(quiet, turns);
  new SocketFlow(loud, turns).took(new Uint8Array(1024 * 1024));
  assertEquals(loud.isFlowing, false);
  flow.took(new Uint8Array(1024));
  flow.pause();
  flow.resume();
  assertEquals(quiet.isFlowing, true);
});
