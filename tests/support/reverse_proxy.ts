/** Other people's reverse proxies in front of a relay, on a free port of 127.0.0.1. */

import { fromFileUrl, join } from "@std/path";
import { ChildProgram } from "./child_program.ts";
import { accepts, findFreePort } from "./outside_port.ts";
import { hasProgram } from "./outside_program.ts";
import { PROJECT } from "./programs.ts";
import { TempFolder } from "./temp_folder.ts";

export type ReverseProxyName =
  /** As in docs/recipes, with TLS. */
  | "nginx recipe"
  /** The same with connections to the relay that are kept, which nginx 1.22 does only if told so. */
  | "nginx recipe, with keepalive"
  | "Caddy recipe"
  | "Apache recipe"
  /** As Debian installs it, and no more than the one line that makes it a proxy. */
  | "nginx as installed";

export interface ReverseProxy extends AsyncDisposable {
  readonly port: number;
  /** `https` shows the certificate of "localhost". */
  readonly url: string;
}

const PROGRAMS: Readonly<Record<ReverseProxyName, string>> = {
  "nginx recipe": "nginx",
  "nginx recipe, with keepalive": "nginx",
  "nginx as installed": "nginx",
  "Caddy recipe": "caddy",
  "Apache recipe": "apache2",
};

/** False, with a word on the console, where its program is not installed. */
export function hasReverseProxy(name: ReverseProxyName): Promise<boolean> {
  return hasProgram(PROGRAMS[name]);
}

/** Starts one that leads to a relay on a port of this computer. */
export async function startReverseProxy(
  name: ReverseProxyName,
  relayPort: number,
): Promise<ReverseProxy> {
  const folder = await TempFolder.create();
  const port = findFreePort();
  const site = { folder: folder.path, port, relayPort };
  const [command, ...args] = await CONFIGURE[name](folder, site);
  const program = ChildProgram.start(command ?? "", { cwd: folder.path, args });
  await Promise.race([
    accepts(port),
    program.untilEnd().then((code) => {
      throw new Error(`${name} ended with ${code}:\n${program.stderr}`);
    }),
  ]);
  const scheme = name === "nginx as installed" ? "http" : "https";
  return {
    port,
    url: `${scheme}://localhost:${port}`,
    [Symbol.asyncDispose]: async () => {
      // Killed, it would leave its workers behind.
      await program.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

interface Site {
  readonly folder: string;
  readonly port: number;
  readonly relayPort: number;
}

type Configure = (folder: TempFolder, site: Site) => Promise<readonly string[]>;

const TLS_FOLDER = fromFileUrl(new URL("../fixtures/tls", import.meta.url));
const CERTIFICATE = join(TLS_FOLDER, "localhost.pem");
const KEY = join(TLS_FOLDER, "localhost.key");

const CONFIGURE: Readonly<Record<ReverseProxyName, Configure>> = {
  "nginx recipe": async (folder, site) => nginx(folder, await readNginxRecipe(site)),
  "nginx recipe, with keepalive": async (folder, site) => {
    const recipe = (await readNginxRecipe(site))
      .replace(`proxy_pass http://127.0.0.1:${site.relayPort};`, "proxy_pass http://relay;");
    const relay = `server 127.0.0.1:${site.relayPort}; keepalive 8;`;
    // Each process keeps its own.
    return nginx(folder, `upstream relay { ${relay} }\n${recipe}`, { workers: 1 });
  },
  "nginx as installed": (folder, site) =>
    nginx(
      folder,
      `server {
         listen 127.0.0.1:${site.port};
         location / { proxy_pass http://127.0.0.1:${site.relayPort}; }
       }`,
    ),
  "Caddy recipe": async (folder, site) => {
    const recipe = (await readRecipe("Caddyfile"))
      .replace(
        "relay.example.com {",
        `https://localhost:${site.port} {\n\ttls ${CERTIFICATE} ${KEY}`,
      )
      .replace("127.0.0.1:4000 {", `127.0.0.1:${site.relayPort} {`);
    const path = await folder.write("Caddyfile", `{\n\tadmin off\n\tauto_https off\n}\n${recipe}`);
    return ["caddy", "run", "--adapter", "caddyfile", "--config", path];
  },
  "Apache recipe": async (folder, site) => {
    const recipe = (await readRecipe("apache.conf"))
      .replace("*:443", `127.0.0.1:${site.port}`)
      .replace("ServerName relay.example.com", "ServerName localhost")
      .replace("/etc/ssl/relay.example.com/fullchain.pem", CERTIFICATE)
      .replace("/etc/ssl/relay.example.com/privkey.pem", KEY)
      .replaceAll("127.0.0.1:4000", `127.0.0.1:${site.relayPort}`);
    const modules = [
      ...["mpm_event", "authz_core", "ssl", "socache_shmcb", "proxy", "proxy_http", "headers"],
      ...["reqtimeout", "setenvif"],
    ];
    const path = await folder.write(
      "apache.conf",
      [
        ...modules.map((name) =>
          `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`
        ),
        `ServerRoot ${folder.path}`,
        "ServerName localhost",
        `PidFile ${folder.at("pid")}`,
        "ErrorLog /dev/stderr",
        `DefaultRuntimeDir ${folder.path}`,
        `Listen 127.0.0.1:${site.port} http`,
        recipe,
      ].join("\n"),
    );
    return ["apache2", "-DFOREGROUND", "-f", path];
  },
};

/** Debian's nginx.conf, as far as it matters here. */
async function nginx(
  folder: TempFolder,
  servers: string,
  { workers }: { readonly workers: number | "auto" } = { workers: "auto" },
): Promise<readonly string[]> {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder.at(name)};`).join("\n");
  const path = await folder.write(
    "nginx.conf",
    `user root;
     worker_processes ${workers};
     pid ${folder.at("pid")};
     error_log stderr;
     daemon off;
     events { worker_connections 768; }
     http {
       sendfile on;
       tcp_nopush on;
       types_hash_max_size 2048;
       access_log off;
       gzip on;
       ${temporary}
       ${servers}
     }`,
  );
  return ["nginx", "-p", folder.path, "-c", path];
}

async function readNginxRecipe({ port, relayPort }: Site): Promise<string> {
  return (await readRecipe("nginx.conf"))
    .replace("listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`)
    .replace("/etc/ssl/relay.example.com/fullchain.pem", CERTIFICATE)
    .replace("/etc/ssl/relay.example.com/privkey.pem", KEY)
    .replaceAll("127.0.0.1:4000", `127.0.0.1:${relayPort}`);
}

function readRecipe(name: string): Promise<string> {
  return Deno.readTextFile(join(PROJECT, "docs", "recipes", name));
}
