import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parse as parseBySmol } from "smol-toml";
import { ConfigError } from "../../lib/base/errors.ts";
import { MAX_TOML_DEPTH } from "../../lib/base/limits.ts";
import { parseToml } from "../../lib/config/toml.ts";
import type { TomlTable } from "../../lib/config/toml_tables.ts";
import { type Plain, plainOurs, plainSmol } from "../support/plain_toml.ts";

const VALID: readonly string[] = [
  "",
  "# only a comment",
  "\ufeffa = 1",
  "a = 1\r\nb = 2\r\n",
  "a = 1 # tail\n\n\n[b] # tail\nc = 2 # tail",
  'bare_key-1 = 1\n"quoted key" = 2\n\'literal "key"\' = 3\n"" = 4\n"\\u00e9" = 5\n1234 = 6',
  "a.b.c = 1\na . d = 2\n'a'.\"e f\" = 3\n3.14 = 4",
  "__proto__ = 1\nconstructor = 2\n[toString]\nx = 3\n[a.__proto__]\nb = 4",
  'a = ""\nb = \'\'\nc = "tab\\there \\"q\\" \\\\ \\b\\f\\n\\r \\u00e9 \\U0001F600 é😀"',
  'a = \'C:\\Users\\n\'\nb = \'"\'\nc = "\'"\nd = "# no comment"\ne = "tab\there"',
  'a = """one\ntwo"""\nb = """\nfirst newline goes"""\nc = """\r\nx\r\ny"""',
  'a = """\\\n   folded \\  \n\n   here \\\r\n  too"""\nb = """a\\\nb"""',
  'a = """""two quotes"""""\nb = """""""\nc = """one " two "" end"""\nd = """"""',
  "a = '''''two quotes'''''\nb = ''''x''''\nc = ''''''\nd = '''\nraw \\n\nline'''",
  'a = "\\e\\x41"',
  "a = 0\nb = +0\nc = -0\nd = 42\ne = -17\nf = +99\ng = 1_000_000\nh = 1_2_3",
  "a = 0xdead_BEEF\nb = 0o755\nc = 0b1101_0110\nd = 0x00",
  "a = 9007199254740991\nb = -9007199254740991",
  "a = 1.0\nb = -0.01\nc = 5e+22\nd = 1e06\ne = -2E-2\nf = 6.626e-34\ng = 224_617.445_991_228\nh = 0e0\ni = -0.0\nj = 1_0e1_0",
  "a = inf\nb = +inf\nc = -inf\nd = nan\ne = +nan\nf = -nan",
  "a = true\nb = false",
  "a = 1979-05-27T07:32:00Z\nb = 1979-05-27T00:32:00-07:00\nc = 1979-05-27T00:32:00.999999-07:00\nd = 1979-05-27 07:32:00Z\ne = 1979-05-27t07:32:00z",
  "a = 1979-05-27T07:32:00\nb = 1979-05-27T00:32:00.999999\nc = 1979-05-27 07:32:00\nd = 1979-05-27\ne = 07:32:00\nf = 00:32:00.5\ng = 07:32\nh = 1979-05-27 # date",
  "a = []\nb = [1, 2]\nc = [1, 'x', true, [1.5]]\nd = [\n  1, # one\n\n  2,\n]\ne = [ [ ], [[1]] ]",
  "a = [{x = 1}, {x = 2, y.z = 3}]\nb = {}\nc = {a = 1, b = [1,\n2], 'c' = \"x\"}",
  "a = {\n  b = 1, # comment\n  c = 2,\n}",
  "a = {b.c = 1, b.d = 2, e = {f.g = 3}}",
  "[a]\nx = 1\n[b]\n[a.c]\ny = 2\n[ d . 'e' ]\nz = 3",
  "[a.b.c]\nx = 1\n[a]\ny = 2\n[a.b]\nz = 3",
  "[a]\nb.c = 1\n[a.d]\n[a.b.e]\nf = 2",
  "[[a]]\nx = 1\n[[a]]\n[[a]]\nx = 2\n[a.b]\ny = 3",
  "[[a]]\n[a.b]\nx = 1\n[[a.c]]\n[[a.c]]\nz = 1\n[[a]]\n[a.b]\nx = 2\n[[a.c]]",
  "[[a.b]]\nx = 1\n[a]\ny = 2",
  "[[a.b]]\n[[a.b]]\n[a.b.c]\nx = 1",
];

