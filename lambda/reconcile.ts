// The reconciler: every poll looks at what is there and does the next thing, or reports. No state passes between
// polls; any of them may be the first, the last, repeated, or run beside another.
import { OWNER_TAGS, POLL_INTERVAL_SECONDS, STAGE_MINUTES, TAG, type Attributes } from '../lib/contract';
import type { Aws, StackOperation } from './aws';
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
  /** What this process has seen of the copies it waits for, by handle: a hint, which a new process does without. */
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
const WINDOW_MS = POLL_INTERVAL_SECONDS * 1000;
const SETTLE_MS = WINDOW_MS + 30_000 + STALE_MS;
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
const isLate = (poll: Poll): boolean => elapsed(poll) >= poll.request.wanted.timeoutMs;

function mayPass(error: unknown, poll: Poll): boolean {
  if (error instanceof Failure || elapsed(poll) >= poll.request.wanted.timeoutMs + OVERTIME_MS) return false;
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
  await sweep(poll, copies, copy);
  if (!copy) await refuseUntagged(poll);
  if (!copy) return start(poll, copies.filter(isStartedUnder(request.handle)));
  poll.sightings.set(request.handle, { snapshotId: copy.id, at: poll.now() });
  return isFinished(copy) ? finish(poll, copy, operation) : watch(poll, copy);
}

/** Whether CloudFormation still wants the answer. Without what onEvent saw, a later operation is told by its start. */
function isSameOperation({ type, operation, startedAt }: Request, now: StackOperation): boolean {
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
  const isNew = ({ startedAt }: Copy): boolean => startedAt >= Date.parse(operation.begunAt);
  return live.find(
    (copy) =>
      isStartedUnder(handle)(copy) ||
      (copy.tags[TAG.inputs] === wanted.inputs && (type === 'Update' || !isFinished(copy) || isNew(copy))),
  );
}

/** A present copy that is not found by its tags has gone, or has lost them; the latter is for its owner to mend. */
async function refuseUntagged({ aws, request }: Poll): Promise<void> {
  const { handle, inPlace, wanted } = request;
  if (!inPlace || !isSnapshotId(handle)) return;
  const snapshot = await describe(aws, wanted.destinationRegion, handle);
  if (snapshot && !isDeleted(snapshot)) throw lostTags(handle, wanted.destinationRegion);
}

const lostTags = (id: string, region: string): Failure =>
  new Failure(
    `${id} in ${region} does not carry the tags that make it this resource’s copy (${OWNER_TAGS.join(', ')}), so it is neither changed nor deleted; restore the tags, or handle the snapshot yourself`,
  );

/** Deletes what is in the way: doubles of the chosen copy, and what earlier operations left unfinished. */
async function sweep(poll: Poll, copies: Copy[], chosen: Copy | undefined): Promise<void> {
  const isMine = isStartedUnder(poll.request.handle);
  // Without a chosen copy, a failed one of this request stays for now: it tells that there was an attempt.
  const strays = copies.filter((copy) => copy !== chosen && (isMine(copy) ? chosen !== undefined : isUnfinished(copy)));
  for (const stray of strays) await deleteCopy(poll, stray, 'delete stray');
}

async function start(poll: Poll, failed: Copy[]): Promise<Answer> {
  const { aws, request, log, now } = poll;
  const pollBegan = now();
  const attempt = request.startedAt + SETTLE_MS;
  const last = failed.at(-1);
  // A key policy may still be on its way: a copy that failed over its key early on is made once more.
  const again = failed.every(({ startedAt }) => startedAt < attempt) && elapsed(poll) < GRACE_MS;
  if (last && !(again && isKeyFailure(last))) throw copyFailed(request, last);
  if (!last) await missCopy(poll);
  if (isLate(poll)) throw await neverStarted(poll);
  if (elapsed(poll) % SETTLE_MS >= WINDOW_MS) {
    log('wait', { reason: 'the next attempt to start the copy comes when all earlier ones would be visible' });
    return WAIT;
  }
  await preflight(aws, request, elapsed(poll));
  if (now() - pollBegan > MAX_POLL_AGE_MS) throw new NotYet('this poll took too long to start a copy safely');
  const snapshotId = await aws.copySnapshot(request.wanted.destinationRegion, copyInput(request));
  log('start copy', { snapshotId, inputs: request.wanted.inputs });
  return WAIT;
}

/** A copy that this process has seen, and that is not there any more, was deleted: not by us, and not for us to redo. */
async function missCopy({ aws, request, now, sightings }: Poll): Promise<void> {
  const seen = sightings.get(request.handle);
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
  await deleteCopy(poll, copy, 'delete late');
  throw new Failure(
    `${describeCopy(request)} was ${progress.replace('%', ' %') || 'barely begun'}${progress ? ' done' : ''} after ${minutes(request)}; ${howToWaitLonger(request)}`,
  );
}

async function finish(poll: Poll, copy: Copy, operation: StackOperation): Promise<Answer> {
  const { request, log, now } = poll;
  const { handle, inPlace } = request;
  const isPresent = inPlace && copy.id === handle;
  // A double may still be invisible; and a rollback must outwait what the cancelled update may have started.
  const settles = !isPresent && now() < copy.startedAt + SETTLE_MS;
  const outwaits = !inPlace && operation.status.includes('ROLLBACK') && elapsed(poll) < SETTLE_MS;
  if (settles || outwaits) {
    log('wait', { snapshotId: copy.id, state: copy.state, reason: 'a double of the copy would be visible later' });
    return WAIT;
  }
  await writeTags(poll, copy, isPresent);
  poll.sightings.delete(handle);
  log('complete', { snapshotId: copy.id });
  return { IsComplete: true, PhysicalResourceId: copy.id, Data: attributesOf(copy.snapshot, request) };
}

