import { assertEquals } from "@std/assert";
import { readProject } from "../../scripts/check_docs.ts";
import { createBlocks, fillBlocks } from "../../scripts/doc_blocks.ts";
import { findProblems, type Project } from "../../scripts/doc_problems.ts";

const BLOCKS = new Map([["help:relay", "```text\nhelp\n```\n"]]);

const README = `# Project

Run \`deno task demo\`, see [the protocol](docs/protocol.md#the-exchange-p1) and
[elsewhere](https://example.com/none), as shown by a_test: "it holds", "… as well",
"with 2 of them". It prints \`ptth_relay 3.0.0\`.

\`\`\`toml
# ptth_relay.toml
[[servers]]
name = "a"
tripcode = "${"A".repeat(43)}="
\`\`\`

<!-- help:relay -->

<!-- deno-fmt-ignore -->
\`\`\`text
help
\`\`\`

<!-- /help -->
`;

const TESTS = `
Deno.test("it holds", () => {});
Deno.test("it holds as well", () => {});
Deno.test(\`with ${"${count}"} of them\`, () => {});
`;

function projectWith(change: (readme: string) => string, more: Partial<Project> = {}): Project {
  const files = new Map([
    ["README.md", change(README)],
    ["docs/decisions.md", "# Decisions\n\n`@a/b` does what we cannot.\n"],
    ["docs/protocol.md", "# Protocol\n\n## The exchange, `P1`\n"],
  ]);
  const paths = new Set([...files.keys(), "docs"]);
  const tests = new Map([["tests/unit/a_test.ts", TESTS]]);
  const packages = ["npm:@a/b@1.0.0/mod.js"];
  return {
    files,
    tests,
    paths,
    packages,
    tasks: ["demo"],
    version: "3.0.0",
    blocks: BLOCKS,
    ...more,
  };
}

Deno.test("README, docs, deno.json and code of this project agree", async () => {
  assertEquals(findProblems(await readProject()), []);
});

Deno.test("findProblems finds none where all agrees", () => {
  assertEquals(findProblems(projectWith((readme) => readme)), []);
});

const FAULTS: readonly (readonly [string, string, string, string])[] = [
  [
    "an unknown task",
    "task demo",
    "task demo` and `deno task dmeo",
    'deno.json has no task "dmeo"',
  ],
  ["a test that is not there", "it holds", "it hold", 'a_test has no test "it hold"'],
  ["a test file that is not there", "a_test", "b_test", 'there is no test file "b_test.ts"'],
  ["a task that is not named", "task demo", "demo", 'it does not name the task "deno task demo"'],
  [
    "a stale block",
    "text\nhelp",
    "text\nhepl",
    'the block "help:relay" is stale: run deno task docs --write',
  ],
  [
    "a missing block",
    "<!-- help:relay -->",
    "",
    "the block is missing that begins <!-- help:relay --> and ends <!-- /help -->",
  ],
  [
    "a link to no file",
    "docs/protocol.md#the-exchange-p1",
    "docs/protcol.md",
    'it links to "docs/protcol.md", which does not exist',
  ],
  [
    "a link to no heading",
    "#the-exchange-p1",
    "#p1",
    'it links to "docs/protocol.md#p1", but no heading there is that',
  ],
  [
    "another version",
    "ptth_relay 3.0.0",
    "ptth_relay 2.0.0",
    "it says version 2.0.0, deno.json says 3.0.0",
  ],
  [
    "an unknown key of a configuration",
    "tripcode =",
    "tripcod =",
    'its ptth_relay.toml, line 4: Unknown key "tripcod"',
  ],
  [
    "a configuration of no program",
    "# ptth_relay.toml",
    "# relay.toml",
    'a TOML block must begin "# ptth_relay.toml" or "# ptth_server.toml": "# relay.toml"',
  ],
];

for (const [what, from, to, problem] of FAULTS) {
  Deno.test(`findProblems finds ${what}, and nothing else`, () => {
    assertEquals(README.includes(from), true);
    assertEquals(
      findProblems(projectWith((readme) => readme.replace(from, to))),
      [`README.md: ${problem}`],
    );
  });
}

Deno.test("findProblems finds the newest changelog entry of another version", () => {
  const project = projectWith((readme) => readme);
  const files = new Map([
    ...project.files,
    ["CHANGELOG.md", "# Changelog\n\n## 3.1.0\n\n## 3.0.0\n"],
  ]);
  assertEquals(findProblems({ ...project, files }), [
    "CHANGELOG.md: it says version 3.1.0, deno.json says 3.0.0",
  ]);
});

Deno.test("findProblems says that there is no README.md", () => {
  const project = {
    ...projectWith((readme) => readme),
    packages: [],
    files: new Map(),
    blocks: new Map(),
  };
  assertEquals(findProblems(project), ["README.md: it does not exist"]);
});

Deno.test("fillBlocks renews what is between markers, and nothing around it", () => {
  const stale = README.replace("text\nhelp", "text\nold\n\nlines");
  assertEquals(fillBlocks(stale, BLOCKS).text, README);
  const unknown = "<!-- help:other -->\nkept\n<!-- /help -->";
  assertEquals(fillBlocks(unknown, BLOCKS), {
    text: unknown,
    found: [{ name: "help:other", isCurrent: true }],
  });
});

Deno.test("createBlocks makes a row per limit, of its value and its whole comment", () => {
  const source = [
    "/** Every bound of the programs. */",
    "",
    "/** Longest `a|b`: one",
    " * more line. */",
    "export const MAX_HEAD_BYTES = 16 * 1024;",
    "",
  ].join("\n");
  const limits = createBlocks(source).get("limits") ?? "";
  assertEquals(
    limits.split("\n").find((row) => row.includes("MAX_HEAD_BYTES")),
    "| `MAX_HEAD_BYTES` | 16,384 | Longest `a\\|b`: one more line. |",
  );
});

Deno.test("findProblems finds a package without a reason", () => {
  const packages = ["npm:@a/b@1.0.0/mod.js", "npm:c@2.0.0"];
  assertEquals(findProblems(projectWith((readme) => readme, { packages })), [
    'docs/decisions.md: it does not tell why the package "c" is used',
  ]);
});
