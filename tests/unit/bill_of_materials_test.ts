import { assertEquals, assertThrows } from "@std/assert";
import { toBill } from "../../scripts/bill_of_materials.ts";

const INTEGRITY = `sha512-${"A".repeat(86)}==`;

const PACKAGES = {
  "@scope/a@1.0.0": { integrity: INTEGRITY, dependencies: ["b"] },
  "b@2.0.0": { integrity: INTEGRITY, dependencies: ["c@3.0.0"] },
  "c@3.0.0": { integrity: INTEGRITY },
  "test-only@4.0.0": { integrity: INTEGRITY },
};

const OPTIONS = {
  version: "3.0.0",
  packages: PACKAGES,
  imported: new Set(["@scope/a@1.0.0"]),
  licenses: new Map([["b@2.0.0", "MIT"]]),
};

Deno.test("toBill lists what is locked, and what of it the programs need", () => {
  const { components, metadata } = toBill(OPTIONS);
  assertEquals(metadata.component.version, "3.0.0");
  assertEquals(components.map(({ purl, scope }) => [purl, scope]), [
    ["pkg:npm/%40scope/a@1.0.0", "required"],
    ["pkg:npm/b@2.0.0", "required"],
    ["pkg:npm/c@3.0.0", "required"],
    ["pkg:npm/test-only@4.0.0", "excluded"],
  ]);
  assertEquals(components[0]?.group, "@scope");
  assertEquals(components[0]?.hashes, [{ alg: "SHA-512", content: "0".repeat(128) }]);
  assertEquals(components.map(({ licenses }) => licenses), [
    undefined,
    [{ expression: "MIT" }],
    undefined,
    undefined,
  ]);
});

Deno.test("toBill tells what depends on what", () => {
  assertEquals(toBill(OPTIONS).dependencies, [
    { ref: "ptth", dependsOn: ["pkg:npm/%40scope/a@1.0.0"] },
    { ref: "pkg:npm/%40scope/a@1.0.0", dependsOn: ["pkg:npm/b@2.0.0"] },
    { ref: "pkg:npm/b@2.0.0", dependsOn: ["pkg:npm/c@3.0.0"] },
    { ref: "pkg:npm/c@3.0.0", dependsOn: [] },
    { ref: "pkg:npm/test-only@4.0.0", dependsOn: [] },
  ]);
});

Deno.test("toBill is the same for the same lock, unless it is given a time", () => {
  assertEquals(toBill(OPTIONS), toBill(OPTIONS));
  assertEquals(toBill(OPTIONS).metadata.timestamp, undefined);
  const { timestamp } = toBill({ ...OPTIONS, time: new Date(0) }).metadata;
  assertEquals(timestamp, "1970-01-01T00:00:00.000Z");
});

Deno.test("toBill refuses a lock that lacks a package, or has no SHA-512 of it", () => {
  const packages = { "a@1.0.0": { integrity: INTEGRITY, dependencies: ["b"] } };
  assertThrows(() => toBill({ ...OPTIONS, packages }), Error, "the lock lacks it");
  const weak = { "a@1.0.0": { integrity: "sha1-AAAA" } };
  assertThrows(() => toBill({ ...OPTIONS, packages: weak }), Error, "no SHA-512");
});
