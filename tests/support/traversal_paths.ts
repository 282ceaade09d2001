/** Paths that lead out of a folder, in every way of writing them that ever fooled a server. */

const DOTS = [
  "..",
  "%2e%2e",
  "%2E.",
  ".%2e",
  "%252e%252e",
  ".%252e",
  "%25252e%25252e",
  "%c0%ae%c0%ae",
  "%e0%80%ae%e0%80%ae",
  "%f0%80%80%ae%f0%80%80%ae",
  "%uff0e%uff0e",
  "%u002e%u002e",
  "%EF%BC%8E%EF%BC%8E",
  "0x2e0x2e",
  "..;",
  "..%00",
  "..%20",
  "..%09",
  "...",
  "....",
  ".%E2%80%8C.",
  "..\xff",
];

const SEPARATORS = [
  "/",
  "//",
  "/./",
  "\\",
  "\\/",
  "%2f",
  "%2F%2f",
  "%5c",
  "%252f",
  "%255c",
  "%c0%af",
  "%e0%80%af",
  "%c1%9c",
  "%u2215",
  "%EF%BC%8F",
  "%E2%88%95",
  ";/",
  ":",
];

const PREFIXES = [
  "/",
  "//",
  "/dir/",
  "/dir%2f",
  "/dir\\",
  "/./",
  "/%00/",
  "/c:/",
  "/file/",
  "/*/",
  "/~/",
];

const TARGETS = ["secret", "root-secret/file", "etc/passwd", "secret%00.txt"];

/** All combinations, from one step up to `maxDepth`, and absolute paths. */
export function* traversalPaths(maxDepth: number): Generator<string> {
  for (const target of TARGETS) {
    for (const separator of SEPARATORS) {
      yield `/${separator}${target}`;
      yield `${separator}${target}`;
      const ending = target.replaceAll("/", separator);
      for (const dots of DOTS) {
        for (let depth = 1; depth <= maxDepth; depth++) {
          const climb = `${dots}${separator}`.repeat(depth);
          for (const prefix of PREFIXES) yield `${prefix}${climb}${ending}`;
        }
      }
    }
  }
}
