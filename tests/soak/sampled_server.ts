/** ptth_server, which prints what it takes. */

import { serverMain } from "../../lib/cli/server_main.ts";
import "./sampler.ts";

await serverMain();
