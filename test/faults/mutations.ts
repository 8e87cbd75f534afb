// Deliberate mistakes in the handler, each of which the histories have to notice. They are made in a copy.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runElsewhere, type Result } from './campaign';

export interface Mutation {
  readonly name: string;
  readonly file: string;
  /** Occurs once. */
  readonly find: string;
  readonly replace: string;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a StateMessage while pending is a failure',
    file: 'lambda/copies.ts',
    find: "export const isFailed = ({ state }: Copy): boolean => state === 'error';",
    replace:
      "export const isFailed = ({ state, snapshot }: Copy): boolean => state === 'error' || snapshot.StateMessage !== undefined;",
  },
  {
    name: 'throttling is the end',
    file: 'lambda/reconcile.ts',
    find: "return kind === 'transient' || kind === 'missing' ||",
    replace: "return kind === 'missing' ||",
  },
  {
    name: 'a denied call is the end, however young the role',
    file: 'lambda/reconcile.ts',
    find: "(kind === 'denied' && elapsed(poll) < GRACE_MS)",
    replace: 'false',
  },
  {
    name: 'success before all doubles are visible',
    file: 'lambda/provide.ts',
    find: 'if (!isSettled(poll, copy, operation)) return WAIT;',
    replace: '',
  },
  {
    name: 'doubles and strays are left',
    file: 'lambda/sweep.ts',
    find: "if (!isPresent || (stray.id !== present && isRollback(operation))) await deleteCopy(poll, stray, 'delete stray');",
    replace: '',
  },
  {
    name: 'nobody asks whether the stack operation goes on',
    file: 'lambda/provide.ts',
    find: 'if (!isSameOperation(request, operation)) return abandon(poll, copies);',
    replace: '',
  },
  {
    name: 'Delete takes all copies of the logical id, whatever the handle',
    file: 'lambda/remove.ts',
    find: 'return (isLoose && (isInvented || isWholeStack)) || (isOfCreate && isInvented);',
    replace: 'return isLoose;',
  },
  {
    name: 'Delete of a handle answers at once',
    file: 'lambda/remove.ts',
    find: 'if (elapsed(poll) < settleTimeOf(poll) && !wanted.dryRun) {',
    replace: 'if (elapsed(poll) < 0) {',
  },
  {
    name: 'Create adopts finished copies of an earlier life',
    file: 'lambda/provide.ts',
    find: "(type === 'Update' || !isFinished(copy))",
    replace: 'true',
  },
  {
    name: 'Update adopts copies of other inputs',
    file: 'lambda/provide.ts',
    find: 'copy.tags[TAG.inputs] === wanted.inputs;',
    replace: 'true;',
  },
  {
    name: 'the mark of a retained copy means nothing',
    file: 'lambda/remove.ts',
    find: 'const isLoose = isUnfinished(copy) || copy.tags[TAG.retain] === undefined;',
    replace: 'const isLoose = true as boolean;',
  },
  {
    name: 'tags are compared with what a stale read says',
    file: 'lambda/provide.ts',
    find: 'changed.includes(key) || wanted[key] !== copy.tags[key]',
    replace: 'wanted[key] !== copy.tags[key]',
  },
  {
    name: 'a copy is started without waiting for an earlier attempt to be seen',
    file: 'lambda/start.ts',
    find: 'if (!isInWindow(poll)) {',
    replace: 'if (elapsed(poll) < 0) {',
  },
  {
    name: 'copies without our tags are deleted too',
    file: 'lambda/remove.ts',
    find: 'if (!isOurs(copy, request)) throw lostTags(handle, wanted.destinationRegion);',
    replace: '',
  },
  {
    name: 'the encoded authorization message is shown',
    file: 'lambda/failure.ts',
    find: "message.replace(/\\s*Encoded authorization failure message:.*/s, '').trim()",
    replace: 'message.trim()',
  },
  {
    name: 'any copy will do for the state',
    file: 'lambda/copies.ts',
    find: "export const isFinished = ({ state }: Copy): boolean => state === 'completed';",
    replace: "export const isFinished = ({ state }: Copy): boolean => state !== 'error';",
  },
  {
    name: 'an update deletes the present copy when a stale read shows it unfinished',
    file: 'lambda/sweep.ts',
    find: 'if (!isPresent || (stray.id',
    replace: 'if ((true as boolean) || (stray.id',
  },
  {
    name: 'a cancelled request leaves what it began',
    file: 'lambda/provide.ts',
    find: "if (!(await isSpokenFor(poll, copy))) await deleteCopy(poll, copy, 'delete abandoned');",
    replace: '',
  },
  {
    name: 'a rollback leaves the finished copy of the update',
    file: 'lambda/provide.ts',
    find: '  await forgetOthers(poll, copies, copy, operation);\n  return finish',
    replace: '  return finish',
  },
  {
    name: 'the copy of another request is missed when that deletes it',
    file: 'lambda/provide.ts',
    find: 'if (isStartedUnder(request.handle)(copy)) poll.sightings.set(',
    replace: 'poll.sightings.set(',
  },
  {
    name: 'what failed is not deleted',
    file: 'lambda/reconcile.ts',
    find: 'await discardBegun(poll);',
    replace: '',
  },
];

const ROOT = join(__dirname, '../..');
const NEEDED = ['lambda', 'lib/contract.ts', 'test/faults', 'test/local-aws', 'test/lambda/in-process.ts'];
const MAX_HISTORIES = 4000;

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
    if (mutation) writeFileSync(join(folder, mutation.file), mutated(mutation));
    const share = { seed: 1, histories: MAX_HISTORIES, shrinks: false };
    return await runElsewhere(share, join(folder, 'test/faults/campaign.ts'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The mutated source; throws when the place to mutate is no longer there. */
export function mutated({ name, file, find, replace }: Mutation): string {
  const parts = readFileSync(join(ROOT, file), 'utf8').split(find);
  if (parts.length !== 2) throw new Error(`"${name}" does not fit ${file} any more: found ${parts.length - 1} times`);
  return parts.join(replace);
}
