/**
 * The look of listings and previews, on top of that of all pages. Icons are masks, which take the
 * colour of the text around them.
 */

function icon(shape: string): string {
  const svg = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' " +
    `stroke='black' stroke-width='1.6' stroke-linecap='round' stroke-linejoin='round'>${shape}</svg>`;
  return `url("data:image/svg+xml,${svg.replaceAll("<", "%3C").replaceAll(">", "%3E")}")`;
}

const FOLDER =
  "M3 6.5V18a1 1 0 0 0 1 1h16a1 1 0 0 0 1-1V8.5a1 1 0 0 0-1-1h-8l-2-2H4a1 1 0 0 0-1 1z";
const SHEET = "<path d='M14 3H6v18h12V7zM14 3v4h4'/>";

const ICONS: Readonly<Record<string, string>> = {
  file: icon(SHEET),
  folder: icon(
    `<path fill='black' d='${FOLDER}'/>`,
  ),
  up: icon("<path d='M5 14 12 7l7 7M12 7v12'/>"),
  text: icon(`${SHEET}<path d='M9 11.5h6M9 14.5h6M9 17.5h3'/>`),
  code: icon(`${SHEET}<path d='m10.5 11.5-2 2.5 2 2.5m3-5 2 2.5-2 2.5'/>`),
  image: icon(
    "<rect x='3' y='5' width='18' height='14' rx='1.5'/><circle cx='8.5' cy='10' r='1.5'/><path d='m4 18 5.5-5 3 3 4-4 4 4'/>",
  ),
  audio: icon(
    "<path d='M9 17.5V6l10-2v11.5'/><circle cx='6.7' cy='17.5' r='2.3'/><circle cx='16.7' cy='15.5' r='2.3'/>",
  ),
  video: icon("<rect x='3' y='5' width='18' height='14' rx='1.5'/><path d='m10 9 5 3-5 3z'/>"),
  pdf: icon(`${SHEET}<path d='M8.5 17.5c3-1.5 4.5-5 4-7.5 0 2.5 2 5 3.5 5-2-.5-5 .5-7.5 2.5z'/>`),
  archive: icon("<path d='M4 8.5V20h16V8.5M3 4h18v4.5H3zM10 12.5h4'/>"),
  eye: icon(
    "<path d='M2.5 12C5 7.5 8.3 5.5 12 5.5s7 2 9.5 6.5c-2.5 4.5-5.8 6.5-9.5 6.5S5 16.5 2.5 12z'/><circle cx='12' cy='12' r='2.8'/>",
  ),
};

/** The icon of our pages in the browser's tabs, as SVG. */
export const FOLDER_ICON = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'>" +
  `<path fill='#3d7fd9' d='${FOLDER}'/></svg>`;

/** Rules that give each kind of entry its icon: `.k-image` and so on. */
const ICON_RULES = Object.entries(ICONS)
  .map(([kind, url]) => `.k-${kind}{--icon:${url}}`).join("\n");

