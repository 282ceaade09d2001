import { assertEquals } from "@std/assert";
import { answerBelow, locateBelow, type Located } from "../../lib/http/base_path.ts";
import { headerValue } from "../../lib/http/headers.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { createFakeRequest } from "../support/fake_request.ts";

const outside: Located = { kind: "outside" };
const inside = (path: string): Located => ({ kind: "inside", path });

Deno.test("locateBelow ends the base path at a name's end, and leaves the rest as sent", () => {
  const cases: [basePath: string, path: string, located: Located][] = [
    ["/", "/a%2fb", inside("/a%2fb")],
    ["/a/", "/a/", inside("/")],
    ["/a/", "/a/b%2F..//c", inside("/b%2F..//c")],
    ["/a/", "/%61/b", inside("/b")],
    ["/a/b/", "/a/b/c", inside("/c")],
    ["/a/", "/a", { kind: "base", name: "a" }],
    ["/a/b/", "/a/b", { kind: "base", name: "b" }],
    ...["/", "/aa", "/aa/b", "/A/", "//a/", "/b/../a/", "/./a/", "/a%2f", "/%zz/", "/a%00/"]
      .map((path): [string, string, Located] => ["/a/", path, outside]),
    ["/a/b/", "/a", outside],
    ["/a/b/", "/a/", outside],
    ["/a/b/", "/a%2Fb/", outside],
  ];
  for (const [basePath, path, located] of cases) {
    assertEquals(locateBelow(basePath, path), located, `${path} below ${basePath}`);
  }
});

Deno.test("answerBelow redirects to the base path relatively, query kept, and hides what is outside", async () => {
  const asked: string[] = [];
  const answer = async (path: string, query = "") =>
    await answerBelow("/x/shared/", {
      request: createFakeRequest(path),
      path,
      query,
      answer: (below) => {
        asked.push(below);
        return Promise.resolve(textAnswer(200, "inside"));
      },
    });
  const redirect = await answer("/x/shared", "?sort=size");
  assertEquals(redirect.status, 308);
  assertEquals(headerValue(redirect.headers, "location"), "./shared/?sort=size");
  assertEquals((await answer("/x/sharedx/secret")).status, 404);
  assertEquals(asked, []);
  assertEquals((await answer("/x/shared/a")).status, 200);
  assertEquals(asked, ["/a"]);
});
