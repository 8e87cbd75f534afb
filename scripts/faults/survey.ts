// Goes on after a violation, and tells the kinds of them apart: for whoever mends the handler.
import * as fc from 'fast-check';
import { histories, runHistory, type History } from '../../test/faults/history';

/** Prints each kind of violation with how often it came and the first histories that show it. */
export async function survey(seed: number, count: number): Promise<boolean> {
  const kinds = new Map<string, number[]>();
  for (const [index, history] of sample(seed, count).entries()) {
    const message = await firstViolation(history);
    if (message !== undefined) kinds.set(kindOf(message), [...(kinds.get(kindOf(message)) ?? []), index]);
  }
  const byFrequency = [...kinds].sort(([, a], [, b]) => b.length - a.length);
  for (const [kind, indexes] of byFrequency)
    console.info(`${indexes.length} × ${kind}\n   ${indexes.slice(0, 5).join()}`);
  console.info(`tell one with: npm run test:faults -- --survey ${count} --seed ${seed} --index N`);
  return kinds.size === 0;
}

/** One history of a survey, line by line. */
export async function tell(seed: number, count: number, index: number): Promise<boolean> {
  const history = sample(seed, count)[index];
  if (!history) throw new Error(`there is no history ${index}`);
  console.info(JSON.stringify(history, undefined, 1));
  const { story, violations } = await runHistory(history);
  console.info(story.join('\n'));
  return violations.length === 0;
}

function sample(seed: number, count: number): History[] {
  return fc.sample(histories, { seed, numRuns: count });
}

async function firstViolation(history: History): Promise<string | undefined> {
  try {
    const [first] = (await runHistory(history)).violations;
    return first && `${first.invariant}: ${first.message}`;
  } catch (error) {
    return String(error);
  }
}

function kindOf(message: string): string {
  return message.replace(/(snap|copy)-[0-9a-f]+|arn:\S+|Copy\d|\{.*\}|\d+/g, '#').slice(0, 200);
}
