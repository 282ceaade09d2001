import { assertEquals } from "@std/assert";
import { findBreaches, type Module } from "../../scripts/layer_breaches.ts";

const NO_ADAPTERS = new Map<string, string>();

function module(path: string, imports: readonly string[] = [], text = "work();"): Module {
  return { path, imports, text };
}

function reasonsFor(
  modules: readonly Module[],
  options: { entries?: readonly string[]; adapters?: ReadonlyMap<string, string> } = {},
): string[] {
  const { entries = [], adapters = NO_ADAPTERS } = options;
  return findBreaches(modules, { entries, adapters }).map(({ path, reason }) =>
    `${path}: ${reason}`
  );
}

Deno.test("findBreaches passes a graph that keeps the rules", () => {
  const clean = [
    module("relay.ts", ["lib/cli/run.ts"]),
    module("lib/cli/run.ts", ["lib/relay/relay.ts", "lib/config/toml.ts"], "Deno.exit(0);"),
    module("lib/config/toml.ts", ["lib/base/errors.ts"]),
    module("lib/relay/relay.ts", ["lib/wire/codec.ts", "lib/auth/key.ts", "lib/relay/queue.ts"]),
    module("lib/relay/queue.ts", ["lib/base/errors.ts"]),
    module("lib/wire/codec.ts", ["lib/http/headers.ts"]),
    module("lib/auth/key.ts", ["lib/base/errors.ts"]),
    module("lib/http/headers.ts", ["lib/base/errors.ts"]),
    module("lib/base/errors.ts"),
  ];
  assertEquals(reasonsFor(clean, { entries: ["relay.ts"] }), []);
});

const WRONG_IMPORTS: readonly (readonly [string, string, string])[] = [
  ["lib/base/log.ts", "lib/http/range.ts", "base"],
  ["lib/http/range.ts", "lib/wire/codec.ts", "http"],
  ["lib/wire/codec.ts", "lib/auth/key.ts", "wire"],
  ["lib/auth/key.ts", "lib/http/range.ts", "auth"],
  ["lib/config/toml.ts", "lib/auth/key.ts", "config"],
  ["lib/files/listing.ts", "lib/wire/codec.ts", "files"],
  ["lib/files/listing.ts", "lib/server/server.ts", "files"],
  ["lib/relay/relay.ts", "lib/server/server.ts", "relay"],
  ["lib/relay/relay.ts", "lib/config/toml.ts", "relay"],
  ["lib/server/server.ts", "lib/relay/relay.ts", "server"],
  ["lib/server/server.ts", "lib/cli/run.ts", "server"],
  ["lib/cli/run.ts", "relay.ts", "cli"],
  ["lib/cli/run.ts", "tests/support/clock.ts", "cli"],
  ["lib/cli/run.ts", "scripts/compile.ts", "cli"],
  ["relay.ts", "lib/relay/relay.ts", "entry"],
];

for (const [path, other, layer] of WRONG_IMPORTS) {
  Deno.test(`findBreaches reports that ${path} imports ${other}`, () => {
    assertEquals(reasonsFor([module(path, [other])]), [
      `${path}: ${layer} may not import ${other}`,
    ]);
  });
}

Deno.test("findBreaches reports a folder that has no rule, and a file beside the folders", () => {
  assertEquals(reasonsFor([module("lib/misc/a.ts"), module("lib/b.ts")]), [
    'lib/misc/a.ts: no rule for the folder "misc"',
    'lib/b.ts: no rule for the folder "lib"',
  ]);
});

Deno.test("findBreaches reports each cycle once, and no diamond", () => {
  const cycle = [
    module("lib/base/a.ts", ["lib/base/b.ts"]),
    module("lib/base/b.ts", ["lib/base/c.ts"]),
    module("lib/base/c.ts", ["lib/base/a.ts"]),
  ];
  assertEquals(reasonsFor(cycle), [
    "lib/base/c.ts: it closes a cycle: " +
    "lib/base/a.ts > lib/base/b.ts > lib/base/c.ts > lib/base/a.ts",
  ]);
  const diamond = [
    module("lib/base/a.ts", ["lib/base/b.ts", "lib/base/c.ts"]),
    module("lib/base/b.ts", ["lib/base/d.ts"]),
    module("lib/base/c.ts", ["lib/base/d.ts"]),
    module("lib/base/d.ts"),
  ];
  assertEquals(reasonsFor(diamond), []);
});

