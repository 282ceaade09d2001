/** The look that all pages share. Small, since it travels within each page that stands alone. */

/** The style sheet. Colours hold a contrast of 4.5:1 and more in light and dark (WCAG 2.2 §1.4.3). */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2127;--dim:#59636e;--line:#e3e7eb;--soft:#f5f7f9;--link:#0b57c4}
@media (prefers-color-scheme:dark){:root{--bg:#15181c;--fg:#e4e7ea;--dim:#9aa4af;--line:#2b3037;--soft:#1d2126;--link:#82b5ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere;-webkit-text-size-adjust:100%}
main{max-width:64rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.25rem;line-height:1.35;margin:0 0 1rem}
a{color:var(--link);text-decoration:none}
a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.45rem .6rem;border-bottom:1px solid var(--line);vertical-align:top;font-variant-numeric:tabular-nums;min-width:5.5em}
th{font-size:.875rem;font-weight:600;color:var(--dim)}
th:first-child,td:first-child{padding-left:0}
pre,code{font:.875em/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{margin:0;white-space:pre-wrap}
`;
