/** What a contestant is: how it is started in front of the origin, and where visitors then go. */

import type { Command, Found, InstallOptions } from "../programs.ts";

/** What all contestants publish. Both programs listen on the origin's side of the link. */
export interface Origin {
  /** The folder that nginx serves, and that those serve which serve a folder themselves. */
  readonly root: string;
  /** nginx with the files of the folder. */
  readonly filesPort: number;
  /** application_main.ts, which knows uploads, events, WebSockets and slow answers. */
  readonly applicationPort: number;
}

/** Where something is to be connected to. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** What lies between the public and the private side. */
export interface Link {
  /** False where the sides are apart, so that only what stands on both can be measured. */
  readonly isDirect: boolean;
  /** The address of the public side on which all listens that visitors and servers connect to. */
  readonly publicHost: string;
  /** Where the private side finds a port of the public one. */
  readonly toPublic: (port: number, options?: LinkOptions) => Promise<Address>;
  /** Where the public side finds a port of the private one; hops go this way. */
  readonly toPrivate: (port: number) => Promise<Address>;
  /** What a command of the private side begins with, where that has a network of its own. */
  readonly privatePrefix: readonly string[];
}

export interface LinkOptions {
  /** The port must be the same on both sides; else it may be another one. */
  readonly keepsPort?: boolean;
}

/** "127.0.0.1:80". */
export function formatAddress({ hostname, port }: Address): string {
  return `${hostname}:${port}`;
}

export interface Place {
  readonly origin: Origin;
  readonly link: Link;
  /** A folder of the contestant's own, for configuration and the like. */
  readonly scratch: string;
}

/** A contestant at a place: what to start, and what comes of it. */
export interface Plan {
  /** The program on the public side; undefined where visitors go to the origin itself. */
  readonly relay?: Command & { readonly port: number };
  /** Those on the private side. */
  readonly servers: readonly Command[];
  /** Where visitors find the files: what stands before the slash of `/1k.bin`. */
  readonly files: string;
  /** Where they find the application; undefined where it is not published. */
  readonly application?: string;
}

/** Many servers at one relay, in few processes. */
export interface CrowdPlan extends Plan {
  /** Where visitors find the files of each, as in {@linkcode Plan.files}. */
  readonly urls: readonly string[];
}

/**
 * A tunnel reaches an origin that only its own private end can reach. A hop is a reverse proxy, which
 * must reach the origin itself; a control is no proxy at all.
 */
export type Kind = "tunnel" | "hop" | "control";

export interface Contestant {
  readonly name: string;
  readonly kind: Kind;
  readonly find: (options: InstallOptions) => Promise<Found>;
  /** Writes what it needs below `scratch`. */
  readonly toPlan: (place: Place) => Promise<Plan>;
  /** Undefined where each server takes a process. */
  readonly toCrowdPlan?: (place: Place, count: number) => Promise<CrowdPlan>;
}
