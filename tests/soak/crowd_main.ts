/** Many servers in one process, idle all of them. `RELAY_URL FIRST COUNT`: which of the crowd. */

import { serve } from "../../lib/server/serve.ts";
import { toCrowdServer } from "./crowd_names.ts";

const [relayUrl = "", first = "0", count = "0"] = Deno.args;
for (let i = Number(first); i < Number(first) + Number(count); i++) {
  const { name, key } = toCrowdServer(i);
  serve(() => new Response("x"), { relayUrl, name, apiKey: key });
}
