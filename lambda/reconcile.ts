// The reconciler: every poll looks at what is there and does the next thing, or reports. No state passes between
// polls; any of them may be the first, the last, repeated, or run beside another.
import { MAX_TIMEOUT_MINUTES, OWNER_TAGS, TAG, type Attributes } from '../lib/contract';
import { isAtRest, type Aws, type StackOperation } from './aws';
import {
  attributesOf,
  copyInput,
  declaredTags,
  findCopies,
  isDeleted,
  isFailed,
  isFinished,
  isOurs,
  isStartedUnder,
  isUnfinished,
  toCopy,
  toTags,
  type Copy,
} from './copies';
import { Failure, inWords, kindOf, NotYet } from './failure';
import { preflight, STALE_MS } from './preflight';
import { isHandle, isSnapshotId, type Request } from './request';

export interface Answer {
  readonly IsComplete: boolean;
  readonly PhysicalResourceId?: string;
  readonly Data?: Attributes;
}

export interface Poll {
  readonly request: Request;
  readonly aws: Aws;
  readonly now: () => number;
  readonly log: (decision: string, details?: Record<string, unknown>) => void;
  /** The handler's own log group, for whoever reads a failure. */
  readonly logGroup: string;
  readonly pollIntervalMs: number;
  /** What this process has seen of the copies it started, by handle: a hint, which a new process does without. */
  readonly sightings: Map<string, Sighting>;
}

interface Sighting {
  readonly snapshotId: string;
  readonly at: number;
}

/**
 * A copy is started in a window of one poll interval, and the next window opens when all that was started in the last
 * one is visible: within half a minute for a call under way, and two more for stale reads. So an answer that was lost
 * never makes a double; two waiters at once may, and what they made in one window is seen before the next.
 */
const windowOf = ({ pollIntervalMs }: Poll): number => pollIntervalMs;
const settleTimeOf = ({ pollIntervalMs }: Poll): number => pollIntervalMs + CALL_MS + STALE_MS;
const CALL_MS = 30_000;
/** A call that is made later than this after its poll began could outlive its window. */
const MAX_POLL_AGE_MS = 15_000;
/** Policies take time to arrive: until then a denied call means nothing. */
const GRACE_MS = 300_000;
/** After its deadline a request may go on trying to clean up; CloudFormation gives up later still. */
const OVERTIME_MS = 300_000;

const WAIT: Answer = { IsComplete: false };

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

const elapsed = ({ request, now }: Poll): number => now() - request.startedAt;
const isLate = (poll: Poll): boolean => elapsed(poll) >= poll.request.shareMs;

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

// ---- Create and Update: a copy is wanted --------------------------------------------------------------------------

async function provide(poll: Poll): Promise<Answer> {
  const { aws, request } = poll;
  if (request.wanted.dryRun) return proveOnly(poll);
  const [copies, operation] = await Promise.all([findCopies(aws, request), aws.describeStack(request.stackId)]);
  if (!isSameOperation(request, operation)) return abandon(poll, copies);
  const copy = choose(copies, request, operation);
  await sweep(poll, copies, copy, operation);
  if (!copy) await refuseUntagged(poll);
  if (!copy) return start(poll, copies.filter(isFailed).filter(isAttemptOf(request, operation)));
  // Another request's copy may be deleted by that request, which is no reason to fail.
  if (isStartedUnder(request.handle)(copy)) poll.sightings.set(request.handle, { snapshotId: copy.id, at: poll.now() });
  if (!isFinished(copy)) return watch(poll, copy);
  if (!isSettled(poll, copy, operation)) return WAIT;
  await forgetOthers(poll, copies, copy, operation);
  return finish(poll, copy);
}

