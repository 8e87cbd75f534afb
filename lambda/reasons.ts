// The reasons that users read in CloudFormation's events: what happened, and what to do.
import { MAX_TIMEOUT_SECONDS, OWNER_TAGS, TAG } from '../lib/contract';
import type { Copy } from './copies';
import { CallError, describeError, Ended, Failure, kindOf, NotYet } from './failure';
import type { BasicRequest, Declaration, LatestSource, Request } from './request';

/** `found` is the latest source, if the handler has chosen one. */
export function describeCopy({ wanted }: Request, found?: string): string {
  return `copy of ${describeSource(wanted, found)} from ${wanted.sourceRegion} to ${wanted.destinationRegion}`;
}

function describeSource({ latestSource, sourceSnapshotId = '' }: Declaration, found: string | undefined): string {
  if (!latestSource) return sourceSnapshotId;
  const latest = `the latest snapshot ${describeSelector(latestSource)}`;
  return found === undefined ? latest : `${found} (${latest})`;
}

export function describeSelector({ owner, tags, volumeId }: LatestSource): string {
  const all = Object.entries(tags).map(([key, value]) => `${key}=${value}`);
  const parts = [
    volumeId !== undefined && `of volume ${volumeId}`,
    all.length > 0 && `with ${all.length === 1 ? 'tag' : 'tags'} ${all.join(', ')}`,
    owner !== 'self' && `of account ${owner}`,
  ];
  return parts.filter((part) => part !== false).join(' ');
}

const describeCopyOf = (request: Request, { tags }: Copy): string => describeCopy(request, tags[TAG.source]);

function minutes({ timeoutSeconds }: Request): string {
  const count = Math.round(timeoutSeconds / 6) / 10;
  return `${count} ${count === 1 ? 'minute' : 'minutes'}`;
}

function howToWaitLonger(request: Request): string {
  const longer = request.timeoutSeconds < MAX_TIMEOUT_SECONDS && `raise "timeout" (now ${minutes(request)})`;
  const faster = request.wanted.completionDurationMinutes === undefined && 'set "completionDuration" for a faster copy';
  const advice = [longer, faster].filter((one) => one !== false);
  return advice.length > 0 ? advice.join(', or ') : 'deploy again when the Region is less busy';
}

export function neverStarted(request: Request, reason: string): Failure {
  const advice = request.isDryRun ? 'deploy again' : howToWaitLonger(request);
  return new Failure(`${describeCopy(request)} could not be started within ${minutes(request)}: ${reason}; ${advice}`);
}

export function tookTooLong(request: Request, copy: Copy): Failure {
  const { Progress: progress = '' } = copy.snapshot;
  const howFar = progress === '' ? 'had barely begun' : `was ${progress} done`;
  return new Failure(
    `${describeCopyOf(request, copy)} ${howFar} after ${minutes(request)}; ${howToWaitLonger(request)}`,
  );
}

/** EC2 may be recovering the snapshot from the Recycle Bin, or may have a new state. So this copy is not deleted. */
export function inUnknownState(request: Request, copy: Copy): Failure {
  const { id, region, state } = copy;
  return new Failure(
    `${describeCopyOf(request, copy)}: ${id} in ${region} was in state "${state}" after ${minutes(request)}; wait until it is completed, then deploy again`,
  );
}

export const isKeyFailure = ({ snapshot }: Copy): boolean => /\bkey\b/i.test(snapshot.StateMessage ?? '');

