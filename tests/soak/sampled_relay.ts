/** ptth_relay, which prints what it takes. */

import { relayMain } from "../../lib/cli/relay_main.ts";
import "./sampler.ts";

await relayMain();
