/** ptth_file_server: see README.md, or run it with `--help`. */

import { fileServerMain } from "./lib/cli/file_server_main.ts";

if (import.meta.main) await fileServerMain();
