/** A folder of the address space that all of a site is below, as `/shared/files/`. */

import { errorAnswer } from "./error_answer.ts";
import { redirectToFolder } from "./folder_redirect.ts";
import type { HttpAnswer, HttpRequest } from "./message.ts";

/** What a path is to the base path. */
export type Located =
  /** The path below it, as sent; begins with `/`. */
  | { readonly kind: "inside"; readonly path: string }
  /** It is the base path without its last slash; `name` is the last name of that. */
  | { readonly kind: "base"; readonly name: string }
  | { readonly kind: "outside" };

/**
 * Compares names, each decoded by itself: `/share` is no beginning of `/shared`, but `/%73hare` is
 * the same (RFC 3986 §6.2.2.2).
 *
 * @param basePath begins and ends with `/`
 * @param path as sent
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(locateBelow("/a/", "/a/b%20c"), { kind: "inside", path: "/b%20c" });
 * assertEquals(locateBelow("/a/", "/a"), { kind: "base", name: "a" });
 * assertEquals(locateBelow("/a/", "/ab/c"), { kind: "outside" });
 * ```
 */
export function locateBelow(basePath: string, path: string): Located {
  if (basePath === "/") return { kind: "inside", path };
  const wanted = basePath.split("/").slice(1, -1);
  const asked = path.split("/").slice(1);
  const isSame = wanted.every((name, index) => decodeName(asked[index] ?? "") === name);
  if (!isSame) return { kind: "outside" };
  if (asked.length === wanted.length) return { kind: "base", name: wanted.at(-1) ?? "" };
  return { kind: "inside", path: `/${asked.slice(wanted.length).join("/")}` };
}

/** What is below the base path by `answer`; a redirect or 404 for all else. */
export function answerBelow(
  basePath: string,
  { request, path, query, answer }: {
    readonly request: HttpRequest;
    readonly path: string;
    readonly query: string;
    readonly answer: (path: string) => Promise<HttpAnswer>;
  },
): HttpAnswer | Promise<HttpAnswer> {
  const located = locateBelow(basePath, path);
  switch (located.kind) {
    case "inside":
      return answer(located.path);
    case "base":
      return redirectToFolder(located.name, query);
    case "outside":
      return errorAnswer(404, { requestHeaders: request.headers });
  }
}

function decodeName(name: string): string | undefined {
  try {
    return decodeURIComponent(name);
  } catch {
    return undefined; // Not UTF-8: no base path is.
  }
}
