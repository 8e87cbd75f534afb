// Measures what the library costs, and says so: npm run bench [-- --check] [--counts] [--write] [--rounds n]
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { polling, schedule } from './deployments';
import { isMissed, table, type Figure } from './figure';
import { handlerSize, handlerStart } from './handler';
import { synthesisTime, templates } from './synthesis';

const { values: flags } = parseArgs({
  options: {
    /** Exit with 1 when a goal is missed. */
    check: { type: 'boolean' },
    /** Only what is the same on every machine. */
    counts: { type: 'boolean' },
    /** Put the table into README. */
    write: { type: 'boolean' },
    rounds: { type: 'string', default: '25' },
  },
});

async function measure(): Promise<Figure[]> {
  const rounds = Number(flags.rounds);
  const timed = flags.counts ? [] : [...(await handlerStart(rounds)), ...(await synthesisTime(rounds))];
  return [...timed, ...handlerSize(), ...templates(), ...(await schedule()), ...(await polling())];
}

function report(figures: Figure[]): void {
  const date = new Date().toISOString().slice(0, 10);
  const processors = cpus();
  const machine = `${processors.length} × ${processors[0]?.model ?? 'unknown'}, Node.js ${process.versions.node}`;
  writeFileSync(join(__dirname, 'results.json'), `${JSON.stringify({ date, machine, figures }, undefined, 2)}\n`);
  const text = table(figures);
  console.log(text);
  if (flags.write) writeReadme(`Measured on ${date}, ${machine}:\n\n${text}`);
}

function writeReadme(text: string): void {
  const file = join(__dirname, '..', 'README.md');
  const [begin, end] = ['<!-- bench -->', '<!-- /bench -->'];
  const [before, rest] = readFileSync(file, 'utf8').split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`README has no ${begin} … ${end}`);
  writeFileSync(file, `${before}${begin}\n\n${text}\n\n${end}${after}`);
}

void measure().then((figures) => {
  report(figures);
  const missed = figures.filter(isMissed);
  if (missed.length > 0) console.error(`${missed.length} of the goals missed`);
  if (flags.check && missed.length > 0) process.exitCode = 1;
});
