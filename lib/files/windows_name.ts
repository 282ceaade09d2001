/** Names that Windows reads as something other than a file of that name. Pure text, tested everywhere. */

// Drives and alternate streams (`:`), separators, wildcards, controls.
// deno-lint-ignore no-control-regex
const FORBIDDEN_REGEXP = /[<>:"|?*\\/\u0000-\u001f]/;
// Dropped when the file is opened: `.env.` is `.env`.
const TRAILING_REGEXP = /[. ]$/;
// A device whatever the folder and the extension; spaces before the dot are dropped.
const DEVICE_REGEXP = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.|$)/i;
// The second, short name of a file: `ENV~1` may be `.env`.
const SHORT_NAME_REGEXP = /^[^.]{1,6}~[0-9]{1,6}(?:\.[^.]{0,3})?$/;

/** True where opening `name` on Windows could open anything but a file with exactly that name. */
export function isWindowsTrap(name: string): boolean {
  return FORBIDDEN_REGEXP.test(name) || TRAILING_REGEXP.test(name) || DEVICE_REGEXP.test(name) ||
    SHORT_NAME_REGEXP.test(name);
}
