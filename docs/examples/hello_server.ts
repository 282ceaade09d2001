/**
 * A server of its own: a program that answers visitors through a relay.
 *
 *     export PTTH_API_KEY="$(cat /path/to/key)"  # its tripcode is in the relay's file
 *     deno run --allow-net --allow-sys --allow-env=PTTH_API_KEY \
 *       docs/examples/hello_server.ts https://relay.example.com my-server
 *
 * Then, below https://relay.example.com/servers/my-server:
 *
 *     curl …/hello?name=Ada
 *     curl -N …/clock
 *     curl --data-binary @big.log …/lines
 */

// deno-lint-ignore-file no-console -- it prints for people

import { serve, type ServeInfo } from "../../lib/server/serve.ts";

async function answer(request: Request, { remoteAddr }: ServeInfo): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  switch (`${request.method} ${pathname}`) {
    case "GET /":
      return new Response("Try hello?name=Ada, clock, or POST a text to lines\n");
    case "GET /hello":
      return new Response(`Hello ${searchParams.get("name") ?? remoteAddr.hostname}\n`);
    case "GET /clock":
      return new Response(tellTime().pipeThrough(new TextEncoderStream()), {
        headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-store" },
      });
    case "POST /lines":
      return Response.json({ lines: await countLines(request) });
    default:
      return new Response("There is no such page\n", { status: 404 });
  }
}

/** Server-sent events: the time, now and each second. */
function tellTime(): ReadableStream<string> {
  let timer: ReturnType<typeof setInterval>;
  return new ReadableStream({
    start(controller): void {
      const tell = (): void => controller.enqueue(`data: ${new Date().toISOString()}\n\n`);
      tell();
      timer = setInterval(tell, 1000);
    },
    // The visitor has left.
    cancel(): void {
      clearInterval(timer);
    },
  });
}

/** Of a body of any size: it is counted while it comes in. */
async function countLines(request: Request): Promise<number> {
  let lines = 0;
  for await (const chunk of request.body ?? []) lines += chunk.filter((byte) => byte === 10).length;
  return lines;
}

const [relayUrl, name] = Deno.args;
const apiKey = Deno.env.get("PTTH_API_KEY");
if (relayUrl === undefined || name === undefined || apiKey === undefined) {
  console.error("Usage: PTTH_API_KEY=… hello_server.ts RELAY_URL NAME");
  Deno.exit(2);
}

// A clock never ends by itself: at Ctrl+C it has another two seconds.
const server = serve(answer, { relayUrl, name, apiKey, drainTimeoutMs: 2000, log: console });
Deno.addSignalListener("SIGINT", () => void server.shutdown());
console.log("Visitors:", (await server.connected).url);
