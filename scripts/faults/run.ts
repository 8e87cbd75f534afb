// npm run test:faults: thousands of random histories, the coverage of every pair of operation and fault, and a sample
// over the whole local AWS.
import { parseArgs } from 'node:util';
import { look, runShare, runShares, unreached, type Result } from '../../test/faults/campaign';
import { FAULTS, PAIRS, ROWS } from '../../test/faults/kinds';
import { replaySample } from '../../test/faults/replay';
import { catchMutations } from './mutations';
import { survey, tell } from './survey';

const { values } = parseArgs({
  options: {
    histories: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    path: { type: 'string' },
    processes: { type: 'string', default: '2' },
    replays: { type: 'string', default: '10' },
    survey: { type: 'string' },
    index: { type: 'string' },
    mutations: { type: 'boolean', default: false },
    mutation: { type: 'string' },
  },
});

/** Fewer histories are not meant to reach all pairs. */
const FULL = 10_000;
const MAX_LOOKS = 500;

async function campaign(): Promise<boolean> {
  const [count, seed, processes] = [Number(values.histories), Number(values.seed), Number(values.processes)];
  const start = Date.now();
  let next = 1000;
  console.info(`${count} histories with seed ${seed}, ${PAIRS.length} pairs of operation and fault`);
  const shares = Array.from({ length: processes }, (_, index) => ({
    seed: seed + index,
    histories: Math.ceil(count / processes),
  }));
  const results = await runShares(shares, (done) => {
    if (done < next) return;
    console.info(`${done} histories after ${seconds(start)} s`);
    next += 1000;
  });
  const done = results.reduce((sum, result) => sum + result.done, 0);
  console.info(`${done} histories in ${seconds(start)} s, ${(done / seconds(start)).toFixed(0)} a second`);
  if (count >= FULL) {
    for (const pair of unreached(results)) results.push(await look(pair, { seed, histories: MAX_LOOKS }));
    console.info(`${seconds(start)} s with those that looked for a pair not reached by chance`);
  }
  results.forEach(printFailure);
  return printCoverage(results) && results.every(({ failure }) => !failure);
}

function printFailure({ share, failure }: Result): void {
  if (!failure) return;
  const { report } = failure;
  console.error(typeof report === 'string' ? report : report.story.join('\n'));
  console.error(JSON.stringify(failure.history, undefined, 1));
  if (typeof report !== 'string')
    for (const { invariant, message } of report.violations) console.error(`${invariant}: ${message}`);
  if (failure.path !== undefined)
    console.error(`replay with: npm run test:faults -- --seed ${share.seed} --path ${failure.path}`);
}

/** Few histories cannot reach all. */
function printCoverage(results: readonly Result[]): boolean {
  const total = (pair: string): number => results.reduce((sum, { reached }) => sum + (reached[pair] ?? 0), 0);
  for (const row of ROWS) {
    const counts = PAIRS.filter((pair) => pair.startsWith(`${row} × `)).map(total);
    const hit = counts.filter((count) => count > 0).length;
    console.info(`${row.padEnd(20)} ${hit} of ${counts.length} faults, the rarest ${Math.min(...counts)} times`);
  }
  const missed = unreached(results);
  console.info(
    `${PAIRS.length - missed.length} of ${PAIRS.length} pairs of operation and fault reached (${FAULTS.length} faults)`,
  );
  for (const pair of missed) console.info(`never reached: ${pair}`);
  return missed.length === 0 || Number(values.histories) < FULL;
}

/** One history, told line by line. */
async function replay(path: string): Promise<boolean> {
  const result = await runShare({ seed: Number(values.seed), histories: 1, path });
  printFailure(result);
  if (!result.failure) console.info('no violation');
  return !result.failure;
}

function surveyed(count: number): Promise<boolean> {
  const seed = Number(values.seed);
  return values.index === undefined ? survey(seed, count) : tell(seed, count, Number(values.index));
}

function seconds(since: number): number {
  return Math.max(1, Math.round((Date.now() - since) / 1000));
}

async function main(): Promise<boolean> {
  if (values.mutations || values.mutation !== undefined) return catchMutations(values.mutation);
  if (values.survey !== undefined) return surveyed(Number(values.survey));
  if (values.path !== undefined) return replay(values.path);
  const isFine = await campaign();
  return (await replaySample(Number(values.seed), Number(values.replays))) && isFine;
}

void main().then((isFine) => {
  process.exitCode = isFine ? 0 : 1;
});
