/** The tags of HTML that a program has made, as strictly as such HTML can be read. */

export interface HtmlTag {
  /** In lower case; with a slash in front where it closes. */
  readonly name: string;
  /** Values are as a browser has them: references are resolved. */
  readonly attributes: ReadonlyMap<string, string>;
}

const TAG_REGEXP = /<(\/?[a-z][a-z0-9]*)((?: [a-z-]+(?:="[^"<]*")?)*)(?: ?\/)?>/gy;
const ATTRIBUTE_REGEXP = / ([a-z-]+)(?:="([^"<]*)")?/g;
/** What is between tags; one that is no tag is an error, and so is a reference that is none. */
const TEXT_REGEXP = /(?:[^<&]|&(?:[a-z]+|#[0-9]+|#x[0-9a-f]+);)*/giy;
const DOCTYPE_REGEXP = /<!DOCTYPE html>/y;
const STYLE_REGEXP = /<style>[^<]*<\/style>/y;

const NAMED: Readonly<Record<string, string>> = {
  ...{ amp: "&", lt: "<", gt: ">", quot: '"' },
};

/** @throws {Error} where a tag, an attribute or a reference is not written as ours are. */
export function readTags(html: string): readonly HtmlTag[] {
  const tags: HtmlTag[] = [];
  let at = 0;
  const match = (regexp: RegExp): RegExpExecArray | undefined => {
    regexp.lastIndex = at;
    const found = regexp.exec(html) ?? undefined;
    at += found?.[0].length ?? 0;
    return found;
  };
  match(DOCTYPE_REGEXP);
  for (;;) {
    match(TEXT_REGEXP);
    if (at === html.length) return tags;
    if (match(STYLE_REGEXP) !== undefined) continue;
    const tag = match(TAG_REGEXP);
    if (tag === undefined) throw new Error(`There is no tag at ${html.slice(at, at + 80)}`);
    const [, name = "", text = ""] = tag;
    const attributes = new Map<string, string>();
    for (const [, key = "", value = ""] of text.matchAll(ATTRIBUTE_REGEXP)) {
      if (attributes.has(key)) throw new Error(`<${name}> has two ${key}`);
      attributes.set(key, resolveReferences(value));
    }
    tags.push({ name, attributes });
  }
}

function resolveReferences(text: string): string {
  return text.replace(/&(?:([a-z]+)|#([0-9]+)|#x([0-9a-f]+));/gi, (all, name, decimal, hex) => {
    if (name !== undefined) {
      const char = NAMED[name];
      if (char === undefined) throw new Error(`${all} is no reference of ours`);
      return char;
    }
    return String.fromCodePoint(decimal === undefined ? parseInt(hex, 16) : Number(decimal));
  });
}
