/** What one row measures. */

import type { Sample } from "../cells.ts";
import type { RowTitle } from "../report.ts";
import type { Link, Origin } from "./contestant.ts";
import type { RunningTunnel } from "./running_tunnel.ts";

export interface RowContext {
  /** The contestant, at work since the round began. */
  readonly tunnel: RunningTunnel;
  /** How long a load of many requests lasts; at least 1, whole. */
  readonly seconds: number;
  /** A file of {@linkcode UPLOAD_MIB}. */
  readonly uploadFile: string;
  /** The folder of the files. */
  readonly root: string;
  /** A folder for whatever comes up. */
  readonly scratch: string;
  /**
   * Another one of the same contestant, for those rows that break it or have it elsewhere. Its link
   * must be on an address of its own, since some have a port that cannot be changed. Its origin is
   * the same unless another one is given.
   */
  readonly startOther: (link: Link, origin?: Origin) => Promise<RunningTunnel>;
  /**
   * Many servers of the contestant at one relay, for the caller to start and end.
   *
   * @throws {Error} where it cannot have them in few processes
   */
  readonly createCrowd: (link: Link, count: number) => Promise<Crowd>;
  /** What the row of that id has last measured of the contestant. */
  readonly valueOf: (id: string) => number | undefined;
}

export interface Crowd {
  readonly tunnel: RunningTunnel;
  /** Of each server: what stands before the path of a file. */
  readonly urls: readonly string[];
}

export interface Row extends RowTitle {
  /** What `--rows` knows it by. */
  readonly id: string;
  /** The program that makes the load. */
  readonly tool: "wrk" | "curl" | "strace" | "Deno";
  /**
   * @throws {Error} where the contestant does not do what the row is about; the message is the
   * reason
   */
  readonly measure: (context: RowContext) => Promise<Sample>;
}

export const UPLOAD_MIB = 256;
