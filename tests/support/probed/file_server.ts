/** ptth_file_server, which can be asked what it may do. */

import { fileServerMain } from "../../../lib/cli/file_server_main.ts";
import "./probe.ts";

await fileServerMain();
