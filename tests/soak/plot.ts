/** Values over time as a picture: a panel per quantity, a line per program. Pure. */

import type { Point } from "./trend.ts";

export interface Line {
  /** A class of the style below. */
  readonly program: "relay" | "server";
  readonly points: readonly Point[];
}

export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

/** In user units, which are pixels where nothing scales them. */
const WIDTH = 720;
const PANEL_HEIGHT = 130;
const PLOT_TOP = 26;
const PLOT_HEIGHT = 80;
const LEFT = 56;
const RIGHT = 12;
const FOOT = 28;

/** Readable on light and on dark pages; `<img>` passes the visitor's choice on. */
const STYLE = `text { font: 12px system-ui, sans-serif; fill: #59636e; }
text.title { font-weight: 600; font-size: 13px; fill: #1f2328; }
line { stroke: #d8dee4; }
polyline { fill: none; stroke-width: 1.25; }
.relay { stroke: #0969da; }
.server { stroke: #bc4c00; }
text.relay { fill: #0969da; stroke: none; }
text.server { fill: #bc4c00; stroke: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1; }
  text.title { fill: #f0f6fc; }
  line { stroke: #3d444d; }
  .relay { stroke: #4493f8; }
  .server { stroke: #f0883e; }
  text.relay { fill: #4493f8; }
  text.server { fill: #f0883e; }
}`;

/** Each panel's scale begins at 0 and ends at its highest value. */
export function drawPanels(panels: readonly Panel[]): string {
  const height = panels.length * PANEL_HEIGHT + FOOT;
  const seconds = Math.max(
    1,
    ...panels.flatMap(({ lines }) => lines.map(({ points }) => points.at(-1)?.at ?? 0)),
  );
  const parts = panels.map((panel, i) => drawPanel(panel, i * PANEL_HEIGHT, seconds));
  const minutes = (seconds / 60).toFixed(seconds < 600 ? 1 : 0);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<style>${STYLE}</style>
${parts.join("\n")}
<text x="${LEFT}" y="${height - 10}">0</text>
<text x="${WIDTH - RIGHT}" y="${height - 10}" text-anchor="end">${minutes} minutes</text>
</svg>
`;
}

function drawPanel({ title, lines }: Panel, top: number, seconds: number): string {
  const most = Math.max(1, ...lines.flatMap(({ points }) => points.map(({ value }) => value)));
  const bottom = top + PLOT_TOP + PLOT_HEIGHT;
  const toX = (at: number): string => (LEFT + (WIDTH - LEFT - RIGHT) * at / seconds).toFixed(1);
  const toY = (value: number): string => (bottom - PLOT_HEIGHT * value / most).toFixed(1);
  const drawn = lines.map(({ program, points }) => {
    const places = points.map(({ at, value }) => `${toX(at)},${toY(value)}`).join(" ");
    return `<polyline class="${program}" points="${places}"/>`;
  });
  const labels = lines.map(({ program }, i) =>
    `<text class="${program}" x="${WIDTH - RIGHT - 60 * i}" y="${top + 18}" text-anchor="end">` +
    `${program}</text>`
  );
  return [
    `<text class="title" x="${LEFT}" y="${top + 18}">${title}</text>`,
    ...labels,
    `<line x1="${LEFT}" y1="${bottom}" x2="${WIDTH - RIGHT}" y2="${bottom}"/>`,
    `<text x="${LEFT - 6}" y="${bottom}" text-anchor="end">0</text>`,
    `<text x="${LEFT - 6}" y="${top + PLOT_TOP + 10}" text-anchor="end">${most.toFixed(0)}</text>`,
    ...drawn,
  ].join("\n");
}