export function copyFailed(request: Request, copy: Copy): Failure {
  const { sourceRegion, kmsKeyId, sourceKmsKeyArn } = request.wanted;
  const { id, region, snapshot } = copy;
  const keys = [`${kmsKeyId ?? 'the account’s default EBS key'} in ${region}`];
  if (sourceKmsKeyArn) keys.push(`${sourceKmsKeyArn} in ${sourceRegion}`);
  const advice = isKeyFailure(copy)
    ? `check that each key (${keys.join(', ')}) is enabled and that its key policy lets this account’s IAM policies apply (kms:CreateGrant, kms:Decrypt, kms:GenerateDataKeyWithoutPlaintext, kms:ReEncrypt*)`
    : `check that the source still exists in ${sourceRegion}, is completed, and is still shared with this account, then deploy again`;
  const message = snapshot.StateMessage ?? 'no reason given';
  return new Failure(`${describeCopyOf(request, copy)} failed: EC2 says of ${id} "${message}"; ${advice}`);
}

export function deletedExternally(request: Request, snapshotId: string): Failure {
  return new Failure(
    `${describeCopy(request)}: ${snapshotId} was deleted by somebody else before it was completed; find out who, then deploy again`,
  );
}

export function copyFromBeforeIsGone(request: Request): Failure {
  return new Failure(
    `${describeCopy(request)}: the earlier copy was deleted by somebody else, or does not carry the tags that make it this resource’s copy`,
  );
}

export const lostTags = ({ id, region }: Copy): Failure =>
  new Failure(
    `${id} in ${region} does not carry the tags that make it this resource’s copy (${OWNER_TAGS.join(', ')}), so it is neither changed nor deleted; restore the tags, or handle the snapshot yourself`,
  );

/** `what` is what the operation requested. */
export const hasEnded = (what: string): Failure =>
  new Ended(`the stack operation that requested the ${what} has ended, or already has its answer`);

export const notAskedFor = ({ physicalId }: BasicRequest): Failure =>
  new Ended(`the stack is idle, so CloudFormation did not request the deletion of ${physicalId.text}`);

export function notDeleted({ id, region }: Copy, error: unknown, lock: string | undefined): Failure {
  const what = `${id} in ${region} could not be deleted: ${describeError(error)}`;
  if (lock !== undefined && lock !== 'expired')
    return new Failure(`${what}; its lock is in state ${lock}: unlock it, then delete again`);
  const advice = adviceFor(error, region) ?? 'deregister the AMI, unlock the snapshot, or release what else holds it';
  return new Failure(`${what}; ${advice}, then delete again`);
}

/** The copy is finished, but not as declared. */
export function notAligned({ type }: Request, { id, region }: Copy, aspect: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const advice = adviceFor(error, region) ?? 'correct what EC2 refuses, or change the declaration';
  const fate = type === 'Create' ? ' (the copy itself was completed)' : '';
  return new Failure(`${aspect} of ${id} in ${region} could not be changed${fate}: ${describeError(error)}; ${advice}`);
}

/** Turns any error into one line for the user that also says where the log is. */
export function toFailure(error: unknown, what: string, defaultRegion: string, logGroup: string): Failure {
  const where = ` (log group ${logGroup})`;
  if (error instanceof Failure) return new Failure(error.message, where);
  if (error instanceof NotYet) return new Failure(`${what}: ${error.message}`, where);
  const region = error instanceof CallError ? error.region : defaultRegion;
  const advice = adviceFor(error, region);
  const hint = advice === undefined ? '' : `; ${advice}`;
  return new Failure(`${what}: ${describeError(error)} in ${region}${hint}`, where);
}

/** Describes what a request asks for. */
export function describeRequest(request: Request, found?: string): string {
  return request.type === 'Delete' ? `deletion of ${request.physicalId.text}` : describeCopy(request, found);
}

/** Suggests what to check after an error whose cause is not EC2. */
function adviceFor(error: unknown, region: string): string | undefined {
  switch (kindOf(error)) {
    case 'denied':
      return 'check the policies, boundaries and key policies that apply to the handler’s role';
    case 'closed':
      return `check that the account has enabled ${region}, and that no service control policy denies it to the handler’s role`;
    case 'unreachable':
      return `check that ${region} is spelled right, and that the functions can reach it from their VPC, if they are in one`;
    default:
      return undefined;
  }
}
