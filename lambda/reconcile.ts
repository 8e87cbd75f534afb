// The reconciler: every poll looks at what is there, and takes the next step or answers. No state passes between
// polls. Any of them may be the first, the last, repeated, or run beside another. See docs/how-it-works.md.
import type { Answer, Outcome, Poll, Step } from './context';
import { deleteBegunAfterFailure } from './deletions';
import { dryRun } from './dry-run';
import { describeError, Failure, kindOf, NotYet } from './failure';
import { observe } from './observe';
import { toFailure } from './reasons';
import { align } from './steps/align';
import { choose } from './steps/choose';
import { deleteOwnCopies } from './steps/delete';
import { leave } from './steps/leave';
import { report } from './steps/report';
import { settle } from './steps/settle';
import { start } from './steps/start';
import { tidy } from './steps/tidy';
import { watch } from './steps/watch';
import { elapsed, GRACE_MS, isOvertimeOver } from './times';

/** Each step ends the poll with an outcome, or returns nothing, and then the next one runs. A failure is thrown. */
const CREATE_OR_UPDATE: readonly Step[] = [leave, choose, tidy, start, watch, settle, align, report];
const DELETE: readonly Step[] = [deleteOwnCopies];

export async function reconcile(poll: Poll): Promise<Answer> {
  const { log } = poll;
  const outcome = await step(poll).catch((error: unknown) => waitOrFail(poll, error));
  if ('answer' in outcome) return outcome.answer;
  log('wait', { reason: outcome.wait, ...outcome.details });
  return { IsComplete: false };
}

async function step(poll: Poll): Promise<Outcome> {
  const { aws, request } = poll;
  if (request.isDryRun) return dryRun(poll);
  const isDelete = request.type === 'Delete';
  // A later stage owns nothing.
  if (isDelete && request.stage > 1) return { answer: { IsComplete: true } };
  const context = { ...poll, observed: await observe(aws, request) };
  for (const next of isDelete ? DELETE : CREATE_OR_UPDATE) {
    const outcome = await next(context);
    if (outcome) return outcome;
  }
  throw new Error('no step ended the poll');
}

async function waitOrFail(poll: Poll, error: unknown): Promise<Outcome> {
  if (mayPass(poll, error)) return { wait: error instanceof NotYet ? error.message : describeError(error) };
  const failure = toFailure(error, poll.request, poll.logGroup);
  await deleteBegunAfterFailure(poll);
  poll.log('fail', { reason: failure.message });
  throw failure;
}

function mayPass(poll: Poll, error: unknown): boolean {
  if (error instanceof Failure || isOvertimeOver(poll)) return false;
  if (error instanceof NotYet) return true;
  const kind = kindOf(error);
  return kind === 'transient' || kind === 'missing' || (kind === 'denied' && elapsed(poll) < GRACE_MS);
}
