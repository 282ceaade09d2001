/** Series over time as a picture: a panel per quantity, below each other. Pure. */

import { escapeText } from "../bench/tunnel/charts.ts";
import { formatNumber } from "../bench/statistics.ts";
import type { Point } from "./trend.ts";

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Panel {
  /** With the unit. */
  readonly title: string;
  /** Three at the most: there are as many colours. */
  readonly series: readonly Series[];
}

/** In user units, which are pixels where nothing scales them. */
const WIDTH = 720;
const LEFT = 70;
const RIGHT = 12;
const TITLE_HEIGHT = 30;
const PLOT_HEIGHT = 90;
const PANEL_HEIGHT = TITLE_HEIGHT + PLOT_HEIGHT + 12;
const FOOT_HEIGHT = 26;
const LEGEND_LEFT = 480;
const LEGEND_STEP = 78;

/** Readable on light and on dark pages; `<img>` passes the visitor's choice on. */
const STYLE = `text { font: 12px system-ui, sans-serif; fill: #59636e; }
.title { font-weight: 600; font-size: 13px; fill: #1f2328; }
.frame { stroke: #d1d9e0; fill: none; }
polyline { fill: none; stroke-width: 1.5; stroke-linejoin: round; }
.line0 { stroke: #0969da; }
.line1 { stroke: #bc4c00; }
.line2 { stroke: #6e7781; }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1; }
  .title { fill: #f0f6fc; }
  .frame { stroke: #3d444d; }
  .line0 { stroke: #4493f8; }
  .line1 { stroke: #f0883e; }
  .line2 { stroke: #8d96a0; }
}`;

/** All panels share their time, from 0 to the last point. */
export function drawPanels(label: string, panels: readonly Panel[]): string {
  const ats = panels.flatMap(({ series }) =>
    series.flatMap(({ points }) => points.map((p) => p.at))
  );
  const minutes = Math.max(...ats, Number.MIN_VALUE);
  const bottom = panels.length * PANEL_HEIGHT;
  const height = bottom + FOOT_HEIGHT;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `width="${WIDTH}" height="${height}" role="img" aria-label="${escapeText(label)}">
<style>
${STYLE}
</style>
${panels.map((panel, at) => drawPanel(panel, at * PANEL_HEIGHT, minutes)).join("\n")}
<text x="${LEFT}" y="${bottom + 8}">0</text>
<text x="${WIDTH - RIGHT}" y="${bottom + 8}" text-anchor="end">${
      formatNumber(minutes)
    } minutes</text>
</svg>
`;
}

function drawPanel({ title, series }: Panel, top: number, minutes: number): string {
  const values = series.flatMap(({ points }) => points.map(({ value }) => value));
  const most = Math.max(...values, Number.MIN_VALUE);
  const plotTop = top + TITLE_HEIGHT;
  const plotWidth = WIDTH - LEFT - RIGHT;
  const toPlace = ({ at, value }: Point): string => {
    const x = LEFT + at / minutes * plotWidth;
    const y = plotTop + (1 - Math.max(0, value) / most) * PLOT_HEIGHT;
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  };
  const lines = series.map(({ name, points }, i) => {
    const x = LEGEND_LEFT + i * LEGEND_STEP;
    return `<line class="line${i}" x1="${x}" y1="${top + 18}" x2="${x + 14}" y2="${top + 18}"/>
<text x="${x + 18}" y="${top + 22}">${escapeText(name)}</text>
<polyline class="line${i}" points="${points.map(toPlace).join(" ")}"/>`;
  });
  const labelX = LEFT - 6;
  return `<text class="title" x="${LEFT}" y="${top + 22}">${escapeText(title)}</text>
<rect class="frame" x="${LEFT}" y="${plotTop}" width="${plotWidth}" height="${PLOT_HEIGHT}"/>
<text x="${labelX}" y="${plotTop + 10}" text-anchor="end">${formatNumber(most)}</text>
<text x="${labelX}" y="${plotTop + PLOT_HEIGHT}" text-anchor="end">0</text>
${lines.join("\n")}`;
}
