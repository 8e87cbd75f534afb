// Many histories, shared out to processes, and what they show.
import { fork, type ChildProcess } from 'node:child_process';
import * as fc from 'fast-check';
import { histories, historiesAbout, runHistory, type History, type Report } from './history';
import { PAIRS, ROW_AND_FAULT } from './kinds';

export interface Share {
  readonly seed: number;
  readonly histories: number;
  /** Replays one history, as fast-check names it. */
  readonly path?: string;
  /** Whether a history that shows a violation is made small. Default: true. */
  readonly shrinks?: boolean;
}

export interface Result {
  readonly share: Share;
  readonly done: number;
  /** How often each pair of operation and fault was reached. */
  readonly reached: Readonly<Record<string, number>>;
  readonly failure?: { readonly path?: string; readonly history: History; readonly report: Report | string };
}

/** Runs histories in this process until one shows a violation, which is then made as small as it gets. */
export async function runShare(share: Share, progress: (done: number) => void = () => undefined): Promise<Result> {
  const reached: Record<string, number> = {};
  let done = 0;
  const property = fc.asyncProperty(histories, async (history) => {
    const report = await runHistory(history);
    for (const pair of report.reached) reached[pair] = (reached[pair] ?? 0) + 1;
    progress(++done);
    if (report.violations.length > 0) throw new Error(report.violations.map(({ message }) => message).join('\n'));
  });
  const { seed, histories: numRuns, path, shrinks = true } = share;
  const details = await fc.check(property, {
    seed,
    numRuns,
    endOnFailure: !shrinks,
    ...(path !== undefined && { path }),
  });
  if (!details.failed || !details.counterexample) return { share, done, reached };
  const [history] = details.counterexample;
  const report = await runHistory(history).catch((error: unknown) => String((error as Error).stack));
  return { share, done, reached, failure: { path: details.counterexamplePath, history, report } };
}

/** The same in as many processes as there are shares. */
export async function runShares(shares: readonly Share[], progress: (done: number) => void): Promise<Result[]> {
  const done = shares.map(() => 0);
  return Promise.all(
    shares.map((share, index) =>
      resultOf(fork(__filename, [JSON.stringify(share)], { execArgv: process.execArgv }), (count) => {
        done[index] = count;
        progress(done.reduce((sum, each) => sum + each, 0));
      }),
    ),
  );
}

type Message = { readonly progress: number } | { readonly result: Result };

/** What a process of `serve` finds. */
export function resultOf(child: ChildProcess, progress: (done: number) => void = () => undefined): Promise<Result> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: Message) => {
      if ('progress' in message) progress(message.progress);
      else resolve(message.result);
    });
    child.on('exit', (code) => {
      reject(new Error(`a process ended without a result (${code ?? 'killed'})`));
    });
  });
}

/** Pairs that no history has reached. */
export function unreached(results: readonly Result[]): string[] {
  return PAIRS.filter((pair) => !results.some(({ reached }) => pair in reached));
}

/** Looks for a pair that no random history has reached, and answers what came of those that were to reach it. */
export async function look(pair: string, share: Share): Promise<Result> {
  const { row, fault } = ROW_AND_FAULT.get(pair) ?? {};
  if (!row || !fault) throw new Error(`there is no pair ${pair}`);
  let done = 0;
  for (const history of fc.sample(historiesAbout(row, fault), { seed: share.seed, numRuns: share.histories })) {
    const report = await runHistory(history);
    done += 1;
    if (report.violations.length > 0) return { share, done, reached: {}, failure: { history, report } };
    if (report.reached.includes(pair)) return { share, done, reached: { [pair]: 1 } };
  }
  return { share, done, reached: {} };
}

/**
 * Runs histories in this process for its parent.
 *
 * @public
 */
export async function serve(share: Share): Promise<void> {
  const send = (message: Message): void => void process.send?.(message);
  const result = await runShare(share, (done) => {
    if (done % 50 === 0) send({ progress: done });
  });
  send({ result });
  process.disconnect();
}

if (require.main === module && process.send) void serve(JSON.parse(process.argv[2] ?? '{}') as Share);
