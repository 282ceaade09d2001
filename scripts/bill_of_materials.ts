/** What the programs are made of, as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/). Pure. */

import { Buffer } from "node:buffer";

/** As in deno.lock; names are written `name@version`, in `dependencies` often `name` alone. */
export interface LockedPackage {
  /** `sha512-` and base64. */
  readonly integrity: string;
  readonly dependencies?: readonly string[] | undefined;
}

export interface BillOptions {
  /** The project's version. */
  readonly version: string;
  readonly packages: Readonly<Record<string, LockedPackage>>;
  /** `name@version` of the packages that the programs import; the others are for tests alone. */
  readonly imported: ReadonlySet<string>;
  /** SPDX expressions by `name@version`, as far as they are known. */
  readonly licenses: ReadonlyMap<string, string>;
  /** When it is made; undefined leaves it out, so that the same lock makes the same bill. */
  readonly time?: Date | undefined;
}

interface Component {
  readonly type: "library" | "application";
  readonly "bom-ref": string;
  readonly name: string;
  readonly group?: string;
  readonly version: string;
  readonly purl?: string;
  readonly scope?: "required" | "excluded";
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly { readonly expression: string }[];
}

export interface Bill {
  readonly bomFormat: "CycloneDX";
  readonly specVersion: "1.6";
  readonly version: 1;
  readonly metadata: { readonly timestamp?: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const ROOT = "ptth";

/**
 * @throws {Error} for a dependency that is not in the lock, or an integrity of another kind.
 */
export function toBill({ version, packages, imported, licenses, time }: BillOptions): Bill {
  const ids = Object.keys(packages).sort();
  const edges = new Map(ids.map((id) => [
    id,
    (packages[id]?.dependencies ?? []).map((name) => findId(name, ids)),
  ]));
  const required = collect(imported, edges);
  const expressionOf = (id: string): Pick<Component, "licenses"> => {
    const expression = licenses.get(id);
    return expression === undefined ? {} : { licenses: [{ expression }] };
  };
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      ...time === undefined ? {} : { timestamp: time.toISOString() },
      component: {
        type: "application",
        "bom-ref": ROOT,
        name: ROOT,
        version,
        licenses: [{ expression: "AGPL-3.0-or-later" }],
      },
    },
    components: ids.map((id) => ({
      type: "library",
      "bom-ref": toPurl(id),
      ...toNames(id),
      purl: toPurl(id),
      scope: required.has(id) ? "required" : "excluded",
      hashes: [toHash(packages[id]?.integrity ?? "")],
      ...expressionOf(id),
    })),
    dependencies: [
      { ref: ROOT, dependsOn: [...imported].sort().map(toPurl) },
      ...ids.map((id) => ({ ref: toPurl(id), dependsOn: (edges.get(id) ?? []).map(toPurl) })),
    ],
  };
}

function findId(name: string, ids: readonly string[]): string {
  const id = ids.find((id) => id === name || id.slice(0, id.lastIndexOf("@")) === name);
  if (id === undefined) throw new Error(`Cannot find package "${name}": the lock lacks it`);
  return id;
}

/** These and all that they depend on. */
function collect(
  roots: ReadonlySet<string>,
  edges: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  // Grows while it is gone through.
  const found = new Set(roots);
  for (const id of found) for (const other of edges.get(id) ?? []) found.add(other);
  return found;
}

function toNames(id: string): Pick<Component, "group" | "name" | "version"> {
  const at = id.lastIndexOf("@");
  const [name = "", group] = id.slice(0, at).split("/").reverse();
  return { ...group === undefined ? {} : { group }, name, version: id.slice(at + 1) };
}

/** https://github.com/package-url/purl-spec */
function toPurl(id: string): string {
  return `pkg:npm/${id.replace(/^@/, "%40")}`;
}

function toHash(integrity: string): { readonly alg: string; readonly content: string } {
  const [, base64] = /^sha512-([A-Za-z0-9+/]+=*)$/.exec(integrity) ?? [];
  if (base64 === undefined) throw new Error(`Cannot use integrity "${integrity}": no SHA-512`);
  return { alg: "SHA-512", content: Buffer.from(base64, "base64").toString("hex") };
}
