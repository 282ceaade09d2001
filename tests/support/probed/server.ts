/** ptth_server, which can be asked what it may do. */

import { serverMain } from "../../../lib/cli/server_main.ts";
import "./probe.ts";

await serverMain();
