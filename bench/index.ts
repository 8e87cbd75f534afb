// Measures what the library costs, and says so: npm run bench [-- --check] [--counts] [--write] [--rounds n]
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { crowd, polling, reports, schedule } from './deployments';
import { isMissed, row, table, type Figure } from './figure';
import { handlerSize, handlerStart } from './handler';
import { synthesisTime, templates } from './synthesis';

const { values: flags } = parseArgs({
  options: {
    /** Exit with 1 when a goal is missed, or the page is stale. */
    check: { type: 'boolean' },
    /** Only what is the same on every machine. */
    counts: { type: 'boolean' },
    /** Put the table into the page. */
    write: { type: 'boolean' },
    rounds: { type: 'string', default: '25' },
  },
});

const PAGE = join(__dirname, '..', 'docs', 'measurements.md');

async function counts(): Promise<Figure[]> {
  return [
    ...handlerSize(),
    ...templates(),
    ...(await schedule()),
    ...(await polling()),
    ...(await reports()),
    ...(await crowd()),
  ];
}

async function times(rounds: number): Promise<Figure[]> {
  return [...(await handlerStart(rounds)), ...(await synthesisTime(rounds))];
}

function report(figures: Figure[]): void {
  const date = new Date().toISOString().slice(0, 10);
  const processors = cpus();
  const machine = `${processors.length} × ${processors[0]?.model ?? 'unknown'}, Node.js ${process.versions.node}`;
  writeFileSync(join(__dirname, 'results.json'), `${JSON.stringify({ date, machine, figures }, undefined, 2)}\n`);
  const text = table(figures);
  console.log(text);
  if (flags.write) writePage(`Measured on ${date}, ${machine}:\n\n${text}`);
}

function writePage(text: string): void {
  const [begin, end] = ['<!-- bench -->', '<!-- /bench -->'];
  const [before, rest] = readFileSync(PAGE, 'utf8').split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${PAGE} has no ${begin} … ${end}`);
  writeFileSync(PAGE, `${before}${begin}\n\n${text}\n\n${end}${after}`);
}

/** Counts that the page tells otherwise. The zipped size is left out: each release of Node.js zips a little differently. */
function stale(counted: readonly Figure[]): Figure[] {
  const lines = new Set(readFileSync(PAGE, 'utf8').split('\n').map(withoutPadding));
  return counted.filter((figure) => figure.unit !== 'KB' && !lines.has(withoutPadding(row(figure))));
}

const withoutPadding = (line: string): string => line.replace(/ +/g, ' ');

async function main(): Promise<void> {
  const timed = flags.counts ? [] : await times(Number(flags.rounds));
  const counted = await counts();
  report([...timed, ...counted]);
  const missed = [...timed, ...counted].filter(isMissed);
  if (missed.length > 0) console.error(`${missed.length} of the goals missed`);
  const old = stale(counted);
  if (old.length > 0)
    console.error(`docs/measurements.md tells otherwise, run npm run bench -- --write:\n${table(old)}`);
  if (flags.check && missed.length + old.length > 0) process.exitCode = 1;
}

void main();