const BARRELS = [
  'export * from "./a.ts";',
  'export * as a from "./a.ts";',
  '/** All. */\nexport { a } from "./a.ts";\nexport type { B } from "./b.ts"; // types\n',
];
const NO_BARRELS = [
  'export { a } from "./a.ts";\nexport const b = 1;',
  'import { a } from "./a.ts";\na();',
  "export interface A {}",
];

Deno.test("findBreaches reports a file of re-exports alone, and no other", () => {
  for (const text of BARRELS) {
    assertEquals(reasonsFor([module("lib/base/a.ts", [], text)]), [
      "lib/base/a.ts: it only re-exports: import from the declaring file",
    ], text);
  }
  for (const text of NO_BARRELS) assertEquals(reasonsFor([module("lib/base/a.ts", [], text)]), []);
});

const DENO_USES = [
  "Deno.exit(1);",
  "const { env } = Deno;",
  "globalThis.Deno?.cwd();",
  "const text = `in ${Deno.cwd()}`;",
  'const a = "// no comment"; Deno.exit(1);',
];
const NO_DENO_USES = [
  "// Deno.exit would be wrong",
  "/** Runs under Deno. */ work();",
  'throw new Error("Deno needs --allow-read for it");',
  "const text = 'a \\' Deno';",
  "const isDenoish = 1;",
];

Deno.test("findBreaches reports Deno in code, and not in comments or texts", () => {
  for (const text of DENO_USES) {
    assertEquals(reasonsFor([module("lib/http/a.ts", [], text)]), [
      "lib/http/a.ts: it uses Deno: pass the effect in from lib/cli",
    ], text);
  }
  for (const text of NO_DENO_USES) {
    assertEquals(reasonsFor([module("lib/http/a.ts", [], text)]), [], text);
  }
});

Deno.test("findBreaches takes Deno from lib/cli and from listed adapters alone", () => {
  const adapters = new Map([["lib/files/disk.ts", "the adapter"]]);
  const uses = ["lib/cli/run.ts", "lib/files/disk.ts", "lib/files/listing.ts", "relay.ts"]
    .map((path) => module(path, [], "Deno.cwd();"));
  assertEquals(reasonsFor(uses, { adapters }).map((line) => line.split(":")[0]), [
    "lib/files/listing.ts",
    "relay.ts",
  ]);
});

Deno.test("findBreaches reports a listed adapter that needs no listing any more", () => {
  const adapters = new Map([["lib/files/disk.ts", "the adapter"]]);
  const reason = "lib/files/disk.ts: it is listed as using Deno, and does not";
  assertEquals(reasonsFor([module("lib/files/disk.ts")], { adapters }), [reason]);
  assertEquals(reasonsFor([], { adapters }), [reason]);
});

Deno.test("findBreaches reports a module that no entry reaches", () => {
  const modules = [
    module("relay.ts", ["lib/cli/run.ts"]),
    module("lib/cli/run.ts", ["lib/base/used.ts"]),
    module("lib/base/used.ts"),
    module("lib/base/unused.ts", ["lib/base/used.ts"]),
  ];
  assertEquals(reasonsFor(modules, { entries: ["relay.ts"] }), [
    "lib/base/unused.ts: no entry reaches it",
  ]);
  assertEquals(reasonsFor(modules, { entries: ["relay.ts", "lib/base/unused.ts"] }), []);
});

Deno.test("findBreaches reports an entry that does not exist", () => {
  assertEquals(reasonsFor([module("relay.ts")], { entries: ["relay.ts", "lib/server/gone.ts"] }), [
    "lib/server/gone.ts: it is listed as an entry, and does not exist",
  ]);
});
