// A request cannot be fulfilled. It either fails, or leaves things as they are, so that a stack never gets stuck over
// something that can be left:
//
// 1. A rollback leaves a copy as it is, whatever is wrong with it.
// 2. If a copy was perhaps never made, its Delete leaves a Region that cannot be read.
import { DECISION } from '../lib/contract';
import type { Snapshot } from './aws';
import { complete } from './complete';
import { wait, type Outcome, type Poll } from './context';
import { deleteBegunAfterFailure } from './deletions';
import { Ended, Failure } from './failure';
import type { Observation } from './observe';
import { isRollback } from './ownership';
import { decodePhysicalId } from './physical-id';
import { describeRequest, toFailure } from './reasons';
import { elapsed } from './times';

const DONE: Outcome = { answer: { IsComplete: true } };

export async function endAfter(poll: Poll, error: unknown, observed: Observation | undefined): Promise<Outcome> {
  const { log, memory, pollIntervalMs, request } = poll;
  const failure = toFailure(
    error,
    describeRequest(request, memory.sourceOf(request)),
    request.wanted.destinationRegion,
    poll.logGroup,
  );
  if (!(error instanceof Ended)) {
    // The stack's status may be older than a rollback.
    if (request.type === 'Update' && elapsed(poll) < pollIntervalMs)
      return wait(`to be confirmed by the next poll: ${failure.message}`);
    if (isDeleteOfNothing(poll, error)) {
      log('left', { reason: failure.message });
      return DONE;
    }
    const operation = observed?.operation ?? request.operation;
    if (request.type === 'Update' && operation && isRollback(operation)) return goBack(poll, failure);
  }
  await deleteBegunAfterFailure(poll);
  // The metrics count copies only.
  log(request.isDryRun ? 'dry run failed' : DECISION.fail, { reason: failure.message });
  throw failure;
}

/** Whether a Delete failed before it found any copy. A Failure is always about a copy that was found. */
function isDeleteOfNothing({ memory, request }: Poll, error: unknown): boolean {
  const mayHaveCopy = request.physicalId.kind === 'snapshot' || memory.sightingOf(request) !== undefined;
  return request.type === 'Delete' && !mayHaveCopy && !(error instanceof Failure);
}

/** Returns the physical ID in the rollback's request, with what EC2 shows of its copy. */
async function goBack(poll: Poll, { message: reason }: Failure): Promise<Outcome> {
  const { log, memory, request } = poll;
  await deleteBegunAfterFailure(poll);
  memory.end(request);
  log('left', { reason });
  if (request.isDryRun) return DONE;
  const { text: id, kind } = decodePhysicalId(request.presentId ?? request.physicalId.text);
  const snapshot = kind === 'snapshot' ? await describe(poll, id) : {};
  return complete(poll, snapshot, id);
}

async function describe({ aws, request }: Poll, SnapshotId: string): Promise<Snapshot> {
  try {
    return (await aws.describeSnapshot(request.wanted.destinationRegion, SnapshotId)) ?? { SnapshotId };
  } catch {
    return { SnapshotId };
  }
}
