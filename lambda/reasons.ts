// The reasons that a user reads in the CloudFormation event: what happened, and what to do.
import { MAX_TIMEOUT_SECONDS, OWNER_TAGS } from '../lib/contract';
import type { Copy } from './copies';
import { describeError, Failure, kindOf } from './failure';
import type { Request } from './request';

export function describeCopy({ wanted }: Request): string {
  return `copy of ${wanted.sourceSnapshotId} from ${wanted.sourceRegion} to ${wanted.destinationRegion}`;
}

function minutes({ timeoutSeconds }: Request): string {
  const count = Math.round(timeoutSeconds / 6) / 10;
  return `${count} ${count === 1 ? 'minute' : 'minutes'}`;
}

function howToWaitLonger(request: Request): string {
  return request.timeoutSeconds >= MAX_TIMEOUT_SECONDS
    ? 'set "completionDuration" for a faster copy'
    : `raise "timeout" (now ${minutes(request)}) or set "completionDuration"`;
}

export function neverStarted(request: Request, reason: string): Failure {
  const advice = request.isDryRun ? 'deploy again' : howToWaitLonger(request);
  return new Failure(`${describeCopy(request)} could not be started within ${minutes(request)}: ${reason}; ${advice}`);
}

export function tookTooLong(request: Request, { snapshot }: Copy): Failure {
  const { Progress: progress = '' } = snapshot;
  const howFar = progress === '' ? 'had barely begun' : `was ${progress.replace('%', ' %')} done`;
  return new Failure(`${describeCopy(request)} ${howFar} after ${minutes(request)}; ${howToWaitLonger(request)}`);
}

/** EC2 may be restoring the snapshot from the Recycle Bin, or have a new state. Only what this request began is deleted. */
export function inUnknownState(request: Request, { id, region, state }: Copy): Failure {
  return new Failure(
    `${describeCopy(request)}: ${id} in ${region} was in state "${state}" after ${minutes(request)}; wait until it is completed, then deploy again`,
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
  return new Failure(`${describeCopy(request)} failed: EC2 says of ${id} "${message}"; ${advice}`);
}

export function deletedExternally(request: Request, snapshotId: string): Failure {
  return new Failure(
    `${describeCopy(request)}: ${snapshotId} was deleted by somebody else before it was completed; find out who, then deploy again`,
  );
}

export const lostTags = ({ id, region }: Copy): Failure =>
  new Failure(
    `${id} in ${region} does not carry the tags that make it this resource’s copy (${OWNER_TAGS.join(', ')}), so it is neither changed nor deleted; restore the tags, or handle the snapshot yourself`,
  );

export const hasEnded = (request: Request): Failure =>
  new Failure(`the stack operation that asked for the ${describeCopy(request)} has ended, or has its answer`);

export const notDeleted = ({ id, region }: Copy, error: unknown): Failure =>
  new Failure(
    `${id} in ${region} could not be deleted: ${describeError(error)}; deregister the AMI, unlock the snapshot, or release what else holds it, then delete again`,
  );

/** What the user reads of any error: in one line, with where the log is. */
export function toFailure(error: unknown, { type, wanted, physicalId }: Request, logGroup: string): Failure {
  const where = ` (log group ${logGroup})`;
  if (error instanceof Failure) return new Failure(error.message, where);
  const what = type === 'Delete' ? `deletion of ${physicalId.text}` : `copy of ${wanted.sourceSnapshotId}`;
  const advice =
    kindOf(error) === 'denied'
      ? '; check the policies, boundaries and key policies that apply to the handler’s role'
      : '';
  return new Failure(`${what} in ${wanted.destinationRegion}: ${describeError(error)}${advice}`, where);
}
