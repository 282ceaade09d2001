/**
 * How a folder is served. The file server has these as options of its own, the server with
 * `file_server_` before their names.
 */

import { checkCorsOrigin, checkNamePattern, checkPagePath } from "./checks.ts";
import type { OptionValues } from "./option.ts";
import { choiceOption, listOption, stringOption, switchOption } from "./option_types.ts";

const FOLDER_OPTIONS = {
  index: stringOption({
    description: "File shown in place of a folder's listing, as index.html",
    placeholder: "FILE",
    default: undefined,
    check: checkPagePath,
  }),
  spaFallback: stringOption({
    description: "File that browsers get in place of pages that are not there, with status 200",
    placeholder: "FILE",
    default: undefined,
    check: checkPagePath,
  }),
  notFoundPage: stringOption({
    description: "File sent with every 404",
    placeholder: "FILE",
    default: undefined,
    check: checkPagePath,
  }),
  precompressed: switchOption({
    description: "Send FILE.br, FILE.zst or FILE.gz in place of FILE to who accepts them",
  }),
  cors: stringOption({
    description: "Origin whose pages may read the files by script; * for every one",
    placeholder: "ORIGIN",
    default: undefined,
    check: checkCorsOrigin,
  }),
  hiddenPatterns: listOption({
    description: "Names that are hidden, beside those that begin with a dot, as *.key",
    placeholder: "PATTERN",
    check: checkNamePattern,
  }),
  symlinks: choiceOption({
    description: "Symbolic links that are followed: those that end inside the folder, " +
      "all (follow), or none",
    placeholder: "POLICY",
    choices: ["inside", "follow", "none"],
    default: "inside",
  }),
  trustedContent: switchOption({
    description: "Let HTML and SVG files run scripts: only where nobody else can write",
  }),
} as const;

export const FILE_SERVER_FOLDER_OPTIONS = {
  index: { ...FOLDER_OPTIONS.index, source: "flag" },
  spaFallback: { ...FOLDER_OPTIONS.spaFallback, source: "flag" },
  notFoundPage: { ...FOLDER_OPTIONS.notFoundPage, source: "flag" },
  precompressed: { ...FOLDER_OPTIONS.precompressed, source: "flag" },
  cors: { ...FOLDER_OPTIONS.cors, source: "flag" },
  hiddenPatterns: { ...FOLDER_OPTIONS.hiddenPatterns, source: "flag" },
  symlinks: { ...FOLDER_OPTIONS.symlinks, source: "flag" },
  trustedContent: { ...FOLDER_OPTIONS.trustedContent, source: "flag" },
} as const;

export const SERVER_FOLDER_OPTIONS = {
  fileServerIndex: FOLDER_OPTIONS.index,
  fileServerSpaFallback: FOLDER_OPTIONS.spaFallback,
  fileServerNotFoundPage: FOLDER_OPTIONS.notFoundPage,
  fileServerPrecompressed: FOLDER_OPTIONS.precompressed,
  fileServerCors: FOLDER_OPTIONS.cors,
  fileServerHiddenPatterns: FOLDER_OPTIONS.hiddenPatterns,
  fileServerSymlinks: FOLDER_OPTIONS.symlinks,
  fileServerTrustedContent: FOLDER_OPTIONS.trustedContent,
} as const;

/** Null stands for none. */
export interface FolderSettings {
  readonly index: string | null;
  readonly spaFallback: string | null;
  readonly notFoundPage: string | null;
  readonly precompressed: boolean;
  readonly cors: string | null;
  readonly hiddenPatterns: readonly string[];
  readonly symlinks: "inside" | "follow" | "none";
  readonly trustedContent: boolean;
}

export function toFolderSettings(
  values: OptionValues<typeof FOLDER_OPTIONS>,
): FolderSettings {
  const { index, spaFallback, notFoundPage, precompressed, cors } = values;
  return {
    index: index ?? null,
    spaFallback: spaFallback ?? null,
    notFoundPage: notFoundPage ?? null,
    precompressed,
    cors: cors ?? null,
    hiddenPatterns: values.hiddenPatterns,
    symlinks: values.symlinks,
    trustedContent: values.trustedContent,
  };
}

/** The settings in the server's values. */
export function toServerFolderSettings(
  values: OptionValues<typeof SERVER_FOLDER_OPTIONS>,
): FolderSettings {
  return toFolderSettings({
    index: values.fileServerIndex,
    spaFallback: values.fileServerSpaFallback,
    notFoundPage: values.fileServerNotFoundPage,
    precompressed: values.fileServerPrecompressed,
    cors: values.fileServerCors,
    hiddenPatterns: values.fileServerHiddenPatterns,
    symlinks: values.fileServerSymlinks,
    trustedContent: values.fileServerTrustedContent,
  });
}
