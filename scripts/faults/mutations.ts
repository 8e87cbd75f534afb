// npm run test:faults -- --mutations: whether the histories notice each deliberate mistake in the handler.
import { fork } from 'node:child_process';
import { resultOf, type Result } from '../../test/faults/campaign';
import { MUTATIONS } from '../../test/faults/mutations';

const MAX_HISTORIES = 6000;

/** Prints what caught each mutation. Whether all were caught. */
export async function catchMutations(only?: string): Promise<boolean> {
  const sound = await withMutation(undefined);
  console.info(`without a mutation: ${sound.failure ? `a violation after ${sound.done} histories` : 'no violation'}`);
  let isFine = sound.failure === undefined;
  for (const { name } of MUTATIONS.filter((one) => only === undefined || one.name === only)) {
    const { failure: found, done } = await withMutation(name);
    // What the handler does without the mutation catches nothing.
    const isCaught = found !== undefined && (sound.failure === undefined || done < sound.done);
    isFine &&= isCaught;
    console.info(`${name}: ${isCaught ? `after ${done} histories, ${verdict(found)}` : 'NOT CAUGHT'}`);
  }
  return isFine;
}

function verdict({ report }: NonNullable<Result['failure']>): string {
  if (typeof report === 'string') return report.split('\n')[0] ?? '';
  const [first] = report.violations;
  return first ? `invariant ${first.invariant}: ${first.message.slice(0, 160)}` : '';
}

/** Runs histories on a handler with the mistake, in a process of its own. */
function withMutation(name: string | undefined): Promise<Result> {
  const share = { seed: 1, histories: MAX_HISTORIES, shrinks: false };
  const options = { execArgv: process.execArgv };
  return resultOf(fork(require.resolve('../../test/faults/mutated'), [JSON.stringify(share), name ?? ''], options));
}
