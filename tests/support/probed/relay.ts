/** ptth_relay, which can be asked what it may do. */

import { relayMain } from "../../../lib/cli/relay_main.ts";
import "./probe.ts";

await relayMain();
