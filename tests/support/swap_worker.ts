/** A thread that swaps two files, or folders, by renaming, as fast as it can. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

export interface SwapOrder {
  /** The name that is asked for, a spare one, and what takes the place of the first. */
  readonly names: readonly string[];
  /** Becomes 1 in its first element to end. */
  readonly state: Int32Array;
}

self.onmessage = ({ data }: MessageEvent<SwapOrder>): void => {
  const [name = "", spare = "", other = ""] = data.names;
  self.postMessage("started");
  while (Atomics.load(data.state, 0) === 0) {
    Deno.renameSync(name, spare);
    Deno.renameSync(other, name);
    Deno.renameSync(name, other);
    Deno.renameSync(spare, name);
  }
  self.postMessage("ended");
};
