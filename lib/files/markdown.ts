/**
 * Markdown from strangers as HTML that is safe to show among our own: tags in it are text, links
 * lead to the web, to a mail program or to a place beside it, and images come from beside it.
 */

import MarkdownIt from "markdown-it";

type Renderer = InstanceType<typeof MarkdownIt>;

const markdown = createRenderer();

/** HTML for a text in Markdown. Its headings begin one level below that of the page. */
export function renderMarkdown(text: string): string {
  return markdown.render(text);
}

/**
 * Whether an address stays where it stands: no scheme, no host, not from the top of the host,
 * which belongs to others behind a prefix.
 */
function isRelative(url: string): boolean {
  // deno-lint-ignore no-control-regex
  return !/^[/\\]|^[^/?#]*:|[\u0000-\u0020\u007f\\]/.test(url);
}

function isAllowedLink(url: string): boolean {
  return isRelative(url) || /^(?:https?:\/\/[^/\\]|mailto:)/i.test(url);
}

// Tags stay text. Plain addresses are not made links: a text can be made for which finding them takes
// ages.
function createRenderer(): Renderer {
  const renderer = new MarkdownIt({ html: false, linkify: false });
  renderer.validateLink = isAllowedLink;
  renderer.core.ruler.push("safe", ({ tokens }) => {
    for (const token of tokens) {
      if (token.type === "heading_open" || token.type === "heading_close") {
        token.tag = `h${Math.min(6, Number(token.tag.slice(1)) + 1)}`;
      }
      // Our policy allows no styles in attributes.
      const [, side] = /^text-align:(\w+)$/.exec(String(token.attrGet("style"))) ?? [];
      if (side !== undefined) token.attrs = [["class", side]];
      for (const child of token.children ?? []) {
        if (child.type === "link_open" && !isRelative(String(child.attrGet("href")))) {
          child.attrSet("rel", "nofollow noopener");
        }
        if (child.type === "image") {
          child.attrSet("loading", "lazy");
          if (!isRelative(String(child.attrGet("src")))) child.type = "text";
        }
      }
    }
  });
  return renderer;
}
