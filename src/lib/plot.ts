/** A line of a plot; `points` are pairs of x and y, in order of x. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly color: string;
  /** A value holds until the next one, instead of a straight line between them. */
  readonly steps?: boolean;
  readonly dashed?: boolean;
  /** Fills the area below. */
  readonly filled?: boolean;
}

/** One coordinate system; all panels of a plot share the x axis. */
export interface Panel {
  /** What y is, with its unit. */
  readonly title: string;
  readonly lines: readonly Line[];
  /** Moments worth a word: a thin vertical line with a text. */
  readonly marks?: readonly { readonly x: number; readonly text: string }[];
  readonly height?: number;
}

export interface Plot {
  readonly title: string;
  readonly subtitle?: string;
  /** x counts seconds and is shown as a time. */
  readonly panels: readonly Panel[];
}

/** Colours that are told apart by everybody, on white; the first four are furthest apart. */
export const plotColors = ["#1b6ec2", "#d9480f", "#2b8a3e", "#9c36b5", "#b08900", "#0b7285", "#c2255c", "#495057"];
export const plotGray = "#868e96";

const width = 960;
const left = 64;
const right = 24;
const plotWidth = width - left - right;
/** More points than that are not seen on `plotWidth` pixels. */
const mostPointsOfLine = 2000;

/** Draws a plot as SVG. Text is in the reader's sans-serif font, so widths are estimates. */
export function drawPlot({ title, subtitle, panels }: Plot): string {
  const xs = panels.flatMap(({ lines }) =>
    lines.flatMap(({ points }) => [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0]),
  );
  const xMin = Math.min(0, ...xs);
  const xMax = Math.max(xMin + 1, ...xs);
  const toX = (x: number) => left + ((x - xMin) / (xMax - xMin)) * plotWidth;
  const parts: string[] = [];
  let top = 16;
  parts.push(text(left, top + 14, title, 'font-size="17" font-weight="600" fill="#212529"'));
  top += 24;
  if (subtitle) {
    parts.push(text(left, top + 12, subtitle, 'font-size="12.5" fill="#495057"'));
    top += 20;
  }
  for (const panel of panels) {
    const drawn = drawPanel(panel, top, toX, xMin, xMax);
    parts.push(drawn.svg);
    top = drawn.bottom;
  }
  const height = top + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif">
<title>${escaped(title)}</title>
<rect width="${width}" height="${height}" fill="#ffffff"/>
${parts.join("\n")}
</svg>
`;
}

function drawPanel(panel: Panel, top: number, toX: (x: number) => number, xMin: number, xMax: number) {
  const height = panel.height ?? 200;
  const legend = drawLegend(panel, top + 22);
  const begin = legend.bottom + 10;
  const end = begin + height;
  const highest = panel.lines.reduce((most, { points }) => points.reduce((max, [, y]) => Math.max(max, y), most), 0);
  const step = niceStep(highest, 4);
  const yMax = Math.max(step, Math.ceil((highest * 1.02) / step) * step);
  const toY = (y: number) => end - (y / yMax) * height;

  const grid: string[] = [];
  for (let y = 0; y <= yMax + step / 2; y += step) {
    const at = fixed(toY(y));
    grid.push(`<path d="M${left} ${at}H${left + plotWidth}" stroke="${y === 0 ? "#868e96" : "#e9ecef"}"/>`);
    grid.push(text(left - 8, Number(at) + 4, number(y), 'text-anchor="end" font-size="11.5" fill="#495057"'));
  }
  const xStep = niceTimeStep(xMax - xMin);
  for (let x = Math.ceil(xMin / xStep) * xStep; x <= xMax; x += xStep) {
    const at = fixed(toX(x));
    grid.push(`<path d="M${at} ${end}v4" stroke="#868e96"/>`);
    grid.push(text(Number(at), end + 17, clock(x), 'text-anchor="middle" font-size="11.5" fill="#495057"'));
  }
  const marks = (panel.marks ?? []).map(({ x, text: words }) => {
    const at = toX(x);
    const side = at > left + plotWidth * 0.75 ? 'text-anchor="end"' : 'text-anchor="start"';
    const shift = at > left + plotWidth * 0.75 ? -5 : 5;
    return `<path d="M${fixed(at)} ${begin}V${end}" stroke="#343a40" stroke-dasharray="2 3"/>${text(at + shift, begin + 12, words, `${side} font-size="11.5" fill="#343a40"`)}`;
  });
  return {
    svg: [
      text(left, top + 16, panel.title, 'font-size="13" font-weight="600" fill="#343a40"'),
      legend.svg,
      ...grid,
      ...panel.lines.map((line) => drawLine(line, toX, toY, xMax)),
      ...marks,
    ].join("\n"),
    bottom: end + 30,
  };
}

