/** nginx as one process without logs, of whoever starts it. */

import { join } from "@std/path";
import type { Command } from "./programs.ts";

/** Writes its configuration into a folder: the frame, and what stands in `http { … }`. */
export async function toNginxCommand(scratch: string, http: string): Promise<Command> {
  const config = join(scratch, "nginx.conf");
  // Without a master it runs as who starts it, and can read a private folder.
  await Deno.writeTextFile(
    config,
    `daemon off; master_process off; pid ${scratch}/nginx.pid; error_log ${scratch}/error.log;
worker_rlimit_nofile 65536;
events { worker_connections 16384; }
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path ${scratch}; proxy_temp_path ${scratch}; fastcgi_temp_path ${scratch};
  uwsgi_temp_path ${scratch}; scgi_temp_path ${scratch};
  ${http}
}
`,
  );
  return { program: "nginx", args: ["-c", config, "-p", scratch] };
}
