// The answers that end a request well: the copy is finished, or the next stage waits on.
import { TAG } from '../lib/contract';
import type { StackOperation } from './aws';
import { attributesOf, declaredTags, isStartedUnder, toTags, type Copy } from './copies';
import { CALL_MS, elapsed, isAtRest, isOld, isRollback, settleTimeOf, type Answer, type Poll } from './poll';
import { hasEnded } from './reasons';
import { isHandle, type Request } from './request';
import { isOf } from './sweep';

/** To be asked before anything is made or changed: another poll, or a duplicate, may have given the answer. */
export async function refuseIfAnswered({ aws, request }: Poll): Promise<void> {
  const { status } = await aws.describeResource(request.stackId, request.requesterId);
  if (isAtRest(status)) throw hasEnded(request);
}

/**
 * This stage's time is over, the copy's is not: the next stage waits on. While a double may be invisible, the id stays
 * the handle, by which all copies of the request are found.
 */
export async function handOn(poll: Poll, copy?: Copy): Promise<Answer> {
  const { request, log } = poll;
  if (copy) await writeTags(poll, copy);
  const id = copy && isOld(poll, copy) ? copy.id : request.handle;
  log('hand on', { snapshotId: copy?.id, stage: request.stage });
  const snapshot = copy && { SnapshotId: copy.id };
  return { IsComplete: true, ...ownId(request, id), Data: attributesOf(snapshot, request) };
}

/** A continuation keeps an id of its own. */
function ownId({ stage }: Request, PhysicalResourceId: string): Pick<Answer, 'PhysicalResourceId'> {
  return stage === 1 ? { PhysicalResourceId } : {};
}

/**
 * A double may still be invisible, and a copy of an earlier request may have been deleted a moment ago. A rollback must
 * outwait what the cancelled update may have started or is about to write.
 */
export function isSettled(poll: Poll, copy: Copy, operation: StackOperation): boolean {
  const { request, log } = poll;
  const isPresent = request.inPlace && copy.id === request.handle;
  const isSafe = (isPresent || isOld(poll, copy)) && elapsed(poll) >= timeToOutwait(poll, copy, operation);
  if (!isSafe) {
    log('wait', { snapshotId: copy.id, state: copy.state, reason: 'what a stale read hides would be visible later' });
  }
  return isSafe;
}

function timeToOutwait(poll: Poll, copy: Copy, operation: StackOperation): number {
  const { handle, inPlace } = poll.request;
  if (inPlace) return isRollback(operation) ? CALL_MS : 0;
  return isStartedUnder(handle)(copy) && !isRollback(operation) ? 0 : settleTimeOf(poll);
}

export async function finish(poll: Poll, copy: Copy): Promise<Answer> {
  const { request, log, sightings } = poll;
  await writeTags(poll, copy);
  sightings.delete(request.handle);
  log('complete', { snapshotId: copy.id });
  // A handle that is the present id stays: a changed id would have CloudFormation delete what goes by the old one.
  const id = request.inPlace && isHandle(request.handle) ? request.handle : copy.id;
  return { IsComplete: true, ...ownId(request, id), Data: attributesOf(copy.snapshot, request) };
}

/**
 * Tags as declared now. After a change they are written without trusting what was read, which may be the state before
 * the last write. Tags that were never declared are somebody else's, and stay.
 */
async function writeTags({ aws, request, log }: Poll, copy: Copy): Promise<void> {
  const wanted = declaredTags(request.wanted);
  const before = declaredTags(request.before ?? request.wanted);
  const changed = Object.keys({ ...wanted, ...before }).filter((key) => wanted[key] !== before[key]);
  const differs = Object.keys(wanted).filter((key) => changed.includes(key) || wanted[key] !== copy.tags[key]);
  // A copy that was to be retained when it was made, and is adopted, keeps that mark.
  const removed = changed.filter(
    (key) => !(key in wanted) && ((request.inPlace && isOf(request)(copy)) || key !== TAG.retain),
  );
  if (differs.length > 0) {
    const set = Object.fromEntries(differs.map((key) => [key, wanted[key] ?? '']));
    await aws.createTags(copy.region, copy.id, toTags(set));
  }
  if (removed.length > 0) await aws.deleteTags(copy.region, copy.id, removed);
  if (differs.length + removed.length > 0) log('tag', { snapshotId: copy.id, set: differs, removed });
}
