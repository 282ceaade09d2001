/** What a file is to people, by its name: its icon, and how a browser can show it. */

import { mediaType } from "../http/media_type.ts";

export type FileType =
  | "image"
  | "audio"
  | "video"
  | "pdf"
  | "markdown"
  | "code"
  | "text"
  | "archive"
  | "other";

const ENDINGS: Readonly<Record<string, string>> = {
  markdown: "md markdown",
  archive: "zip tar gz tgz bz2 tbz xz txz zst 7z rar br lz4 iso dmg deb rpm jar apk whl cab",
  code: "ts tsx js jsx mjs cjs mts cts json jsonc json5 html htm xhtml xml css scss less vue " +
    "svelte py pyi rb rs go c h cc cpp cxx hpp hh m mm java kt kts scala cs fs swift dart lua pl " +
    "pm php r jl hs ml mli ex exs erl clj cljs el lisp scm zig nim v vhd asm s sh bash zsh fish " +
    "ps1 bat cmd sql graphql proto toml yaml yml ini cfg conf env tf hcl nix cmake mk gradle " +
    "diff patch tex bib dockerfile makefile",
  text: "txt text log csv tsv srt vtt nfo rst adoc org ics vcf readme license copying changelog " +
    "authors notes todo",
};

const TYPES: ReadonlyMap<string, FileType> = new Map(
  (["markdown", "archive", "code", "text"] as const).flatMap((type) =>
    (ENDINGS[type] ?? "").split(" ").map((ending) => [ending, type] as const)
  ),
);

/** Types that a browser shows by itself, without a program beside it. */
const SHOWN_REGEXP = new RegExp(
  "^(?:image/(?:png|jpeg|gif|webp|avif|svg\\+xml|bmp|x-icon|vnd\\.microsoft\\.icon|apng)" +
    "|audio/(?:mpeg|mp4|ogg|wav|x-wav|webm|flac|x-flac|aac|opus)|video/(?:mp4|webm|ogg|quicktime))$",
);

/**
 * The type of a file.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(fileType("Photo.JPG"), "image");
 * assertEquals(fileType("Makefile"), "code");
 * assertEquals(fileType("data.bin"), "other");
 * ```
 */
export function fileType(name: string): FileType {
  const ending = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  const type = TYPES.get(ending);
  if (type !== undefined) return type;
  const [media = ""] = mediaType(name).split(";");
  if (media === "application/pdf") return "pdf";
  if (SHOWN_REGEXP.test(media)) {
    if (media.startsWith("image/")) return "image";
    return media.startsWith("audio/") ? "audio" : "video";
  }
  return media.startsWith("text/") ? "text" : "other";
}

/** Whether there is more to see on a preview page than the name. */
export function hasPreview(type: FileType): boolean {
  return type !== "archive" && type !== "other";
}
