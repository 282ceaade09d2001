/**
 * The control: the bare server of node:http, giving bytes that are in memory and doing
 * nothing else. What it is faster by is the price of all that ours does. `PORT ROOT`.
 */

import { createServer } from "node:http";
import { join } from "@std/path";
import { SAMPLES } from "./sample_folder.ts";

const [port = "", root = ""] = Deno.args;
const bodies = new Map<string, Uint8Array>(
  [SAMPLES.small, SAMPLES.middle].map((name) =>
    [`/${name}`, Deno.readFileSync(join(root, name))] as const
  ),
);

createServer((request, response) => {
  const body = bodies.get(request.url ?? "");
  const isKnown = request.headers["if-none-match"] === '"control"';
  const headers = { ETag: '"control"', "Content-Length": body?.length ?? 0 };
  if (body === undefined) response.writeHead(404, headers).end();
  else if (isKnown) response.writeHead(304, { ETag: '"control"' }).end();
  else if (request.method === "HEAD") response.writeHead(200, headers).end();
  else response.writeHead(200, headers).end(body);
}).listen(Number(port), "127.0.0.1");