/** Whether CloudFormation still wants the answer. Without what onEvent saw, a later operation is told by its start. */
function isSameOperation({ type, operation, startedAt }: Request, now: StackOperation): boolean {
  // A Create that is delivered once more while it is already rolled back.
  if (type === 'Create' && isRollback(now)) return false;
  if (operation) return now.status === operation.status && now.begunAt === operation.begunAt;
  const sends =
    type === 'Create' ? /^(CREATE|UPDATE)_IN_PROGRESS$/ : /^UPDATE_IN_PROGRESS$|^UPDATE_ROLLBACK_IN_PROGRESS$/;
  return sends.test(now.status) && Date.parse(now.begunAt) <= startedAt;
}

/**
 * The copy that the request is about: the present one if the request keeps it, else the oldest of those with the
 * wanted inputs, which is the same for every poll. An Update takes a finished one that was there (a rollback goes
 * back), a Create only one that cannot be from an earlier life of the resource.
 */
function choose(copies: Copy[], request: Request, operation: StackOperation): Copy | undefined {
  const { handle, inPlace, type, wanted } = request;
  const live = copies.filter((copy) => !isFailed(copy) && copy.region === wanted.destinationRegion);
  const present = inPlace && live.find(({ id }) => id === handle);
  if (present) return present;
  const isAttempt = isAttemptOf(request, operation);
  const isWanted = (copy: Copy): boolean => copy.tags[TAG.inputs] === wanted.inputs;
  return live.find((copy) => isAttempt(copy) || (isWanted(copy) && (type === 'Update' || !isFinished(copy))));
}

/** Copies of this request, also when its event was delivered once more and another RequestId gave another handle. */
function isAttemptOf(request: Request, operation: StackOperation): (copy: Copy) => boolean {
  const since = Date.parse(operation.begunAt);
  return (copy) => isOf(request)(copy) || (copy.tags[TAG.inputs] === request.wanted.inputs && copy.startedAt >= since);
}

/** A present copy that is not found by its tags has gone, or has lost them; the latter is for its owner to mend. */
async function refuseUntagged({ aws, request }: Poll): Promise<void> {
  const { handle, inPlace, wanted } = request;
  if (!inPlace || !isSnapshotId(handle)) return;
  const copy = await describe(aws, wanted.destinationRegion, handle);
  if (copy && !isDeleted(copy) && !isOurs(copy, request)) throw lostTags(handle, wanted.destinationRegion);
}

const lostTags = (id: string, region: string): Failure =>
  new Failure(
    `${id} in ${region} does not carry the tags that make it this resource’s copy (${OWNER_TAGS.join(', ')}), so it is neither changed nor deleted; restore the tags, or handle the snapshot yourself`,
  );

const isRollback = ({ status }: StackOperation): boolean => status.includes('ROLLBACK');

/** Deletes what is in the way: doubles of the chosen copy, and what earlier requests left unfinished. */
async function sweep(poll: Poll, copies: Copy[], chosen: Copy | undefined, operation: StackOperation): Promise<void> {
  const { request } = poll;
  const isMine = isAttemptOf(request, operation);
  // Going forward, what began since the operation did may be of a late duplicate, which is not to be fought.
  const until = isRollback(operation) ? request.startedAt + CALL_MS : Date.parse(operation.begunAt);
  const isLeftOver = (copy: Copy): boolean => isUnfinished(copy) && copy.startedAt < until;
  // Without a chosen copy, a failed one of this request stays for now: it tells that there was an attempt.
  const strays = copies.filter((copy) => copy !== chosen && (isMine(copy) ? chosen !== undefined : isLeftOver(copy)));
  if (strays.length === 0) return;
  const present = await presentId(poll);
  for (const stray of strays) {
    // The present copy may look unfinished in a stale read; under a handle that stays it may be unfinished, until a
    // rollback goes back to the one before.
    const isPresent = stray.id === present || (stray.tags[TAG.handle] === present && !isMine(stray));
    if (!isPresent || (stray.id !== present && isRollback(operation))) await deleteCopy(poll, stray, 'delete stray');
  }
}

