/** ptth_relay as it is, which says how it is. */

import { relayMain } from "../../lib/cli/relay_main.ts";
import { SAMPLE_MS } from "./how_to_sample.ts";
import { printSamples } from "./print_samples.ts";

printSamples(SAMPLE_MS);
await relayMain();
