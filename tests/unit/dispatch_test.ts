import { assertEquals, assertStringIncludes } from "@std/assert";
import type { FileRequest, FileServer } from "../../lib/files/file_server.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { HttpAnswer } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { createDispatcher } from "../../lib/server/dispatch.ts";
import type { Origin } from "../../lib/server/origin.ts";
import { createFakeRequest, readAnswer } from "../support/fake_request.ts";

interface Call {
  readonly target: string;
  readonly rawPath: string;
  readonly form: "auto" | "json" | undefined;
}

function setUp(): { calls: Call[]; get: (target: string, method?: string) => Promise<HttpAnswer> } {
  const calls: Call[] = [];
  const files: FileServer = {
    answer: ({ target }: FileRequest, rawPath, form) => {
      calls.push({ target, rawPath, form });
      return Promise.resolve(textAnswer(200, "file"));
    },
  };
  const handler = createDispatcher({ files });
  return {
    calls,
    get: async (target, method = "GET") => await handler(createFakeRequest(target, { method })),
  };
}

const files: readonly (readonly [string, string, "json" | undefined])[] = [
  ["/files/", "/", undefined],
  ["/files/a%20b/..%2fc?x=1", "/a%20b/..%2fc", undefined],
  ["/files//etc/passwd", "//etc/passwd", undefined],
  ["/files/../secret", "/../secret", undefined],
  ["/api/v1/dir/", "/", "json"],
  ["/api/v1/dir/sub/?x", "/sub/", "json"],
];

for (const [target, rawPath, form] of files) {
  Deno.test(`createDispatcher hands ${target} to the file server, raw`, async () => {
    const { calls, get } = setUp();
    assertEquals((await get(target)).status, 200);
    assertEquals(calls, [{ target, rawPath, form }]);
  });
}

for (
  const target of [
    "/filesystem",
    "/Files/",
    "/api/v1/dir",
    "/api/v1/dirs/",
    "/%66iles/",
    "//files/",
  ]
) {
  Deno.test(`createDispatcher answers 404 to ${target}`, async () => {
    const { calls, get } = setUp();
    assertEquals((await get(target)).status, 404);
    assertEquals(calls, []);
  });
}

for (const target of ["*", "files/", "http://h/files/", "", "/files/\x00"]) {
  Deno.test(`createDispatcher answers 400 to the target ${JSON.stringify(target)}`, async () => {
    const { calls, get } = setUp();
    assertEquals((await get(target)).status, 400);
    assertEquals(calls, []);
  });
}

Deno.test("createDispatcher sends /files on to ./files/, relatively: any prefix may stand before", async () => {
  const { get } = setUp();
  for (const query of ["", "?x=1"]) {
    const answer = await get(`/files${query}`);
    assertEquals(answer.status, 308);
    assertEquals(headerValue(answer.headers, "location"), `./files/${query}`);
  }
});

Deno.test("createDispatcher's front page links relatively and names nothing of this computer", async () => {
  const { get } = setUp();
  const answer = await get("/");
  assertEquals(answer.status, 200);
  const page = await readAnswer(answer);
  assertStringIncludes(page, 'href="./files/"');
  assertEquals(page.includes(Deno.cwd()), false);
  assertEquals((await get("/", "HEAD")).status, 200);
});

Deno.test("createDispatcher hands a target to the origin with the longest path, or the folder", async () => {
  const asked: string[] = [];
  const at = (path: string): Origin => ({
    path,
    close: () => {},
    answer: ({ target }) => {
      asked.push(`${path} ${target}`);
      return textAnswer(200, "origin");
    },
  });
  const handler = createDispatcher({ origins: [at("/"), at("/app/"), at("/app/admin/")] });
  for (const target of ["/", "/x", "/app/x?y", "/app/admin/", "/application/", "/files/"]) {
    assertEquals((await handler(createFakeRequest(target))).status, 200);
  }
  const redirect = await handler(createFakeRequest("/app/admin?a=b"));
  assertEquals(headerValue(redirect.headers, "location"), "./admin/?a=b");
  assertEquals(asked, [
    "/ /",
    "/ /x",
    "/app/ /app/x?y",
    "/app/admin/ /app/admin/",
    "/ /application/",
    "/ /files/",
  ]);
});
