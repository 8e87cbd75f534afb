// Deliberate mistakes in the handler, each of which the histories have to notice. They are made in a copy.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runElsewhere, type Result } from './campaign';

export interface Mutation {
  readonly name: string;
  /** Occurs once in lambda/. */
  readonly find: string;
  readonly replace: string;
}

/** Where two guards do the same, one mistake alone is no violation: those are left to the unit tests. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a StateMessage while pending is a failure',
    find: "export const isFailed = ({ state }: Copy): boolean => state === 'error';",
    replace:
      "export const isFailed = ({ state, snapshot }: Copy): boolean => state === 'error' || snapshot.StateMessage !== undefined;",
  },
  {
    name: 'throttling is the end',
    find: "return kind === 'transient' || kind === 'missing' ||",
    replace: "return kind === 'missing' ||",
  },
  {
    name: 'a denied call is the end, however young the role',
    find: "(kind === 'denied' && elapsed(poll) < GRACE_MS)",
    replace: 'false',
  },
  {
    name: 'success before all doubles are visible',
    find: 'if (!isSettled(poll, copy, operation)) return WAIT;',
    replace: '',
  },
  {
    name: 'doubles and strays are left',
    find: "if (!isPresent || (stray.id !== present && isRollback(operation))) await deleteCopy(poll, stray, 'delete stray');",
    replace: '',
  },
  {
    name: 'nobody asks whether the stack operation goes on',
    find: 'if (!isSameOperation(request, operation)) return abandon(poll, copies, operation);',
    replace: '',
  },
  {
    name: 'Delete of a handle answers at once',
    find: 'if (elapsed(poll) < settleTimeOf(poll) && !wanted.dryRun) {',
    replace: 'if (elapsed(poll) < 0) {',
  },
  {
    name: 'Create adopts finished copies of an earlier life',
    find: "type === 'Update' ? earlier.findLast(isFinished) : undefined",
    replace: 'earlier.findLast(isFinished)',
  },
  {
    name: 'Update adopts copies of other inputs',
    find: 'copy.tags[TAG.inputs] === wanted.inputs && !isAttempt(copy)',
    replace: '!isAttempt(copy)',
  },
  {
    name: 'the mark of a retained copy means nothing',
    find: 'const isLoose = isUnfinished(copy) || copy.tags[TAG.retain] === undefined;',
    replace: 'const isLoose = true as boolean;',
  },
  {
    name: 'tags are compared with what a stale read says',
    find: 'changed.includes(key) || wanted[key] !== copy.tags[key]',
    replace: 'wanted[key] !== copy.tags[key]',
  },
  {
    name: 'copies without our tags are deleted too',
    find: 'if (!isOurs(copy, request)) throw lostTags(handle, wanted.destinationRegion);',
    replace: '',
  },
  {
    name: 'the encoded authorization message is shown',
    find: "message.replace(/Encoded authorization failure message:.*/s, '').trim()",
    replace: 'message.trim()',
  },
  {
    name: 'any copy will do for the state',
    find: "export const isFinished = ({ state }: Copy): boolean => state === 'completed';",
    replace: "export const isFinished = ({ state }: Copy): boolean => state !== 'error';",
  },
  {
    name: 'an update deletes the present copy when a stale read shows it unfinished',
    find: 'if (!isPresent || (stray.id',
    replace: 'if ((true as boolean) || (stray.id',
  },
  {
    name: 'a rollback leaves the finished copy of the update',
    find: '  await forgetOthers(poll, copies, copy, operation);\n  return finish',
    replace: '  return finish',
  },
  {
    name: 'the copy of another request is missed when that deletes it',
    find: 'if (isStartedUnder(request.handle)(copy)) poll.sightings.set(',
    replace: 'poll.sightings.set(',
  },
];

const ROOT = join(__dirname, '../..');
const NEEDED = ['lambda', 'lib/contract.ts', 'test/faults', 'local-aws', 'test/lambda/in-process.ts'];
const MAX_HISTORIES = 6000;

/** Prints what caught each mutation. Whether all were. */
export async function catchMutations(): Promise<boolean> {
  const sound = await withMutation(undefined);
  console.info(`without a mutation: ${sound.failure ? `a violation after ${sound.done} histories` : 'no violation'}`);
  let isFine = sound.failure === undefined;
  for (const mutation of MUTATIONS) {
    const { failure, done } = await withMutation(mutation);
    // What the handler does without the mutation catches nothing.
    const isCaught = failure !== undefined && (sound.failure === undefined || done < sound.done);
    isFine &&= isCaught;
    console.info(`${mutation.name}: ${isCaught ? `after ${done} histories, ${verdict(failure)}` : 'NOT CAUGHT'}`);
  }
  return isFine;
}

function verdict({ report }: NonNullable<Result['failure']>): string {
  if (typeof report === 'string') return report.split('\n')[0] ?? '';
  const [first] = report.violations;
  return first ? `invariant ${first.invariant}: ${first.message.slice(0, 160)}` : '';
}

async function withMutation(mutation: Mutation | undefined): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'mutation-'));
  try {
    for (const name of NEEDED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    for (const name of ['package.json', 'tsconfig.json']) cpSync(join(ROOT, name), join(folder, name));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    if (mutation) {
      const { file, source } = mutated(mutation);
      writeFileSync(join(folder, file), source);
    }
    const share = { seed: 1, histories: MAX_HISTORIES, shrinks: false };
    return await runElsewhere(share, join(folder, 'test/faults/campaign.ts'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The file to change and its mutated source; throws when the place to mutate is no longer there. */
export function mutated({ name, find, replace }: Mutation): { file: string; source: string } {
  const found = readdirSync(join(ROOT, 'lambda')).flatMap((file) => {
    const parts = readFileSync(join(ROOT, 'lambda', file), 'utf8').split(find);
    return parts.slice(1).map(() => ({ file: join('lambda', file), source: parts.join(replace) }));
  });
  const [only] = found;
  if (!only || found.length > 1) throw new Error(`"${name}" does not fit any more: found ${found.length} times`);
  return only;
}