/** The style sheet. */
export const LISTING_STYLE = `
:root{--folder:#3d7fd9;--mark:#e9f1fd;--icon:${ICONS["file"]}}
@media (prefers-color-scheme:dark){:root{--folder:#6ea8f7;--mark:#1c2b42}}
${ICON_RULES}
[hidden]{display:none!important}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
header{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:baseline;justify-content:space-between;margin-bottom:1rem}
header h1,header p{margin:0}
.dim,header p{color:var(--dim);font-size:.875rem}
.crumbs{font-size:1.25rem;line-height:1.35;min-width:0}
.crumbs ol{display:flex;flex-wrap:wrap;list-style:none;margin:0;padding:0}
.crumbs li+li::before{content:"/";color:var(--dim);padding:0 .4em}
.crumbs h1{display:inline;font:inherit;font-weight:600}
.bar{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:0 0 .75rem}
.bar form{display:flex;flex:1 1 14rem;min-width:0;max-width:26rem;gap:.5rem}
input[type=search],input[type=text]{flex:1;min-width:0;padding:.4rem .65rem;border:1px solid var(--dim);border-radius:.5rem;background:var(--bg);color:inherit;font:inherit;font-size:.9375rem}
button,.button{display:inline-block;padding:.4rem .75rem;border:1px solid var(--line);border-radius:.5rem;background:var(--soft);color:var(--fg);font:inherit;font-size:.9375rem;line-height:1.5;cursor:pointer;white-space:nowrap}
button:hover,.button:hover{background:var(--line);text-decoration:none}
.button[aria-current]{background:var(--mark);border-color:var(--folder)}
.end{margin-left:auto;display:flex;flex-wrap:wrap;gap:.5rem}
.list td,.list th{min-width:0}
.list td{padding:.35rem .6rem;line-height:1.6rem}
.list .f{width:100%}
.list .plain .f{padding-left:0}
.list th{padding-top:.25rem;padding-bottom:.25rem;white-space:nowrap}
.list th a{color:inherit}
.list [aria-sort] a{color:var(--fg)}
.list [aria-sort=ascending] a::after{content:" ↑" / ""}
.list [aria-sort=descending] a::after{content:" ↓" / ""}
.list .s,.list .d{text-align:right;white-space:nowrap;color:var(--dim);font-size:.875rem}
.list .t{width:2rem;padding:.35rem 0 .35rem .25rem}
.list tbody tr:hover{background:var(--soft)}
.list tr:has(:checked){background:var(--mark)}
.n{display:flex;gap:.6rem;align-items:flex-start}
.n::before,.tile.k::before,.eye::before{content:"";flex:none;width:1.25rem;height:1.6em;background:var(--dim);-webkit-mask:var(--icon) center/1.25rem no-repeat;mask:var(--icon) center/1.25rem no-repeat}
.k-folder .n::before,.tile.k-folder::before{background:var(--folder)}
.n a:first-child{color:var(--fg);unicode-bidi:isolate;min-width:0}
.n .dir{color:var(--dim)}
.eye{flex:none;margin-left:auto;width:1.6rem;display:flex;justify-content:center;--icon:${
  ICONS["eye"]
}}
.gone{color:var(--dim);font-style:italic}
input[type=checkbox]{width:1rem;height:1rem;margin:.3rem 0;accent-color:var(--folder)}
@media (hover:hover) and (pointer:fine){.list .eye,.list input{opacity:.55}tr:hover .eye,tr:hover input,.eye:focus-visible,.list input:focus-visible,.list input:checked{opacity:1}}
.take{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;padding:.75rem 0;background:var(--bg)}
.take .some{display:none}
form:has(td :checked) .take{position:sticky;bottom:0;border-top:1px solid var(--line)}
form:has(td :checked) .some{display:inline}
form:has(td :checked) .all{display:none}
.pages{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;padding:.75rem 0 0}
.grid{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.75rem}
.grid a{display:block;color:var(--fg);font-size:.875rem;border-radius:.5rem}
.tile{display:flex;aspect-ratio:4/3;align-items:center;justify-content:center;border-radius:.5rem;background:var(--soft);border:1px solid var(--line);overflow:hidden;margin-bottom:.25rem}
.tile img{width:100%;height:100%;object-fit:cover}
.tile.k::before{width:2.5rem;height:2.5rem;-webkit-mask-size:2.5rem;mask-size:2.5rem}
.grid .label{display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden;unicode-bidi:isolate}
.doc{margin-top:1.5rem;padding:1.25rem;border:1px solid var(--line);border-radius:.75rem;min-width:0}
.doc>:first-child{margin-top:0}
.doc>:last-child{margin-bottom:0}
.doc h2,.doc h3{line-height:1.3;margin:1.5em 0 .5em}
.doc h2{font-size:1.4rem}
.doc h3{font-size:1.15rem}
.doc h4,.doc h5,.doc h6{font-size:1rem;margin:1.25em 0 .5em}
.doc .right{text-align:right}
.doc .center{text-align:center}
.doc p a,.doc li a{text-decoration:underline}
.doc img{max-width:100%;height:auto}
.doc pre{background:var(--soft);border-radius:.5rem;padding:.75rem 1rem}
.doc pre code{font-size:inherit}
.doc table{margin:1rem 0}
.doc :not(pre)>code{background:var(--soft);border-radius:.25rem;padding:.1em .3em}
.doc blockquote{margin:0;padding-left:1rem;border-left:3px solid var(--line);color:var(--dim)}
.view{margin-top:1rem;text-align:center}
.view img,.view video{max-width:100%;max-height:80vh;border-radius:.5rem}
.view img{background:repeating-conic-gradient(var(--soft) 0 25%,var(--bg) 0 50%) 0/1.5rem 1.5rem}
.view audio{width:100%}
.view object{width:100%;height:80vh;border:1px solid var(--line);border-radius:.5rem}
.code{display:flex;margin-top:1rem;border:1px solid var(--line);border-radius:.75rem;overflow:hidden}
.code pre{padding:.75rem 1rem;white-space:pre;tab-size:4}
.code .lines{flex:none;color:var(--dim);text-align:right;background:var(--soft);user-select:none;-webkit-user-select:none}
.code .text{flex:1;min-width:0;overflow-x:auto}
.qr{display:block;width:min(18rem,100%);margin:1.5rem auto;background:#fff;border-radius:.75rem}
.address{display:block;width:min(40rem,100%);margin:0 auto;text-align:center}
.copy{text-align:center}
@media (max-width:40rem){
main{padding:1rem .75rem 2.5rem}
.end{margin-left:0}
.list thead tr{display:flex;gap:1.25rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
.list thead :is(.f,.s,.d){width:auto;border:0;padding:0}
.list thead td{display:none}
.list tbody tr{display:grid;grid-template-columns:2rem auto 1fr;border-bottom:1px solid var(--line);padding:.3rem 0}
.list tbody tr.plain{grid-template-columns:auto 1fr}
.list tbody td{border:0;padding:0}
.list .t{grid-row:1/3}
.list .f{grid-column:2/-1}
.list .plain .f{grid-column:1/-1}
.list tbody :is(.s,.d){text-align:left;font-size:.8125rem;padding-right:1rem}
.list tbody .s{padding-left:1.85rem}
.list .s:empty{display:none}
.list .s:empty+.d{grid-column:2/-1;padding-left:1.85rem}
.list .plain .s:empty+.d{grid-column:1/-1}
.k-up .d{display:none}
input[type=checkbox]{width:1.25rem;height:1.25rem;margin:.2rem 0}
.grid{grid-template-columns:repeat(auto-fill,minmax(7.5rem,1fr))}
.doc{padding:1rem}
}
@media (forced-colors:active){.n::before,.tile.k::before,.eye::before{background:CanvasText}}
@media print{.bar,.take,.eye,.list .t{display:none}}
`;
