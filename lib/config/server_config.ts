/** The server's configuration, from its file, its command line and the file of its key. */

import { ConfigError } from "../base/errors.ts";
import { type FoundFile, isPrivate } from "./config_files.ts";
import { type FolderSettings, toServerFolderSettings } from "./folder_options.ts";
import { type Given, type Givens, resolveOptions } from "./given.ts";
import { type PlacedTable, readKeys } from "./keys.ts";
import type { OptionValues } from "./option.ts";
import { type OriginEntry, readOrigins, toOnlyOrigin } from "./origin_list.ts";
import { SERVER_OPTIONS } from "./server_options.ts";
import { parseToml } from "./toml.ts";

export type ServerOptionValues = OptionValues<typeof SERVER_OPTIONS>;

export interface ServerConfig {
  readonly name: string;
  /** The secret. Never logged, never in an error, never on a command line. */
  readonly apiKey: string;
  /** As the user wrote it: with or without the protocol's prefix and a slash at its end. */
  readonly relayUrl: string;
  /** The folder under /files/; undefined for none. */
  readonly fileServerRoot: string | undefined;
  /** How that is served. */
  readonly folder: FolderSettings;
  /** Local web applications. */
  readonly origins: readonly OriginEntry[];
  /** Paths that must never be served, since they hold the key. */
  readonly secretFiles: readonly string[];
  /** A PEM file of further certificates to trust. */
  readonly caFile: string | undefined;
  readonly logLevel: ServerOptionValues["logLevel"];
  /** One chunk per second, as the original's flag has it. */
  readonly throttleUpload: boolean;
}

/** What file and flags say, before anything that they leave out is missed. */
export interface ServerSettings {
  readonly values: ServerOptionValues;
  readonly origins: readonly OriginEntry[];
  /** Where the key is: itself, or the file that holds it. */
  readonly keySource: KeySource;
  /** The configuration file, where there is one. */
  readonly configFile: string | undefined;
  readonly warnings: readonly string[];
}

export type KeySource =
  | { readonly kind: "key"; readonly apiKey: string }
  | { readonly kind: "file"; readonly path: string; readonly given: Given };

const KEY_HINT = "Run ptth_server --generate-key, and put the key into ptth_server.toml";

/**
 * Decodes a configuration file, or none; `flags` win over it.
 *
 * @throws {ConfigError} also for a file that others than its owner can read.
 */
export function decodeServerSettings(file: FoundFile | undefined, flags: Givens): ServerSettings {
  const root = file === undefined ? undefined : readPrivateFile(file);
  const keys = new Map(
    root === undefined ? [] : readKeys(root, { options: SERVER_OPTIONS, sections: ["origins"] }),
  );
  // A key given in one place and a file of it in another: the command line wins as everywhere.
  if (flags.has("apiKeyFile")) keys.delete("apiKey");
  const { values, given } = resolveOptions(SERVER_OPTIONS, [keys, flags]);
  return {
    values,
    origins: values.origin !== undefined
      ? [toOnlyOrigin(values.origin)]
      : root === undefined
      ? []
      : readOrigins(root),
    keySource: findKey(given, file?.path),
    configFile: file?.path,
    warnings: values.assetRoot === undefined ? [] : ["The option --asset-root has no effect"],
  };
}

/** Completes the settings by the key. */
export function toServerConfig(
  { values, origins, keySource, configFile }: ServerSettings,
  apiKey: string,
): ServerConfig {
  const { name, relayUrl, caFile, logLevel, throttleUpload } = values;
  const fileServerRoot = values.fileServerRoot ?? (origins.length === 0 ? "." : undefined);
  const place = configFile === undefined ? {} : { file: configFile };
  if (name === undefined) {
    const hint = 'Give name = "…" in the file, or --name';
    throw new ConfigError('Cannot start: "name" is missing', { ...place, hint });
  }
  if (relayUrl === undefined) {
    const hint = 'Give relay_url = "https://…" in the file, or --relay-url';
    throw new ConfigError('Cannot start: "relay_url" is missing', { ...place, hint });
  }
  const secretFiles = keySource.kind === "file" ? [keySource.path] : [];
  if (configFile !== undefined) secretFiles.push(configFile);
  return {
    name,
    apiKey,
    relayUrl,
    fileServerRoot,
    origins,
    folder: toServerFolderSettings(values),
    secretFiles,
    caFile,
    logLevel,
    throttleUpload,
  };
}

/**
 * The key in the text of its file: all but a line end.
 *
 * @throws {ConfigError} where that is nothing, or more than a line.
 */
export function parseKeyFile(text: string, given: Given): string {
  const key = text.replace(/(?:\r?\n)+$/, "");
  if (key === "" || /[\r\n]/.test(key)) {
    throw new ConfigError(
      `Cannot use ${given.label}: the file must hold the key in one line`,
      given.place,
    );
  }
  return key;
}

function readPrivateFile(file: FoundFile): PlacedTable {
  if (!isPrivate(file.mode)) {
    throw new ConfigError("Cannot use the configuration file: others than its owner can read it", {
      file: file.path,
      hint: `Run chmod 600 ${file.path}`,
    });
  }
  return { table: parseToml(file.text, file.path), place: { file: file.path } };
}

function findKey(given: Givens, configFile: string | undefined): KeySource {
  const key = given.get("apiKey");
  const keyFile = given.get("apiKeyFile");
  if (key !== undefined && keyFile !== undefined) {
    throw new ConfigError(
      `Cannot use ${keyFile.label}: "api_key" gives the key already`,
      { ...keyFile.place, hint: "Keep one of api_key and api_key_file" },
    );
  }
  if (key !== undefined) return { kind: "key", apiKey: String(key.value) };
  if (keyFile !== undefined) {
    return { kind: "file", path: String(keyFile.value), given: keyFile };
  }
  const place = configFile === undefined ? {} : { file: configFile };
  throw new ConfigError('Cannot start: "api_key" is missing', { ...place, hint: KEY_HINT });
}
