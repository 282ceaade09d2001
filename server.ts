/** ptth_server: see README.md, or run it with `--help`. */

import { serverMain } from "./lib/cli/server_main.ts";

if (import.meta.main) await serverMain();
