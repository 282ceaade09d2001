/**
 * docs/security-tests.md, whose tables are printed by the tests that try their rows. A table that
 * the page has otherwise is a failure; `deno task security-tests` writes it anew.
 */

import { assertEquals } from "@std/assert";

const PAGE = new URL("../../docs/security-tests.md", import.meta.url);

/** One table of the page, between `<!-- table:NAME -->` and `<!-- /table -->`. */
export interface SecurityTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** Cells in Markdown; none is the same in two runs for another reason than the code. */
  readonly rows: readonly (readonly string[])[];
}

/** Compares a table with the page, or writes it there. To be called once its rows have been tried. */
export async function printTable({ name, columns, rows }: SecurityTable): Promise<void> {
  const lines = [columns, columns.map(() => "---"), ...rows].map((cells) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`
  );
  const begin = `<!-- table:${name} -->\n`;
  // `deno fmt` would pad the cells.
  const table = `\n<!-- deno-fmt-ignore -->\n${lines.join("")}\n`;
  const page = await Deno.readTextFile(PAGE);
  const start = page.indexOf(begin) + begin.length;
  const end = page.indexOf("<!-- /table -->", start);
  if (start < begin.length || end < 0) {
    throw new Error(`Cannot print table "${name}": docs/security-tests.md has no place for it`);
  }
  if (Deno.env.get("WRITE_SECURITY_TESTS") === "1") {
    await Deno.writeTextFile(PAGE, page.slice(0, start) + table + page.slice(end));
  } else {
    assertEquals(page.slice(start, end), table, "Run deno task security-tests, and look at it");
  }
}
