// The reconciler: every poll looks at what is there and does the next thing, or reports. No state passes between
// polls; any of them may be the first, the last, repeated, or run beside another.
import { Failure, inWords, kindOf, NotYet } from './failure';
import { elapsed, GRACE_MS, WAIT, type Answer, type Poll } from './poll';
import { provide } from './provide';
import { remove } from './remove';
import { discardBegun } from './sweep';

/** After its deadline a request may go on trying to clean up; CloudFormation gives up later still. */
const OVERTIME_MS = 300_000;

export async function reconcile(poll: Poll): Promise<Answer> {
  const { request, log } = poll;
  try {
    return request.type === 'Delete' ? await remove(poll) : await provide(poll);
  } catch (error) {
    if (mayPass(error, poll)) {
      log('wait', { reason: error instanceof NotYet ? error.message : inWords(error) });
      return WAIT;
    }
    const failure = toFailure(error, poll);
    await discardBegun(poll);
    log('fail', { reason: failure.message });
    throw failure;
  }
}

function mayPass(error: unknown, poll: Poll): boolean {
  if (error instanceof Failure || elapsed(poll) >= poll.request.shareMs + OVERTIME_MS) return false;
  if (error instanceof NotYet) return true;
  const kind = kindOf(error);
  return kind === 'transient' || kind === 'missing' || (kind === 'denied' && elapsed(poll) < GRACE_MS);
}

function toFailure(error: unknown, { request, logGroup }: Poll): Failure {
  const where = ` (log group ${logGroup})`;
  if (error instanceof Failure) return new Failure(error.message, where);
  const { type, wanted } = request;
  const what = type === 'Delete' ? `deletion of ${request.handle}` : `copy of ${wanted.sourceSnapshotId}`;
  const hint =
    kindOf(error) === 'denied' ? '; check the policies, boundaries and key policies that bind the handler’s role' : '';
  return new Failure(`${what} in ${wanted.destinationRegion}: ${inWords(error)}${hint}`, where);
}
