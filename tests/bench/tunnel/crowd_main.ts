/** Many servers in one process, which all answer a byte to whatever is asked. `FILE`, as JSON. */

import { serve } from "../../../lib/server/serve.ts";

export interface CrowdServer {
  readonly name: string;
  readonly key: string;
}

export interface CrowdFile {
  readonly relayUrl: string;
  readonly servers: readonly CrowdServer[];
}

if (import.meta.main) {
  const { relayUrl, servers }: CrowdFile = JSON.parse(await Deno.readTextFile(Deno.args[0] ?? ""));
  for (const { name, key } of servers) {
    serve(() => new Response("x"), { relayUrl, name, apiKey: key });
  }
}
