/** ptth_server as it is, which says how it is. */

import { serverMain } from "../../lib/cli/server_main.ts";
import { SAMPLE_MS } from "./how_to_sample.ts";
import { printSamples } from "./print_samples.ts";

printSamples(SAMPLE_MS);
await serverMain();
