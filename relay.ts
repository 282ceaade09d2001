/** ptth_relay: see README.md, or run it with `--help`. */

import { relayMain } from "./lib/cli/relay_main.ts";

if (import.meta.main) await relayMain();
