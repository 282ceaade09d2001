/** How messages travel between this process and its relay (docs/protocol.md, "Modern"). */

import type { Trouble } from "./poll_outcome.ts";

/** Who gets what the relay sends. */
export interface ChannelSink {
  /** Whole messages, one or more. @throws {ProtocolError} what breaks the protocol. */
  receive(bytes: Uint8Array): void;
  /** The channel is over, for this reason; called once, unless it was closed here. */
  end(reason: string): void;
}

/** A channel that is open; its welcome is the first message that comes. */
export interface Channel {
  /** As people are told. */
  readonly transport: "control channel" | "long poll";
  /** Bytes that wait to be sent. */
  readonly backlog: number;
  /**
   * Queues a record; those of one turn travel together. `rest` is the end of the record, apart from
   * the rest so that a long one need not be copied more often than it must.
   */
  send(record: Uint8Array, rest?: Uint8Array): void;
  /** Sends what is queued, as far as that does not take long, and ends the channel. */
  close(): Promise<void>;
}

/** Why a channel could not be opened. */
export type ChannelRefusal =
  /** What stands between does not let it through, or the relay does not have it. */
  | { readonly kind: "blocked"; readonly reason: string }
  /** The relay does not let this server in. */
  | { readonly kind: "refused"; readonly reason: string }
  | Trouble;

/** What the ways to open a channel have in common. */
export interface ChannelOptions {
  readonly baseUrl: string;
  readonly name: string;
  /** The secret. */
  readonly apiKey: string;
  /** The id of this process. */
  readonly process: string;
  /** A session of this process that ends in good order when this one is open; default: none. */
  readonly successorOf?: string | undefined;
}
