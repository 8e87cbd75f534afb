// Every deletion of a snapshot, with its line in the log.
import { TAG } from '../lib/contract';
import type { Poll } from './context';
import type { Copy } from './copies';
import { describeError, kindOf } from './failure';
import { observe, type Observation } from './observe';
import { begunBy, isStillReferenced, isTakenByRollback } from './ownership';
import { notDeleted } from './reasons';

export async function deleteCopy({ aws, log, request, sightings }: Poll, copy: Copy, decision: string): Promise<void> {
  log(decision, { snapshotId: copy.id, state: copy.state });
  // Another request in this process must not take our deletion for somebody else's.
  for (const handle of [request.physicalId.text, copy.tags[TAG.handle] ?? '']) sightings.delete(handle);
  try {
    await aws.deleteSnapshot(copy.region, copy.id);
  } catch (error) {
    throw kindOf(error) === 'refused' ? notDeleted(copy, error) : error;
  }
}

/** Deletes what the request began, unless CloudFormation counts on it. */
export async function deleteBegun(poll: Poll, observed: Observation): Promise<void> {
  const { request } = poll;
  for (const copy of begunBy(observed.copies, request)) {
    const isTaken = isTakenByRollback(copy, request, observed.operation);
    if (isTaken || !isStillReferenced(copy, await observed.presentId())) await deleteCopy(poll, copy, 'delete begun');
  }
}

/** Best effort: what remains has its tags, by which the Delete or the Update that follows every failure finds it. */
export async function deleteBegunAfterFailure(poll: Poll): Promise<void> {
  const { aws, request } = poll;
  if (request.type === 'Delete' || request.isDryRun) return;
  try {
    await deleteBegun(poll, await observe(aws, request));
  } catch (error) {
    poll.log('not deleted', { reason: describeError(error) });
  }
}