/**
 * What the operation has made besides, finished too: in a rollback the copy of the update that failed, which
 * CloudFormation may or may not delete; else that of a late duplicate of another request.
 */
async function forgetOthers(
  poll: Poll,
  copies: Copy[],
  keep: Copy | undefined,
  operation: StackOperation,
): Promise<void> {
  const begun = Date.parse(operation.begunAt);
  const since = isRollback(operation) || !keep ? begun : Math.max(begun, keep.startedAt);
  for (const copy of copies) {
    const isToBeRetained = isFinished(copy) && copy.tags[TAG.retain] !== undefined;
    if (copy !== keep && copy.startedAt >= since && !isToBeRetained) await deleteCopy(poll, copy, 'delete other');
  }
}

async function start(poll: Poll, failed: Copy[]): Promise<Answer> {
  const { aws, request, log, now } = poll;
  const pollBegan = now();
  const secondWindow = request.startedAt + settleTimeOf(poll);
  const last = failed.at(-1);
  // A key policy may still be on its way: a copy that failed over its key early on is made once more.
  const again =
    mayStart(request) && failed.every(({ startedAt }) => startedAt < secondWindow) && elapsed(poll) < GRACE_MS;
  if (last && !(again && isKeyFailure(last))) throw copyFailed(request, last);
  if (!last) await missCopy(poll);
  if (!mayStart(request)) throw new NotYet(`${request.handle} is not to be seen at present`);
  if (isLate(poll) && request.isLastStage) throw await neverStarted(poll);
  if (isLate(poll)) return handOn(poll);
  if (!isInWindow(poll)) {
    log('wait', { reason: 'the next attempt to start the copy comes when all earlier ones would be visible' });
    return WAIT;
  }
  await preflight(aws, request, elapsed(poll));
  await refuseIfAnswered(poll);
  if (now() - pollBegan > MAX_POLL_AGE_MS) throw new NotYet('this poll took too long to start a copy safely');
  const snapshotId = await aws.copySnapshot(request.wanted.destinationRegion, copyInput(request));
  log('start copy', { snapshotId, inputs: request.wanted.inputs });
  return WAIT;
}

/** A continuation that was handed a snapshot waits for that one. */
const mayStart = ({ stage, handle }: Request): boolean => stage === 1 || !isSnapshotId(handle);

/** The first window of a continuation could follow too closely on the last one of the stage before. */
function isInWindow(poll: Poll): boolean {
  const isFirst = elapsed(poll) < settleTimeOf(poll);
  return elapsed(poll) % settleTimeOf(poll) < windowOf(poll) && !(isFirst && poll.request.stage > 1);
}

/** A copy that this process has seen, and that is not there any more, was deleted: not by us, and not for us to redo. */
async function missCopy({ aws, request, now, sightings }: Poll): Promise<void> {
  const { handle, startedAt } = request;
  // The stage before has seen the copy that it names.
  const named = mayStart(request) ? undefined : { snapshotId: handle, at: startedAt };
  const seen = sightings.get(handle) ?? named;
  if (!seen) return;
  const { destinationRegion: region } = request.wanted;
  const copy = await describe(aws, region, seen.snapshotId);
  if (copy && !isDeleted(copy) && !isOurs(copy, request)) throw lostTags(seen.snapshotId, region);
  if (now() - seen.at < STALE_MS) throw new NotYet(`${seen.snapshotId} is not to be seen at present`);
  if (copy && !isDeleted(copy)) return;
  throw new Failure(
    `${describeCopy(request)}: ${seen.snapshotId} was deleted by somebody else before it was complete; find out who, then deploy again`,
  );
}