const INVALID:
  readonly (readonly [document: string, reason: string, line: number, column: number])[] = [
    ["a", "expected `=` after the key", 1, 2],
    ["x = 1\nport 4000", "expected `=` after the key", 2, 6],
    ["a =", "expected a value", 1, 4],
    ["a = # none\nb = 1", "expected a value", 1, 5],
    ["= 1", "expected a key", 1, 1],
    ["a. = 1", "expected a key", 1, 4],
    [".a = 1", "expected a key", 1, 1],
    ["é = 1", "expected a key", 1, 1],
    ['"""a""" = 1', "expected `=` after the key", 1, 3],
    ["a = 1 b = 2", "expected the end of the line", 1, 7],
    ['a = "x"b = 2', "expected the end of the line", 1, 8],
    ["[a] b = 1", "expected the end of the line", 1, 5],
    ["a = {b = 1} c", "expected the end of the line", 1, 13],
    ["a = 1\rb = 2", "expected the end of the line", 1, 6],
    ['a = "x', "string is not closed", 1, 5],
    ['ok = 1\r\n\r\na = "x\r\nb = "y"', "string is not closed", 3, 5],
    ["a = 'x\nb = 1", "string is not closed", 1, 5],
    ['a = """x\ny""\n', "string is not closed", 1, 5],
    ["a = '''x", "string is not closed", 1, 5],
    ['a = "\u0001"', "string holds a control character", 1, 6],
    ['a = "\u007f"', "string holds a control character", 1, 6],
    ["a = 'x\u0000'", "string holds a control character", 1, 7],
    ['a = """x\ry"""', "string holds a control character", 1, 9],
    ["# \u0000", "expected a key", 1, 3],
    ["a = 1 # \u0001", "comment holds a control character", 1, 9],
    ['a = "\\q"', "escape sequence is not valid", 1, 6],
    ['a = "\\u12"', "escape sequence is not valid", 1, 6],
    ['a = "\\uD800"', "escape sequence is not valid", 1, 6],
    ['a = "\\U00110000"', "escape sequence is not valid", 1, 6],
    ['a = "x\\ y"', "escape sequence is not valid", 1, 7],
    ["a = yes", "value is not valid TOML (text needs quotes)", 1, 5],
    ["a = True", "value is not valid TOML (text needs quotes)", 1, 5],
    ["a = 012", "value is not valid TOML (text needs quotes)", 1, 5],
    ["a = 1__0", "value is not valid TOML (text needs quotes)", 1, 5],
    ["a = 1_", "value is not valid TOML (text needs quotes)", 1, 5],
    ["a = 1.", "value is not valid TOML (text needs quotes)", 1, 5],
    ["a = .5", "value is not valid TOML (text needs quotes)", 1, 5],
    ["a = 1.e5", "value is not valid TOML (text needs quotes)", 1, 5],
    ["a = 1e", "value is not valid TOML (text needs quotes)", 1, 5],
    ["a = 0xG", "value is not valid TOML (text needs quotes)", 1, 5],
    ["a = +0x1", "value is not valid TOML (text needs quotes)", 1, 5],
    ["a = 25:00:00", "value is not valid TOML (text needs quotes)", 1, 5],
    ["a = 1979-13-01", "value is not valid TOML (text needs quotes)", 1, 5],
    ["a = 1979-05-27T07:32:00+25:00", "value is not valid TOML (text needs quotes)", 1, 5],
    ["a = 9223372036854775808", "integer is out of range", 1, 5],
    ["a = [1, 2", "array is not closed", 1, 5],
    ["a = [1 2]", "expected `,` or `]` in the array", 1, 8],
    ["a = [1,, 2]", "expected a value", 1, 8],
    ["a = [,]", "expected a value", 1, 6],
    ["a = {b = 1", "inline table is not closed", 1, 5],
    ["a = {b = 1 c = 2}", "expected `,` or `}` in the inline table", 1, 12],
    ["a = {b}", "expected `=` after the key", 1, 7],
    ["a = {,}", "expected a key", 1, 6],
    ["[a", "table name is not closed by `]`", 1, 1],
    ["[[a]", "table name is not closed by `]]`", 1, 1],
    ["[]", "expected a key", 1, 2],
    ["[a.]", "expected a key", 1, 4],
    ["[ [a]]", "expected a key", 1, 3],
    ["a = 1\n\na = 2", "key given twice: first in line 1", 3, 1],
    ['a = 1\n"a" = 2', "key given twice: first in line 1", 2, 1],
    ["a = {b = 1, b = 2}", "key given twice: first in line 1", 1, 13],
    ["a = {b = 1}\na.c = 2", "table given twice: first in line 1", 2, 1],
    ["a = {b = 1}\n[a.c]", "table given twice: first in line 1", 2, 2],
    ["a = {b = 1}\n[a]", "table given twice: first in line 1", 2, 2],
    ["[a]\n[b]\n[a]", "table given twice: first in line 1", 3, 2],
    ["a = 1\n[a]", "key given twice: first in line 1", 2, 2],
    ["a = 1\n[a.b]", "key given twice: first in line 1", 2, 2],
    ["a = 1\na.b = 2", "key given twice: first in line 1", 2, 1],
    ["a.b = 1\na = 2", "table given twice: first in line 1", 2, 1],
    ["a.b = 1\n[a]", "table given twice: first in line 1", 2, 2],
    ["[a]\nb.c = 1\n[a.b]", "table given twice: first in line 2", 3, 4],
    ["[a.b.c]\n[a]\nb.d = 1", "table given twice: first in line 1", 3, 1],
    ["[a.b.c]\nz = 9\n[a]\nb.c.t = 1", "table given twice: first in line 1", 4, 1],
    ["[a]\n[[a]]", "table given twice: first in line 1", 2, 3],
    ["[[a]]\n[a]", "key given twice: first in line 1", 2, 2],
    ["a = []\n[[a]]", "key given twice: first in line 1", 2, 3],
    ["a = [{b = 1}]\n[a.c]", "key given twice: first in line 1", 2, 2],
  ];

