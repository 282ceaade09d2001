/**
 * The rules of who may import what, and who may touch the system, checked over modules that have
 * been read. `check_layers.ts` reads them.
 */

/** Per folder of lib/, the folders that it may import beside itself. */
const LAYERS: ReadonlyMap<string, readonly string[]> = new Map([
  ["base", []],
  ["http", ["base"]],
  ["client", ["http", "base"]],
  ["wire", ["http", "base"]],
  ["auth", ["base"]],
  ["config", ["base"]],
  ["archive", ["base"]],
  ["files", ["archive", "http", "base"]],
  ["relay", ["wire", "http", "auth", "base"]],
  ["server", ["client", "wire", "http", "auth", "files", "base"]],
  ["cli", ["relay", "server", "files", "config", "auth", "client", "wire", "http", "base"]],
  ["entry", ["cli"]],
]);

/** Modules outside lib/cli that may use `Deno`, each with the reason. */
const DENO_ADAPTERS: ReadonlyMap<string, string> = new Map([
  ["lib/files/deno_file_system.ts", "the one implementation of FileSystem, and nothing else"],
]);

/** A module of the project. Paths are relative to its root, with `/`. */
export interface Module {
  readonly path: string;
  readonly text: string;
  /** Modules of the project that it imports, also for a type alone; packages are left out. */
  readonly imports: readonly string[];
}

export interface Breach {
  readonly path: string;
  readonly reason: string;
}

/** Every breach of the rules. */
export function findBreaches(
  modules: readonly Module[],
  { entries, adapters = DENO_ADAPTERS }: {
    /**
     * Modules that run as programs, or that programs of other people import; where there are any,
     * the others must be reached from them.
     */
    readonly entries: readonly string[];
    readonly adapters?: ReadonlyMap<string, string>;
  },
): readonly Breach[] {
  return [
    ...modules.flatMap(findWrongImports),
    ...modules.filter(({ text }) => isBarrel(text))
      .map(({ path }) => ({ path, reason: "it only re-exports: import from the declaring file" })),
    ...modules.filter(({ path, text }) => usesDeno(text) && !mayUseDeno(path, adapters))
      .map(({ path }) => ({ path, reason: "it uses Deno: pass the effect in from lib/cli" })),
    ...[...adapters.keys()].filter((path) => !isAdapter(modules, path))
      .map((path) => ({ path, reason: "it is listed as using Deno, and does not" })),
    ...findCycles(modules),
    ...findUnreached(modules, entries),
  ];
}

function findWrongImports({ path, imports }: Module): Breach[] {
  const layer = toLayer(path);
  const allowed = LAYERS.get(layer);
  if (allowed === undefined) return [{ path, reason: `no rule for the folder "${layer}"` }];
  return imports
    .filter((other) => toLayer(other) !== layer && !allowed.includes(toLayer(other)))
    .map((other) => ({ path, reason: `${layer} may not import ${other}` }));
}

/** `lib/http/range.ts` is of http, `relay.ts` an entry, `tests/…` of tests. */
function toLayer(path: string): string {
  const [first = "", second, third] = path.split("/");
  if (second === undefined) return "entry";
  return first === "lib" && third !== undefined ? second : first;
}

/** Nothing but `export … from`. */
function isBarrel(text: string): boolean {
  const code = dropComments(text).trim();
  const rest = code.replace(/\bexport\s+(?:type\s+)?(?:\*|\{)[^;]*?\bfrom\s*""\s*;?/g, "").trim();
  return code !== "" && rest === "";
}

function usesDeno(text: string): boolean {
  return /\bDeno\b/.test(dropComments(text));
}

function mayUseDeno(path: string, adapters: ReadonlyMap<string, string>): boolean {
  return toLayer(path) === "cli" || adapters.has(path);
}

function isAdapter(modules: readonly Module[], path: string): boolean {
  return modules.some((module) => module.path === path && usesDeno(module.text));
}

/** The code without comments and without what stands in quotes; templates stay, they hold code. */
function dropComments(text: string): string {
  const quotedOrComment =
    /\/\*[\s\S]*?\*\/|\/\/.*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`/g;
  return text.replace(quotedOrComment, (part) => {
    if (part.startsWith("`")) return part;
    return part.startsWith("/") ? "" : '""';
  });
}

/** One breach per cycle met, at the module that closes it. */
function findCycles(modules: readonly Module[]): Breach[] {
  const imports = new Map(modules.map((module) => [module.path, module.imports]));
  const breaches: Breach[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const cycle = [...trail.slice(start), path].join(" > ");
      breaches.push({ path: trail.at(-1) ?? path, reason: `it closes a cycle: ${cycle}` });
      return;
    }
    if (done.has(path)) return;
    trail.push(path);
    for (const next of imports.get(path) ?? []) visit(next);
    trail.pop();
    done.add(path);
  };
  for (const { path } of modules) visit(path);
  return breaches;
}

/** Dead code, or alive in tests alone; and entries that went. */
function findUnreached(modules: readonly Module[], entries: readonly string[]): Breach[] {
  if (entries.length === 0) return [];
  const imports = new Map(modules.map((module) => [module.path, module.imports]));
  const reached = new Set<string>();
  const next = [...entries];
  for (let path = next.pop(); path !== undefined; path = next.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    next.push(...imports.get(path) ?? []);
  }
  return [
    ...entries.filter((path) => !imports.has(path))
      .map((path) => ({ path, reason: "it is listed as an entry, and does not exist" })),
    ...modules.filter(({ path }) => !reached.has(path))
      .map(({ path }) => ({ path, reason: "no entry reaches it" })),
  ];
}