async function watch(poll: Poll, copy: Copy): Promise<Answer> {
  const { request, log } = poll;
  const { Progress: progress = '' } = copy.snapshot;
  log('wait', { snapshotId: copy.id, state: copy.state, progress });
  if (!isLate(poll)) return WAIT;
  if (!request.isLastStage) return handOn(poll, copy);
  await deleteCopy(poll, copy, 'delete late');
  throw new Failure(
    `${describeCopy(request)} was ${progress.replace('%', ' %') || 'barely begun'}${progress ? ' done' : ''} after ${minutes(request)}; ${howToWaitLonger(request)}`,
  );
}

/**
 * This stage's time is over, the copy's is not: the next stage waits on. While a double may be invisible, the id stays
 * the handle, by which all copies of the request are found.
 */
async function handOn(poll: Poll, copy?: Copy): Promise<Answer> {
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

const isOf =
  ({ handle }: Request) =>
  (copy: Copy): boolean =>
    copy.id === handle || isStartedUnder(handle)(copy);

const isOld = (poll: Poll, copy: Copy): boolean => poll.now() >= copy.startedAt + settleTimeOf(poll);

/**
 * A double may still be invisible. A copy of an earlier request may have been deleted a moment ago, and a rollback must
 * outwait what the cancelled update may have started.
 */
function isSettled(poll: Poll, copy: Copy, operation: StackOperation): boolean {
  const { request, log } = poll;
  const isPresent = request.inPlace && copy.id === request.handle;
  const isOwn = isStartedUnder(request.handle)(copy) && !isRollback(operation);
  const hasOutwaited = request.inPlace || isOwn || elapsed(poll) >= settleTimeOf(poll);
  if ((isPresent || isOld(poll, copy)) && hasOutwaited) return true;
  log('wait', { snapshotId: copy.id, state: copy.state, reason: 'what a stale read hides would be visible later' });
  return false;
}

async function finish(poll: Poll, copy: Copy): Promise<Answer> {
  const { request, log, sightings } = poll;
  await refuseIfAnswered(poll);
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

/** Dry run: the same looks and the same call, but EC2 only says whether it would be allowed. */
async function proveOnly(poll: Poll): Promise<Answer> {
  const { aws, request, log } = poll;
  if (isLate(poll)) throw await neverStarted(poll);
  await preflight(aws, request, elapsed(poll));
  try {
    await aws.copySnapshot(request.wanted.destinationRegion, copyInput(request));
  } catch (error) {
    if ((error as Error).name !== 'DryRunOperation') throw error;
  }
  const present = isSnapshotId(request.handle)
    ? await describe(aws, request.wanted.destinationRegion, request.handle)
    : undefined;
  if (!(await hasGoneBack(poll, present))) return WAIT;
  log('dry run passed', { snapshotId: present?.id });
  return { IsComplete: true, Data: attributesOf(present?.snapshot, request) };
}

/** Whether nothing is left of the update that a rollback to a dry run undoes. */
async function hasGoneBack(poll: Poll, present: Copy | undefined): Promise<boolean> {
  const { aws, request, log } = poll;
  const operation = await aws.describeStack(request.stackId);
  if (!isRollback(operation)) return true;
  const copies = await findCopies(aws, request);
  const keep = copies.find(({ id }) => id === present?.id);
  await sweep(poll, copies, keep, operation);
  await forgetOthers(poll, copies, keep, operation);
  if (elapsed(poll) >= settleTimeOf(poll)) return true;
  log('wait', { reason: 'a copy that the update began may still be invisible' });
  return false;
}

// ---- Ends that are not a success ----------------------------------------------------------------------------------

/** CloudFormation no longer waits for this request: what it began must not outlive it. */
async function abandon(poll: Poll, copies: Copy[]): Promise<Answer> {
  const { request, log } = poll;
  for (const copy of copies.filter(isStartedUnder(request.handle))) {
    if (!(await isSpokenFor(poll, copy))) await deleteCopy(poll, copy, 'delete abandoned');
  }
  // What the last window started is visible at the end of its cycle.
  if (elapsed(poll) % settleTimeOf(poll) < settleTimeOf(poll) - windowOf(poll)) {
    log('wait', { reason: 'the stack operation has ended; a copy that it began may still be invisible' });
    return WAIT;
  }
  throw hasEnded(request);
}

const hasEnded = (request: Request): Failure =>
  new Failure(`the stack operation that asked for the ${describeCopy(request)} has ended, or has its answer`);

/** A copy that CloudFormation names now, or a finished one that a cancelled create is to leave behind. */
async function isSpokenFor(poll: Poll, copy: Copy): Promise<boolean> {
  if (isFailed(copy)) return false;
  if (isFinished(copy) && copy.tags[TAG.retain] === 'Retain') return true;
  const present = await presentId(poll);
  return present === copy.id || present === copy.tags[TAG.handle];
}

async function presentId({ aws, request }: Poll): Promise<string | undefined> {
  return (await aws.describeResource(request.stackId, request.logicalId)).physicalId;
}

/** To be asked before anything is made or changed: another poll, or a duplicate, may have given the answer. */
async function refuseIfAnswered({ aws, request }: Poll): Promise<void> {
  const { status } = await aws.describeResource(request.stackId, request.requesterId);
  if (isAtRest(status)) throw hasEnded(request);
}

/** Best effort: what remains is found by its tags, by the Delete or the Update that follows every failure. */
async function discardBegun(poll: Poll): Promise<void> {
  const { aws, request } = poll;
  if (request.type === 'Delete' || request.wanted.dryRun) return;
  try {
    for (const copy of (await findCopies(aws, request)).filter(isStartedUnder(request.handle))) {
      if (!(await isSpokenFor(poll, copy))) await deleteCopy(poll, copy, 'delete begun');
    }
  } catch (error) {
    poll.log('not deleted', { reason: inWords(error) });
  }
}

const isKeyFailure = ({ snapshot }: Copy): boolean => /\bkey\b/i.test(snapshot.StateMessage ?? '');

function copyFailed(request: Request, { id, snapshot, region }: Copy): Failure {
  const { sourceRegion, kmsKeyId, sourceKmsKeyArn } = request.wanted;
  const message = snapshot.StateMessage ?? 'EC2 gave no reason';
  const keys = [`${kmsKeyId ?? 'the account’s default EBS key'} in ${region}`];
  if (sourceKmsKeyArn) keys.push(`${sourceKmsKeyArn} in ${sourceRegion}`);
  const hint = /\bkey\b/i.test(message)
    ? `check of each key (${keys.join(', ')}) that it is enabled, and that its key policy lets this account’s IAM policies apply (kms:CreateGrant, kms:Decrypt, kms:GenerateDataKeyWithoutPlaintext, kms:ReEncrypt*)`
    : `check that the source still exists in ${sourceRegion}, is completed and still shared with this account, then deploy again`;
  return new Failure(`${describeCopy(request)} failed: EC2 says of ${id} "${message}"; ${hint}`);
}

async function neverStarted({ aws, request }: Poll): Promise<Failure> {
  let reason = 'EC2 accepted no further copy (most likely the quota of concurrent copies of the destination Region)';
  try {
    await preflight(aws, request, Infinity);
  } catch (error) {
    if (error instanceof Failure) return error;
    reason = error instanceof NotYet ? error.message : inWords(error);
  }
  return new Failure(
    `${describeCopy(request)} could not be started within ${minutes(request)}: ${reason}; ${howToWaitLonger(request)}`,
  );
}

function describeCopy({ wanted }: Request): string {
  return `copy of ${wanted.sourceSnapshotId} from ${wanted.sourceRegion} to ${wanted.destinationRegion}`;
}

function minutes({ wanted }: Request): string {
  const count = Math.round(wanted.timeoutMs / 6_000) / 10;
  return `${count} ${count === 1 ? 'minute' : 'minutes'}`;
}

function howToWaitLonger(request: Request): string {
  const isAtMost = request.wanted.timeoutMs >= MAX_TIMEOUT_MINUTES * 60_000;
  return isAtMost
    ? 'set "completionDuration" for a faster copy'
    : `raise "timeout" (now ${minutes(request)}) or set "completionDuration"`;
}

// ---- Delete -------------------------------------------------------------------------------------------------------

async function remove(poll: Poll): Promise<Answer> {
  const { aws, request, log } = poll;
  const { handle, wanted } = request;
  if (request.stage > 1) return { IsComplete: true };
  if (isSnapshotId(handle)) {
    const copy = await describe(aws, wanted.destinationRegion, handle);
    if (copy && !isDeleted(copy)) {
      if (!isOurs(copy, request)) throw lostTags(handle, wanted.destinationRegion);
      await deleteCopy(poll, copy, 'delete');
      await removeOthers(poll);
      return { IsComplete: true };
    }
  }
  await removeOthers(poll);
  // A copy that was started just before is not visible yet.
  if (elapsed(poll) < settleTimeOf(poll) && !wanted.dryRun) {
    log('wait', { reason: 'a copy that was begun may still be invisible' });
    return WAIT;
  }
  log('deleted', {});
  return { IsComplete: true };
}

/** With the stack, all goes that is not to be retained: also what an operation that failed for good has left. */
async function removeOthers(poll: Poll): Promise<void> {
  const { aws, request } = poll;
  const [copies, operation] = await Promise.all([findCopies(aws, request), aws.describeStack(request.stackId)]);
  const meant = copies.filter((copy) => copy.id !== request.handle && isMeant(copy, request, operation));
  if (meant.length === 0) return;
  const present = await presentId(poll);
  for (const copy of meant) if (copy.id !== present) await deleteCopy(poll, copy, 'delete');
}

/**
 * What a Delete is about, other than the snapshot that its id names: the copies started under that id. Under the id of
 * a copy that had gone, a new one was made, which has an id of its own once it is finished. An id that is not ours was
 * invented for a cancelled create: then all of the resource, but finished copies that are to be retained.
 */
function isMeant(copy: Copy, { handle }: Request, { status, begunAt }: StackOperation): boolean {
  const isMine = isStartedUnder(handle)(copy);
  if (isMine && (isHandle(handle) || isUnfinished(copy))) return true;
  const isInvented = !isHandle(handle) && !isSnapshotId(handle);
  const isWholeStack = status === 'DELETE_IN_PROGRESS' || status === 'ROLLBACK_IN_PROGRESS';
  // RetainExceptOnCreate keeps finished copies of an earlier life, and not that of the create that is cancelled.
  const isOfCreate = copy.tags[TAG.retain] === 'RetainExceptOnCreate' && copy.startedAt >= Date.parse(begunAt);
  const isLoose = isUnfinished(copy) || copy.tags[TAG.retain] === undefined;
  return (isLoose && (isInvented || isWholeStack)) || (isOfCreate && isInvented);
}

async function deleteCopy({ aws, log, request, sightings }: Poll, copy: Copy, decision: string): Promise<void> {
  log(decision, { snapshotId: copy.id, state: copy.state });
  sightings.delete(request.handle);
  try {
    await aws.deleteSnapshot(copy.region, copy.id);
  } catch (error) {
    const kind = kindOf(error);
    if (kind === 'missing') return;
    if (kind !== 'refused') throw error;
    throw new Failure(
      `${copy.id} in ${copy.region} could not be deleted: ${inWords(error)}; deregister the AMI, unlock the snapshot or release what else holds it, then delete again`,
    );
  }
}

async function describe(aws: Aws, region: string, id: string): Promise<Copy | undefined> {
  try {
    const snapshot = await aws.describeSnapshot(region, id);
    return snapshot && toCopy(snapshot, region);
  } catch (error) {
    if (kindOf(error) === 'missing') return undefined;
    throw error;
  }
}