Deno.test("parseToml reads valid documents as smol-toml does", () => {
  assertGreater(VALID.length, 30);
  for (const document of VALID) {
    const ours = plainOurs(parseToml(document, "x.toml"));
    assertEquals(ours, plainSmol(parseBySmol(document)), JSON.stringify(document));
  }
});

Deno.test("parseToml refuses what smol-toml refuses, with our reason, line and column", () => {
  for (const [document, reason, line, column] of INVALID) {
    assertThrows(() => parseBySmol(document), Error, undefined, JSON.stringify(document));
    const error = assertThrows(
      () => parseToml(document, "x.toml"),
      ConfigError,
      undefined,
      JSON.stringify(document),
    );
    assertEquals(
      [error.message, error.place],
      [`Cannot parse TOML: ${reason}`, { file: "x.toml", line, column }],
      JSON.stringify(document),
    );
  }
});

Deno.test("parseToml refuses a day that its month lacks, which smol-toml takes", () => {
  assertThrows(() => parseToml("a = 2021-02-29", "x.toml"), ConfigError, "not valid TOML");
  assertEquals(parseToml("a = 2024-02-29", "x.toml").get("a")?.value, "2024-02-29");
});

function verdict(read: () => Plain): Plain | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

Deno.test("parseToml agrees with smol-toml on documents with one random edit", () => {
  // Neither dates (smol-toml takes days that do not exist) nor lone surrogates.
  const documents = VALID.filter((document) => !/\d:\d/.test(document));
  const edit = fc.record({
    document: fc.constantFrom(...documents),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.integer({ min: 0, max: 3 }),
    added: fc.string({ unit: fc.constantFrom(..."a1_.\"'\\[]{}=,# \n\r+-eu") }),
  });
  fc.assert(
    fc.property(edit, ({ document, at, removed, added }) => {
      const chars = [...document];
      chars.splice(Math.floor(at * chars.length), removed, added);
      const text = chars.join("");
      assertEquals(
        verdict(() => plainOurs(parseToml(text, "x.toml"))),
        verdict(() => plainSmol(parseBySmol(text))),
        JSON.stringify(text),
      );
    }),
    { numRuns: 500 },
  );
});

Deno.test("parseToml gives the place of every key, table and array element", () => {
  const table = parseToml(
    '# head\r\na.b = 1\r\n\r\n[[servers]]\r\n  name = "x"\r\n[[servers]]\r\nlist = [\r\n  "p",\r\n  "q" ]\r\n',
    "x.toml",
  );
  const places: Record<string, string> = {};
  const collect = (table: TomlTable, path: string): void => {
    for (const [key, entry] of table) {
      places[path + key] = `${entry.line}:${entry.column}`;
      if (entry.value instanceof Map) collect(entry.value, `${path}${key}.`);
      if (!Array.isArray(entry.value)) continue;
      entry.value.forEach((element, i) => {
        places[`${path}${key}[${i}]`] = `${element.line}:${element.column}`;
        if (element.value instanceof Map) collect(element.value, `${path}${key}[${i}].`);
      });
    }
  };
  collect(table, "");
  assertEquals(places, {
    "a": "2:1",
    "a.b": "2:3",
    "servers": "4:3",
    "servers[0]": "4:3",
    "servers[0].name": "5:3",
    "servers[1]": "6:3",
    "servers[1].list": "7:1",
    "servers[1].list[0]": "8:3",
    "servers[1].list[1]": "9:3",
  });
});

Deno.test("parseToml refuses nesting past MAX_TOML_DEPTH and takes what is just below", () => {
  const nested = (depth: number): string => `a = ${"[".repeat(depth)}${"]".repeat(depth)}`;
  parseToml(nested(MAX_TOML_DEPTH), "x.toml");
  assertThrows(() => parseToml(nested(100_000), "x.toml"), ConfigError, "nested too deeply");
});

Deno.test("parseToml never quotes the document in an error", () => {
  const secret = fc.string({ unit: fc.constantFrom(..."QXZqxz#'\"\\ \n=[]{}"), minLength: 8 });
  const broken = fc.constantFrom(
    (key: string) => `api_key = "${key}`,
    (key: string) => `api_key = ${key}`,
    (key: string) => `api_key ${key}`,
    (key: string) => `${key}`,
    (key: string) => `api_key = "x"\n${key} = 1\n${key} = 2`,
    (key: string) => `[${key}]\n[${key}]`,
    (key: string) => `api_key = """${key}""`,
  );
  fc.assert(fc.property(secret, broken, (key, write) => {
    try {
      parseToml(write(key), "x.toml");
    } catch (error) {
      assert(error instanceof ConfigError, String(error));
      assert(!error.message.includes(key), error.message);
    }
  }));
});
