/** QR codes for terminals, two squares to a character. */

import { renderUnicodeCompact } from "uqr";

/** White on black whatever the terminal's own colours are (ECMA-48 SGR): cameras expect no other. */
const COLOURS = "\x1b[97;40m";
const PLAIN = "\x1b[0m";

/** Lines, each with its line feed; colours only on a terminal. */
export function formatQr(text: string, isTerminal: boolean): string {
  const lines = renderUnicodeCompact(text, { border: 2 }).split("\n");
  return lines.map((line) => isTerminal ? `${COLOURS}${line}${PLAIN}\n` : `${line}\n`).join("");
}
