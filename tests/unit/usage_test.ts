import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { formatHelp, formatOptionsTable } from "../../lib/cli/usage.ts";
import { FILE_SERVER_PROGRAM } from "../../lib/config/file_server_options.ts";
import { toFlag, toKey } from "../../lib/config/option.ts";
import { RELAY_PROGRAM } from "../../lib/config/relay_options.ts";
import { SERVER_PROGRAM } from "../../lib/config/server_options.ts";

const PROGRAMS = [RELAY_PROGRAM, SERVER_PROGRAM, FILE_SERVER_PROGRAM];

Deno.test("formatHelp of every program fits 80 columns and names all that can be given", () => {
  for (const program of PROGRAMS) {
    const help = formatHelp(program);
    for (const line of help.split("\n")) {
      assert(line.length <= 80 && line === line.trimEnd(), line);
    }
    assert(help.endsWith("\n") && !help.endsWith("\n\n"));
    for (const [name, option] of Object.entries(program.options)) {
      const isFlag = new RegExp(`^  (?:-h, )?--${toFlag(name)}(?: |$)`, "m").test(help);
      assertEquals(isFlag, option.source !== "key", name);
      if (!isFlag) assertMatch(help, new RegExp(`^  ${toKey(name)} `, "m"));
    }
    for (const { header, options } of program.sections) {
      assertStringIncludes(help, `\n${header}  `);
      for (const name of Object.keys(options)) {
        assertMatch(help, new RegExp(`^  ${toKey(name)} `, "m"));
      }
    }
    for (const path of program.configFiles) assertStringIncludes(help, path);
  }
});

Deno.test("formatHelp reads as this, for the file server", () => {
  assertEquals(
    formatHelp(FILE_SERVER_PROGRAM),
    `ptth_file_server: The file server of PTTH alone, on a local port

Usage: ptth_file_server [OPTIONS] [ROOT]
       ptth_file_server hash-password

Commands:
  hash-password           Read a password from standard input, print its hash
                          for --auth-file

Options:
  --host ADDRESS          Address to listen on [default: 127.0.0.1]
  --port PORT             Port to listen on [default: 4000]
  --root FOLDER           Folder to serve, as may ROOT [default: .]
  --allow-host NAME       A further name that the server may be asked for by
                          [repeatable]
  --base-path PATH        Path that everything is below, as /shared/; the rest
                          is 404 [default: /]
  --auth-file FILE        File of the users who alone are let in, one a line:
                          NAME:HASH
  --tls-cert FILE         Certificate for https, and those that lead to an
                          authority (PEM)
  --tls-key FILE          Key of the certificate (PEM)
  --access-log FORM       Write a line per request to standard output: combined
                          (as Apache) or json [default: off]
  --max-connections COUNT
                          Most connections at once [default: 10000]
  --max-connections-per-address COUNT
                          Most connections at once of one address, or one /64 of
                          IPv6 [default: 2500]
  --qr                    Show the address as a QR code on the terminal
  --open                  Open the address in the browser
  --index FILE            File shown in place of a folder's listing, as
                          index.html
  --spa-fallback FILE     File that browsers get in place of pages that are not
                          there, with status 200
  --not-found-page FILE   File sent with every 404
  --precompressed         Send FILE.br, FILE.zst or FILE.gz in place of FILE to
                          who accepts them
  --cors ORIGIN           Origin whose pages may read the files by script; * for
                          every one
  --hidden-patterns PATTERN
                          Names that are hidden, beside those that begin with a
                          dot, as *.key [repeatable]
  --symlinks POLICY       Symbolic links that are followed: those that end
                          inside the folder, all (follow), or none [default:
                          inside]
  --trusted-content       Let HTML and SVG files run scripts: only where nobody
                          else can write
  --log-level LEVEL       Least level of what is logged: debug, info, warn,
                          error [default: info]
  -h, --help              Show this help
  --version               Show the version

Examples:
  ptth_file_server ~/public
  ptth_file_server --port 0 --root .
  ptth_file_server --host 0.0.0.0 --qr ~/public

Exit status:
  0                       Stopped on request
  1                       Failed while running
  2                       Wrong usage or configuration
`,
  );
});

Deno.test("formatHelp gives terms that are too long for their column a line of their own", () => {
  const help = formatHelp(RELAY_PROGRAM);
  assertStringIncludes(help, "\n  --answer-timeout SECONDS\n                          Longest");
  assertStringIncludes(help, "\n  --trusted-proxies CIDR  Addresses");
});

Deno.test("formatOptionsTable has a row per option and key, with as many cells as its head", () => {
  for (const program of PROGRAMS) {
    const table = formatOptionsTable(program);
    const rows = table.trimEnd().split("\n").map((line) => line.split(/(?<!\\)\|/).length);
    assertEquals(new Set(rows).size, 1, table);
    const sectionRows = program.sections.map(({ options }) => Object.keys(options).length || 1);
    const count = Object.keys(program.options).length + sectionRows.reduce((a, b) => a + b, 0);
    assertEquals(rows.length, count + 2);
  }
});

Deno.test("formatOptionsTable tells keys from options", () => {
  const table = formatOptionsTable(SERVER_PROGRAM);
  assertMatch(table, /^\| `relay_url` \| `--relay-url` \| string \|/m);
  assertMatch(table, /^\| `api_key` \| {2}\| string \|/m);
  assertMatch(table, /^\| {2}\| `--config`, `--config-path` \|/m);
  assertMatch(formatOptionsTable(RELAY_PROGRAM), /^\| `\[\[servers\]\] tripcode` \| {2}\|/m);
});
