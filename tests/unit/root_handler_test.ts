import { assertEquals } from "@std/assert";
import { createRootHandler, type RootHandlerOptions } from "../../lib/files/root_handler.ts";
import { publicAddress } from "../../lib/http/public_address.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { createFakeRequest } from "../support/fake_request.ts";

Deno.test("createRootHandler: files know the visitor's address, by TLS, below a path and behind a proxy", async () => {
  const cases: [target: string, headers: string[], options: RootHandlerOptions, address: string][] =
    [
      ["/a", [], {}, "http://h/a"],
      ["/a", [], { scheme: "https" }, "https://h/a"],
      ["/x/a", [], { basePath: "/x/", scheme: "https" }, "https://h/x/a"],
      ["/x/a", ["X-Forwarded-Prefix", "/p/"], { basePath: "/x/" }, "http://h/p/x/a"],
      ["/a", ["X-Forwarded-Proto", "http"], { scheme: "https" }, "http://h/a"],
    ];
  for (const [target, headers, options, wanted] of cases) {
    const handler = createRootHandler({
      answer: (request, rawPath) => {
        assertEquals(rawPath, "/a");
        return Promise.resolve(textAnswer(200, publicAddress(request, rawPath) ?? "unknown"));
      },
    }, options);
    const { body } = await handler(
      createFakeRequest(target, { headers: ["Host", "h", ...headers] }),
    );
    assertEquals(
      new TextDecoder().decode(body instanceof Uint8Array ? body : undefined),
      `${wanted}\n`,
    );
  }
});
