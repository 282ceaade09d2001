/** Rows as pictures: a bar per contestant, the best one first. Pure. */

import { isMoreBetter } from "../cells.ts";
import { toCell } from "../report.ts";
import { formatNumber, summarize, type Summary } from "../statistics.ts";
import type { Kind } from "./contestant.ts";
import type { ChartPlace, Report, TunnelRow } from "./report.ts";

/** In user units, which are pixels where nothing scales them. */
const WIDTH = 720;
const MARGIN = 12;
const TITLE_HEIGHT = 44;
const LINE_HEIGHT = 24;
const BAR_HEIGHT = 14;
const BAR_LEFT = 200;
const BAR_WIDTH = 400;
const GAP = 6;
const LEGEND_LEFT = 430;
const LEGEND_STEP = 70;
/** Between the most and the least, from which on a scale is logarithmic. */
const LOGARITHMIC_SPAN = 100;

/** Readable on light and on dark pages; `<img>` passes the visitor's choice on. */
const STYLE = `text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 14px; }
.note { fill: #59636e; font-size: 12px; }
.ours { fill: #0969da; }
.tunnel { fill: #6e7781; }
.hop { fill: #afb8c1; }
.control { fill: #d8dee4; }
.range { stroke: #1f2328; stroke-width: 1; }
text.own { font-weight: 600; fill: #1f2328; }
@media (prefers-color-scheme: dark) {
  text, text.own { fill: #f0f6fc; }
  .note { fill: #9198a1; }
  .ours { fill: #4493f8; }
  .tunnel { fill: #8d96a0; }
  .hop { fill: #59636e; }
  .control { fill: #3d444d; }
  .range { stroke: #f0f6fc; }
}`;

/** Beside the page. */
export const CHART_FOLDER = "benchmarks";

/** Rows that are drawn. */
const DRAWN = [
  "get-1k-c1",
  "get-1k-c32",
  "new-connection",
  "get-64k",
  "big-1",
  "upload",
  "rtt-50-64m",
  "rate-common",
  "rss-start",
];

export interface Chart extends ChartPlace {
  readonly svg: string;
}

/** Pictures of the main rows, as far as these were measured. */
export function drawReport(report: Report): readonly Chart[] {
  return report.rows.flatMap((row): readonly Chart[] => {
    const svg = DRAWN.includes(row.id) ? drawRow(row, report) : undefined;
    return svg === undefined ? [] : [{ id: row.id, path: `${CHART_FOLDER}/${row.id}.svg`, svg }];
  });
}

/** What the colours mean, at the right of the second line. */
const LEGEND = (["ours", "tunnel", "hop", "control"] as const).map((kind, at) => {
  const x = LEGEND_LEFT + at * LEGEND_STEP;
  return `<rect class="${kind}" x="${x}" y="26" width="10" height="10" rx="2"/>
<text class="note" x="${x + 15}" y="35">${kind}</text>`;
}).join("\n");

interface Bar {
  readonly name: string;
  readonly kind: Kind | "ours";
  readonly summary: Summary;
}

/** Undefined where nothing was measured. */
function drawRow(row: TunnelRow, { versions, kinds }: Report): string | undefined {
  const bars = Object.keys(versions).flatMap((name): Bar[] => {
    const cell = toCell(row, name, versions);
    if (cell.kind !== "measured") return [];
    const kind = name.startsWith("ours") ? "ours" : kinds[name] ?? "tunnel";
    return [{ name, kind, summary: summarize(cell.values) }];
  });
  if (bars.length === 0) return undefined;
  const isMore = isMoreBetter(row.unit);
  bars.sort((a, b) => (a.summary.median - b.summary.median) * (isMore ? -1 : 1));
  const scale = createScale(bars, isMore);
  const notes = [
    row.unit,
    isMore ? "more is better" : "less is better",
    ...scale.isLogarithmic ? ["logarithmic"] : [],
    "line: the rounds",
  ];
  const height = TITLE_HEIGHT + bars.length * LINE_HEIGHT + MARGIN;
  const title = escapeText(row.name);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `width="${WIDTH}" height="${height}" role="img" aria-label="${title}">
<style>
${STYLE}
</style>
<text class="title" x="${MARGIN}" y="18">${title}</text>
<text class="note" x="${MARGIN}" y="35">${escapeText(notes.join(", "))}</text>
${LEGEND}
${bars.map((bar, at) => drawBar(bar, TITLE_HEIGHT + at * LINE_HEIGHT, scale)).join("\n")}
</svg>
`;
}

interface Scale {
  readonly isLogarithmic: boolean;
  /** How long a bar is. */
  readonly toLength: (value: number) => number;
}

/** Delays of very different sizes could not be told apart on a linear one. */
function createScale(bars: readonly Bar[], isMore: boolean): Scale {
  const most = Math.max(...bars.map(({ summary }) => summary.most), Number.MIN_VALUE);
  const least = Math.min(...bars.map(({ summary }) => summary.least));
  if (isMore || least <= 0 || most / least < LOGARITHMIC_SPAN) {
    return { isLogarithmic: false, toLength: (value) => Math.max(value, 0) / most * BAR_WIDTH };
  }
  const floor = Math.floor(Math.log10(least));
  const span = Math.log10(most) - floor;
  const toLength = (value: number): number => (Math.log10(value) - floor) / span * BAR_WIDTH;
  return { isLogarithmic: true, toLength };
}

function drawBar({ name, kind, summary }: Bar, top: number, { toLength }: Scale): string {
  const { median, least, most } = summary;
  const toX = (value: number): string => (BAR_LEFT + toLength(value)).toFixed(1);
  const middle = top + BAR_HEIGHT / 2;
  const textY = top + BAR_HEIGHT - 2;
  const textX = (BAR_LEFT + toLength(most) + GAP).toFixed(1);
  const label = kind === "ours" ? "own" : "other";
  return `<text class="${label}" x="${BAR_LEFT - GAP}" y="${textY}" text-anchor="end">${
    escapeText(name)
  }</text>
<rect class="${kind}" x="${BAR_LEFT}" y="${top}" width="${
    toLength(median).toFixed(1)
  }" height="${BAR_HEIGHT}" rx="2"/>
<line class="range" x1="${toX(least)}" y1="${middle}" x2="${toX(most)}" y2="${middle}"/>
<text class="${label}" x="${textX}" y="${textY}">${formatNumber(median)}</text>`;
}

/** For the text of an SVG, and its attributes. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
