// What the user reads in the CloudFormation event: what happened, and what to do.
import { MAX_TIMEOUT_MINUTES, OWNER_TAGS } from '../lib/contract';
import type { Copy } from './copies';
import { Failure } from './failure';
import type { Request } from './request';

export function describeCopy({ wanted }: Request): string {
  return `copy of ${wanted.sourceSnapshotId} from ${wanted.sourceRegion} to ${wanted.destinationRegion}`;
}

export function minutes({ wanted }: Request): string {
  const count = Math.round(wanted.timeoutMs / 6_000) / 10;
  return `${count} ${count === 1 ? 'minute' : 'minutes'}`;
}

export function howToWaitLonger(request: Request): string {
  const isAtMost = request.wanted.timeoutMs >= MAX_TIMEOUT_MINUTES * 60_000;
  return isAtMost
    ? 'set "completionDuration" for a faster copy'
    : `raise "timeout" (now ${minutes(request)}) or set "completionDuration"`;
}

export function copyFailed(request: Request, { id, snapshot, region }: Copy): Failure {
  const { sourceRegion, kmsKeyId, sourceKmsKeyArn } = request.wanted;
  const message = snapshot.StateMessage ?? 'EC2 gave no reason';
  const keys = [`${kmsKeyId ?? 'the account’s default EBS key'} in ${region}`];
  if (sourceKmsKeyArn) keys.push(`${sourceKmsKeyArn} in ${sourceRegion}`);
  const hint = /\bkey\b/i.test(message)
    ? `check of each key (${keys.join(', ')}) that it is enabled, and that its key policy lets this account’s IAM policies apply (kms:CreateGrant, kms:Decrypt, kms:GenerateDataKeyWithoutPlaintext, kms:ReEncrypt*)`
    : `check that the source still exists in ${sourceRegion}, is completed and still shared with this account, then deploy again`;
  return new Failure(`${describeCopy(request)} failed: EC2 says of ${id} "${message}"; ${hint}`);
}

export const isKeyFailure = ({ snapshot }: Copy): boolean => /\bkey\b/i.test(snapshot.StateMessage ?? '');

export const lostTags = (id: string, region: string): Failure =>
  new Failure(
    `${id} in ${region} does not carry the tags that make it this resource’s copy (${OWNER_TAGS.join(', ')}), so it is neither changed nor deleted; restore the tags, or handle the snapshot yourself`,
  );

export const hasEnded = (request: Request): Failure =>
  new Failure(`the stack operation that asked for the ${describeCopy(request)} has ended, or has its answer`);

/** EC2 may be restoring a snapshot from the Recycle Bin, or have got a new state: only what this request began goes. */
export function notJudged(request: Request, { id, region, state }: Copy): Failure {
  return new Failure(
    `${describeCopy(request)}: ${id} in ${region} was in state "${state}" after ${minutes(request)}; wait until it is completed, then deploy again`,
  );
}
