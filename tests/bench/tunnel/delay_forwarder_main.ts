/**
 * A long way between two addresses of this computer: passes TCP connections on, each byte after half
 * of a round trip, at any speed. `LISTEN_HOST:PORT TARGET_HOST:PORT RTT_MS`.
 *
 * A connection is made at once, as there is no other way; what its handshake would have taken is
 * added to its first bytes.
 */

const [listen = "", target = "", rtt = ""] = Deno.args;
const LISTEN = parseAddress(listen);
const TARGET = parseAddress(target);
const RTT_MS = Number(rtt);

const PIECE_BYTES = 256 * 1024;
/** On its way in one direction: at a round trip of 100 ms it limits nothing below 5 GB/s. */
const MAX_QUEUED_BYTES = 256 * 1024 * 1024;

function parseAddress(text: string): Deno.ConnectOptions {
  const [hostname = "", port = ""] = text.split(":");
  return { hostname, port: Number(port) };
}

interface Piece {
  readonly dueMs: number;
  /** Undefined for the end. */
  readonly bytes: Uint8Array | undefined;
}

/** One direction of a connection. */
async function pass(from: Deno.Conn, to: Deno.Conn, openMs: number): Promise<void> {
  const queue: Piece[] = [];
  let queuedBytes = 0;
  let wake = (): void => {};
  const changed = (): Promise<void> => new Promise((resolve) => wake = resolve);

  const take = async (): Promise<void> => {
    for (;;) {
      const buffer = new Uint8Array(PIECE_BYTES);
      // A connection that was reset has ended, too.
      const count = await from.read(buffer).catch(() => null);
      const dueMs = Math.max(performance.now(), openMs) + RTT_MS / 2;
      queue.push({ dueMs, bytes: count === null ? undefined : buffer.slice(0, count) });
      queuedBytes += count ?? 0;
      wake();
      if (count === null) return;
      while (queuedBytes > MAX_QUEUED_BYTES) await changed();
    }
  };

  const give = async (): Promise<void> => {
    for (;;) {
      const piece = queue.shift();
      if (piece === undefined) {
        await changed();
        continue;
      }
      const waitMs = piece.dueMs - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (piece.bytes === undefined) return await to.closeWrite();
      for (let at = 0; at < piece.bytes.length;) at += await to.write(piece.bytes.subarray(at));
      queuedBytes -= piece.bytes.length;
      wake();
    }
  };

  void take();
  await give();
}

async function join(visitor: Deno.TcpConn): Promise<void> {
  const openMs = performance.now() + RTT_MS;
  let target: Deno.TcpConn;
  try {
    target = await Deno.connect(TARGET);
  } catch {
    return visitor.close(); // nobody listens there
  }
  for (const connection of [visitor, target]) connection.setNoDelay(true);
  // Where one direction fails, the other has nobody left to talk to.
  await Promise.all([pass(visitor, target, openMs), pass(target, visitor, 0)]).catch(() => {});
  for (const connection of [visitor, target]) connection.close();
}

for await (const visitor of Deno.listen(LISTEN)) void join(visitor);
