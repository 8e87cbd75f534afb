// The reconciler: every poll looks at what exists, then takes the next step or answers the request. Polls share no state.
// Any poll may be the first, the last, repeated, or concurrent with another one. See docs/how-it-works.md.
import { toAnswer, type Answer, type Outcome, type Poll, type Step } from './context';
import { dryRun } from './dry-run';
import { endAfter } from './end';
import { describeError } from './failure';
import { observe, type Observation } from './observe';
import { isFinal } from './patience';
import { align } from './steps/align';
import { choose } from './steps/choose';
import { deleteOwnCopies } from './steps/delete';
import { leave } from './steps/leave';
import { report } from './steps/report';
import { settle } from './steps/settle';
import { start } from './steps/start';
import { tidy } from './steps/tidy';
import { watch } from './steps/watch';
import { isOvertimeOver } from './times';

/** Each step either ends the poll with an outcome or returns nothing to let the next step run. Failures are thrown. */
const CREATE_OR_UPDATE: readonly Step[] = [leave, choose, tidy, start, watch, settle, align, report];
const DELETE: readonly Step[] = [deleteOwnCopies];

export async function reconcile(poll: Poll): Promise<Answer> {
  return toAnswer(await outcomeOf(poll), poll.log);
}

async function outcomeOf(poll: Poll): Promise<Outcome> {
  const { request } = poll;
  let observed: Observation | undefined;
  try {
    if (request.isDryRun) return await dryRun(poll);
    // A later stage owns nothing.
    if (request.type === 'Delete' && request.stage > 1) return { answer: { IsComplete: true } };
    observed = await observe(poll);
    return await takeSteps(poll, observed);
  } catch (error) {
    if (!isFinal(poll, error) && !isOvertimeOver(poll)) return { wait: describeError(error) };
    return endAfter(poll, error, observed);
  }
}

async function takeSteps(poll: Poll, observed: Observation): Promise<Outcome> {
  const context = { ...poll, observed };
  for (const step of poll.request.type === 'Delete' ? DELETE : CREATE_OR_UPDATE) {
    const outcome = await step(context);
    if (outcome) return outcome;
  }
  throw new Error('no step ended the poll');
}
