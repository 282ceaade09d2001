/**
 * A program that asks origins which the tests themselves have no right to: by names, and on Unix
 * sockets. Prints status, body and Proxy-Status of what a visitor would get, a line for each URL.
 * Behind `serve=PATH` it answers on that socket itself, with the head that it got.
 */

import { createServer } from "node:net";
import { headerValue } from "../../lib/http/headers.ts";
import { createFakeRequest, readAnswer } from "./fake_request.ts";
import { openOrigin } from "./origins.ts";
import { ServerConnection } from "./raw_server.ts";

async function serve(socket: ConstructorParameters<typeof ServerConnection>[0]): Promise<void> {
  const connection = new ServerConnection(socket);
  for (;;) {
    const head = await connection.readHead();
    connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${head.length}\r\n\r\n${head}`);
  }
}

const servers = await Promise.all(
  Deno.args.filter((text) => text.startsWith("serve=")).map((text) => {
    const server = createServer((socket) => void serve(socket).catch(() => socket.destroy()));
    const path = text.slice("serve=".length);
    return new Promise<typeof server>((resolve) => server.listen(path, () => resolve(server)));
  }),
);
for (const url of Deno.args.filter((text) => !text.startsWith("serve="))) {
  using origin = openOrigin(url, { host: "origin" });
  const answer = await origin.answer(createFakeRequest("/x"));
  const token = headerValue(answer.headers, "proxy-status") ?? null;
  // deno-lint-ignore no-console
  console.log(JSON.stringify([answer.status, await readAnswer(answer), token]));
}
for (const server of servers) server.close();