function drawLegend({ lines }: Panel, top: number): { svg: string; bottom: number } {
  const parts: string[] = [];
  let x = left;
  let y = top;
  for (const { name, color, dashed, filled } of lines) {
    const wide = 34 + name.length * 6.6;
    if (x + wide > left + plotWidth && x > left) {
      x = left;
      y += 17;
    }
    parts.push(
      filled
        ? `<rect x="${x}" y="${y + 3}" width="18" height="9" fill="${color}" fill-opacity="0.25" stroke="${color}"/>`
        : `<path d="M${x} ${y + 8}h18" stroke="${color}" stroke-width="2"${dashed ? ' stroke-dasharray="4 3"' : ""}/>`,
    );
    parts.push(text(x + 23, y + 12, name, 'font-size="12" fill="#343a40"'));
    x += wide;
  }
  return { svg: parts.join("\n"), bottom: y + 16 };
}

function drawLine(line: Line, toX: (x: number) => number, toY: (y: number) => number, xMax: number): string {
  const points = thinned(line.points);
  const first = points[0];
  if (!first) return "";
  let path = `M${fixed(toX(first[0]))} ${fixed(toY(first[1]))}`;
  for (const [x, y] of points.slice(1)) {
    path += line.steps ? `H${fixed(toX(x))}V${fixed(toY(y))}` : `L${fixed(toX(x))} ${fixed(toY(y))}`;
  }
  const last = points.at(-1)!;
  if (line.steps) path += `H${fixed(toX(xMax))}`;
  const area = line.filled
    ? `<path d="${path}V${fixed(toY(0))}H${fixed(toX(first[0]))}Z" fill="${line.color}" fill-opacity="0.16"/>`
    : "";
  const dash = line.dashed ? ' stroke-dasharray="4 3"' : "";
  const dot =
    points.length === 1
      ? `<circle cx="${fixed(toX(last[0]))}" cy="${fixed(toY(last[1]))}" r="2.5" fill="${line.color}"/>`
      : "";
  return `${area}<path d="${path}" fill="none" stroke="${line.color}" stroke-width="${line.dashed ? 1.5 : 2}" stroke-linejoin="round"${dash}/>${dot}`;
}

/** Keeps the lowest and the highest point of each stretch, so that no peak is lost. */
function thinned(points: Line["points"]): Line["points"] {
  if (points.length <= mostPointsOfLine) return points;
  const stretch = Math.ceil(points.length / (mostPointsOfLine / 2));
  const kept: (readonly [number, number])[] = [];
  for (let from = 0; from < points.length; from += stretch) {
    const part = points.slice(from, from + stretch);
    const low = part.reduce((least, point) => (point[1] < least[1] ? point : least));
    const high = part.reduce((most, point) => (point[1] > most[1] ? point : most));
    kept.push(...(low === high ? [low] : low[0] < high[0] ? [low, high] : [high, low]));
  }
  return kept;
}

/** 1, 2 or 5 times a power of ten, so that about `count` steps reach `highest`. */
function niceStep(highest: number, count: number): number {
  const rough = Math.max(highest, 1e-9) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999) ?? 10 * power;
}

function niceTimeStep(seconds: number): number {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];
  return steps.find((step) => seconds / step <= 12) ?? 86_400;
}

/** Seconds as 0:05, 12:00 or 1:00:00. */
function clock(seconds: number): string {
  const pad = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const rest = pad(Math.round(seconds % 60));
  return hours > 0 ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
}

function number(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function text(x: number, y: number, words: string, attributes: string): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes}>${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