/**
 * Tags as declared now. After a change they are written without trusting what was read, which may be the state before
 * the last write. Tags that were never declared are somebody else's, and stay.
 */
async function writeTags({ aws, request, log }: Poll, copy: Copy, isPresent: boolean): Promise<void> {
  const wanted = declaredTags(request.wanted);
  const before = declaredTags(request.before ?? request.wanted);
  const changed = Object.keys({ ...wanted, ...before }).filter((key) => wanted[key] !== before[key]);
  const differs = Object.keys(wanted).filter((key) => changed.includes(key) || wanted[key] !== copy.tags[key]);
  // A copy that was to be retained when it was made, and is adopted, keeps that mark.
  const removed = changed.filter((key) => !(key in wanted) && (isPresent || key !== TAG.retain));
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
  log('dry run passed', { snapshotId: present?.id });
  return { IsComplete: true, Data: attributesOf(present?.snapshot, request) };
}

// ---- Ends that are not a success ----------------------------------------------------------------------------------

/** CloudFormation no longer waits for this request: what it began must not outlive it. */
async function abandon(poll: Poll, copies: Copy[]): Promise<Answer> {
  const { request, log } = poll;
  for (const copy of copies.filter(isStartedUnder(request.handle))) {
    if (isUnfinished(copy) || !(await isSpokenFor(poll, copy))) await deleteCopy(poll, copy, 'delete abandoned');
  }
  // What the last window started is visible at the end of its cycle.
  if (elapsed(poll) % SETTLE_MS < SETTLE_MS - WINDOW_MS) {
    log('wait', { reason: 'the stack operation has ended; a copy that it began may still be invisible' });
    return WAIT;
  }
  throw new Failure(`the stack operation that asked for the ${describeCopy(request)} has ended before it was complete`);
}

/** A finished copy that CloudFormation names now, or that a cancelled create is to leave behind. */
async function isSpokenFor({ aws, request }: Poll, copy: Copy): Promise<boolean> {
  if (copy.tags[TAG.retain] === 'Retain') return true;
  const named = await aws.physicalIdOf(request.stackId, request.logicalId);
  return named === copy.id || named === copy.tags[TAG.handle];
}

/** Best effort: what remains is found by its tags, by the Delete or the Update that follows every failure. */
async function discardBegun(poll: Poll): Promise<void> {
  const { aws, request } = poll;
  if (request.type === 'Delete' || request.wanted.dryRun) return;
  try {
    for (const copy of (await findCopies(aws, request)).filter(isStartedUnder(request.handle))) {
      if (isUnfinished(copy) || !(await isSpokenFor(poll, copy))) await deleteCopy(poll, copy, 'delete begun');
    }
  } catch (error) {
    poll.log('not deleted', { reason: inWords(error) });
  }
}

const isKeyFailure = ({ snapshot }: Copy): boolean => /\bkey\b/i.test(snapshot.StateMessage ?? '');

function copyFailed(request: Request, { id, snapshot, region }: Copy): Failure {
  const { sourceRegion, kmsKeyId, sourceKmsKeyArn } = request.wanted;
  const message = snapshot.StateMessage ?? 'EC2 gave no reason';
  const destinationKey = kmsKeyId ?? 'the account’s default EBS key';
  const hint = /\bkey\b/i.test(message)
    ? `check that ${destinationKey} in ${region}${sourceKmsKeyArn ? ` and ${sourceKmsKeyArn} in ${sourceRegion}` : ''} are enabled, and that their key policies let this account’s IAM policies apply (kms:CreateGrant, kms:Decrypt, kms:GenerateDataKeyWithoutPlaintext, kms:ReEncrypt*)`
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
  const isAtMost = request.wanted.timeoutMs >= STAGE_MINUTES * 60_000;
  return isAtMost
    ? 'set "completionDuration" for a faster copy'
    : `raise "timeout" (now ${minutes(request)}) or set "completionDuration"`;
}

// ---- Delete -------------------------------------------------------------------------------------------------------

async function remove(poll: Poll): Promise<Answer> {
  const { aws, request, log } = poll;
  const { handle, wanted } = request;
  if (isSnapshotId(handle)) {
    const copy = await describe(aws, wanted.destinationRegion, handle);
    if (copy && !isDeleted(copy)) {
      if (!isOurs(copy, request)) throw lostTags(handle, wanted.destinationRegion);
      await deleteCopy(poll, copy, 'delete');
      return { IsComplete: true };
    }
  }
  for (const copy of (await findCopies(aws, request)).filter((each) => isMeant(each, request))) {
    if (isUnfinished(copy) || !(await isNamed(poll, copy))) await deleteCopy(poll, copy, 'delete');
  }
  // A copy that was started just before is not visible yet.
  if (elapsed(poll) < SETTLE_MS && !wanted.dryRun) {
    log('wait', { reason: 'a copy that was begun may still be invisible' });
    return WAIT;
  }
  log('deleted', {});
  return { IsComplete: true };
}

/**
 * What a Delete is about when its id is no snapshot that exists: the copies started under that id. An id that is not
 * ours was invented for a cancelled create: then all of the resource, but finished copies that are to be retained.
 */
function isMeant(copy: Copy, { handle }: Request): boolean {
  if (isHandle(handle)) return isStartedUnder(handle)(copy);
  const isLoose = isUnfinished(copy) || copy.tags[TAG.retain] === undefined;
  return isLoose && (!isSnapshotId(handle) || isStartedUnder(handle)(copy));
}

async function isNamed({ aws, request }: Poll, copy: Copy): Promise<boolean> {
  return (await aws.physicalIdOf(request.stackId, request.logicalId)) === copy.id;
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
