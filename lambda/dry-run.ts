// A dry run makes the same checks and the same call as a copy, but EC2 only says whether it would allow the copy.
import type { Outcome, Poll } from './context';
import { copyInput } from './copies';
import { describeError, nameOf } from './failure';
import { latestSourceOf } from './latest-source';
import { isRollback } from './ownership';
import { preflight, whyNeverStarted } from './preflight';
import { elapsed, isStageOver } from './times';

const PASSED: Outcome = { answer: { IsComplete: true } };

export async function dryRun(poll: Poll): Promise<Outcome> {
  const { aws, log, memory, request } = poll;
  // A dry run leaves nothing to delete, and a rollback has nothing to check.
  if (request.type === 'Delete' || isRollback(await aws.describeStack(request.stackId))) return PASSED;
  if (isStageOver(poll)) throw await whyNeverStarted(poll);
  try {
    const source = await preflight(aws, request, elapsed(poll), await latestSourceOf(poll));
    await aws.copySnapshot(request.wanted.destinationRegion, copyInput(request, source));
  } catch (error) {
    memory.setObstacle(request, describeError(error));
    if (nameOf(error) !== 'DryRunOperation') throw error;
  }
  log('dry run passed');
  return PASSED;
}
