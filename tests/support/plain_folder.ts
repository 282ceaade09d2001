/** How a folder is served where nothing is configured. */

import type { FolderSettings } from "../../lib/config/folder_options.ts";

export const PLAIN_FOLDER: FolderSettings = {
  index: null,
  spaFallback: null,
  notFoundPage: null,
  precompressed: false,
  cors: null,
  hiddenPatterns: [],
  symlinks: "inside",
  trustedContent: false,
};
