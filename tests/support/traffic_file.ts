/** The file of which visitors of the traffic ask for ranges. */

import type { TempFolder } from "./temp_folder.ts";
import { TrafficBytes } from "./traffic_exchange.ts";
import { FILE_EXCHANGE_NUMBER, type TrafficFile } from "./traffic_kinds.ts";

const LENGTH = 1024 * 1024;

/** Writes it into a folder that is to be served, which may be one below another. */
export async function writeTrafficFile(
  folder: TempFolder,
  seed: number,
  below = ".",
): Promise<TrafficFile> {
  const bytes = new TrafficBytes({ seed, number: FILE_EXCHANGE_NUMBER }, "down");
  await folder.write(`${below}/traffic.bin`, bytes.slice(0, LENGTH));
  return { path: "/files/traffic.bin", length: LENGTH };
}
