/** Files that nothing can compress. */

const MIB = 1024 * 1024;

/** Writes a new file of so many bytes. */
export async function writeRandomFile(path: string, length: number): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  const piece = randomBytes(Math.min(length, MIB));
  for (let left = length; left > 0;) {
    left -= await file.write(piece.subarray(0, Math.min(left, MIB)));
  }
}

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  // getRandomValues gives at most 64 KiB at once.
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}
