// npm run docs:demo: records the demo's first scenario into docs/demo.svg, an animation that needs no player.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERASE_LINE, type Output } from '../bin/demo/console';
import { show } from '../bin/demo/run';
import { SCENARIOS } from '../bin/demo/scenarios';

const [COLUMNS, ROWS] = [80, 24];
const [FONT_SIZE, LINE_HEIGHT, MARGIN] = [14, 18, 16];
/** Fits 80 columns in any monospaced font, since each part of a line is given its length. */
const ADVANCE = 8.4;
/** Of the last picture. */
const REST_SECONDS = 5;
/** A bar that moves is recorded in this many steps. */
const FRAME_SECONDS = 0.25;

/** What stands in one line of the terminal, and from when on. */
interface Shown {
  readonly row: number;
  readonly text: string;
  readonly from: number;
  until?: number;
}

/** A terminal that remembers all that it has shown. */
class Recorder implements Output {
  readonly isTTY = true;
  readonly columns = COLUMNS;
  readonly shown: Shown[] = [];
  /** When the screen has moved up to this row. */
  readonly scrolls: { readonly row: number; readonly at: number }[] = [];
  seconds = 0;
  private row = 0;
  private current?: Shown;

  write(text: string): void {
    const isRedrawn = text.startsWith(ERASE_LINE);
    const [line = '', next] = text.replace(ERASE_LINE, '').split('\n');
    if (isRedrawn && next === undefined && this.current && this.seconds - this.current.from < FRAME_SECONDS) return;
    if (isRedrawn && this.current) this.current.until = this.seconds;
    this.current = { row: this.row, text: line, from: this.seconds };
    if (line !== '') this.shown.push(this.current);
    if (next === undefined) return;
    this.current = undefined;
    this.row++;
    if (this.row >= ROWS) this.scrolls.push({ row: this.row - ROWS + 1, at: this.seconds });
  }
}

const COLORS: Readonly<Record<string, string>> = {
  1: '#ffffff',
  2: '#8b949e',
  31: '#ff7b72',
  32: '#7ee787',
  36: '#79c0ff',
};

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** What has one color in a line, each part at its column, since not every renderer stretches parts of a text alike. */
function partsOf(text: string, y: number): string {
  const parts: string[] = [];
  let [color, column] = ['', 0];
  // eslint-disable-next-line no-control-regex -- that is how a terminal is told colors
  for (const [, code, run = ''] of text.matchAll(/(?:\u001b\[(\d+)m)?([^\u001b]*)/g)) {
    if (code !== undefined) color = COLORS[code] ?? '';
    const [x, length] = [column, run.length].map((count) => (count * ADVANCE).toFixed(1));
    const fill = color === '' ? '' : ` fill="${color}"`;
    if (run.trim() !== '')
      parts.push(
        `<text x="${x ?? ''}" y="${y}" textLength="${length ?? ''}" lengthAdjust="spacingAndGlyphs"${fill}>${escaped(run)}</text>`,
      );
    column += run.length;
  }
  return parts.join('');
}

/** One value after another, over and over. A picture that does not move shows the last. */
function steps(attribute: string, whole: number, values: readonly (readonly [from: number, value: string])[]): string {
  const times = values.map(([from]) => (from / whole).toFixed(4));
  return (
    `<animate attributeName="${attribute}" calcMode="discrete" dur="${whole.toFixed(2)}s" repeatCount="indefinite" ` +
    `keyTimes="${times.join(';')}" values="${values.map(([, value]) => value).join(';')}"/>`
  );
}

function lineOf({ from, row, text, until }: Shown, whole: number): string {
  const end = until === undefined ? [] : [[until, 'hidden'] as const];
  const appears = from === 0 ? ([[0, 'visible']] as const) : ([[0, 'hidden'], [from, 'visible']] as const); // prettier-ignore
  const visibility = until === undefined ? 'visible' : 'hidden';
  const parts = partsOf(text, (row + 1) * LINE_HEIGHT);
  return `<g visibility="${visibility}">${parts}${steps('visibility', whole, [...appears, ...end])}</g>`;
}

function svgOf({ scrolls, seconds, shown }: Recorder): string {
  const whole = seconds + REST_SECONDS;
  const [width, height] = [Math.ceil(COLUMNS * ADVANCE) + 2 * MARGIN, ROWS * LINE_HEIGHT + 2 * MARGIN];
  const offsets = scrolls.map(({ row, at }) => [at, String(-row * LINE_HEIGHT)] as const);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="t">`,
    '<title id="t">The demo: a stack makes a copy, tags it, replaces it, and is deleted</title>',
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    `<svg x="${MARGIN}" y="${MARGIN - 4}" width="${width - 2 * MARGIN}" height="${ROWS * LINE_HEIGHT + 8}">`,
    `<svg y="${offsets.at(-1)?.[1] ?? 0}" overflow="visible" font-size="${FONT_SIZE}" fill="#c9d1d9" xml:space="preserve" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace">`,
    steps('y', whole, [[0, '0'], ...offsets]),
    ...shown.map((line) => lineOf(line, whole)),
    '</svg>',
    '</svg>',
    '</svg>',
    '',
  ].join('\n');
}

async function record(): Promise<void> {
  const [scenario, next] = SCENARIOS;
  if (!scenario) throw new Error('there is no scenario');
  const recorder = new Recorder();
  const sleep = (ms: number): Promise<void> => {
    recorder.seconds += ms / 1000;
    return Promise.resolve();
  };
  if (!(await show(scenario, recorder, { env: {}, sleep, next }))) throw new Error('the demo is not as expected');
  writeFileSync(join(__dirname, '..', 'docs', 'demo.svg'), svgOf(recorder));
}

void record();
