/** Our client, for tests that talk to raw servers. */

import { assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import type { Readable } from "node:stream";
import {
  toConnectError,
  UnreachableError,
  type UnreachableKind,
} from "../../lib/client/unreachable_error.ts";
import type { ClientAnswer, ClientRequest } from "../../lib/client/client_exchange.ts";
import {
  ConnectionPool,
  type ConnectionPoolOptions,
  type OpenConnection,
} from "../../lib/client/connection_pool.ts";
import { ManualClock } from "./manual_clock.ts";
import { readBody } from "./read_body.ts";

export const PEER = 'origin "test"';

export interface PoolOptions extends Partial<ConnectionPoolOptions> {
  readonly allowHalfOpen?: boolean;
}

/**
 * A pool of connections to a port of this computer, closed at the end of the scope; time stands
 * still in it unless told.
 */
export function openPool(
  port: number,
  { allowHalfOpen = false, ...changes }: PoolOptions = {},
): ConnectionPool & Disposable {
  const pool = new ConnectionPool({
    open: () => openSocket(port, allowHalfOpen),
    idleMs: 4000,
    clock: new ManualClock(),
    peer: PEER,
    ...changes,
  });
  return Object.assign(pool, { [Symbol.dispose]: () => pool.close() });
}

function openSocket(port: number, allowHalfOpen: boolean): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen });
    const fail = (error: Error): void => reject(toConnectError(error, PEER));
    socket.once("error", fail);
    socket.once("connect", () => {
      socket.off("error", fail);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

/** A GET of `/`; `changes` make it another request. */
export function toClientRequest(changes: Partial<ClientRequest> = {}): ClientRequest {
  return {
    method: "GET",
    target: "/",
    headers: ["Host", "h"],
    body: null,
    length: null,
    signal: new AbortController().signal,
    ...changes,
  };
}

export async function ask(
  pool: ConnectionPool,
  changes: Partial<ClientRequest> = {},
): Promise<ClientAnswer> {
  return await (await pool.send(toClientRequest(changes))).answer;
}

/** How a request fails; the exchange may have begun or not. */
export async function failureOf(
  pool: ConnectionPool,
  changes: Partial<ClientRequest> = {},
): Promise<readonly [kind: UnreachableKind, message: string]> {
  const error = await assertRejects(() => ask(pool, changes), UnreachableError);
  return [error.kind, error.message];
}

/**
 * What connections to a port are given to write, one character per byte, as the system gets it: what
 * is written while a socket is corked goes out together.
 */
export function recordWrites(port: number): { open: OpenConnection; readonly writes: string[] } {
  const writes: string[] = [];
  const open = async (): Promise<Socket> => {
    const socket = await openSocket(port, false);
    const [write, cork] = [socket.write.bind(socket), socket.cork.bind(socket)];
    let isJoined = false;
    return Object.assign(socket, {
      cork: (): void => {
        isJoined = false;
        cork();
      },
      write: (bytes: Uint8Array, done?: (error?: Error | null) => void): boolean => {
        const text = Buffer.from(bytes).toString("latin1");
        if (isJoined && socket.writableCorked > 0) writes.push((writes.pop() ?? "") + text);
        else writes.push(text);
        isJoined = true;
        return write(bytes, done);
      },
    });
  };
  return { open, writes };
}

/** The rest of a body, one character per byte. */
export async function textOf(body: Readable): Promise<string> {
  return Buffer.from(await readBody(body)).toString("latin1");
}
