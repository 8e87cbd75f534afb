// Calls of the handler, and the condition keys that EC2 sends with them.
import { TAG } from '../../lib/contract';
import { type Context, isAllowed, type Statement, STACK_ID } from './iam';
import { SOURCE } from './stacks';

export const HOME = 'us-gov-west-1';
export const AWAY = 'us-gov-east-1';
export const ACCOUNT = '111122223333';
export const OTHER_ACCOUNT = '999988887777';
export const OTHER_STACK = STACK_ID.replace('1234abcd', 'ffffffff');

export const snapshot = (region: string, id = 'snap-ffffffffffffffff1') =>
  `arn:aws-us-gov:ec2:${region}::snapshot/${id}`;

/** The ARN of a snapshot that has no ID yet: a literal asterisk. */
export const newSnapshot = (region: string) => snapshot(region, '*');

export const tagsFor = (stackId: string): Readonly<Record<string, string>> => ({
  [TAG.stack]: stackId,
  [TAG.resource]: 'Copy0',
  [TAG.inputs]: 'v1-0',
  [TAG.handle]: 'copy-0',
  team: 'storage',
});

/** Tags of a request. */
export const requested = (tags: Readonly<Record<string, string>>): Context => ({
  ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
  ...(Object.keys(tags).length > 0 && { 'aws:TagKeys': Object.keys(tags) }),
});

/** Tags of the snapshot that a request is about. */
export const carried = (tags: Readonly<Record<string, string>>): Context =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, value]));

export const ownCopy = carried(tagsFor(STACK_ID));
export const ownedBy = (account: string): Context => ({ 'ec2:Owner': account });
/** ModifySnapshotAttribute: accounts that are added. */
export const adding = (...accounts: string[]): Context => ({ 'ec2:Add/userId': accounts });
/** ModifySnapshotAttribute: the only group, everybody. */
export const PUBLICLY: Context = { 'ec2:Add/group': 'all' };
export const through = (region: string): Context => ({ 'kms:ViaService': `ec2.${region}.amazonaws.com` });

/** AWS does not document whether the request tags apply to the source. The policy must be correct in both cases. */
export const ASSUMPTIONS = ['known', 'unknown'] as const;
export type Assumption = (typeof ASSUMPTIONS)[number];

export interface CopyCall {
  readonly source?: string;
  /** The condition keys of the source. */
  readonly sourceContext?: Context;
  readonly copy?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Everything that CopySnapshot needs: the source, the copy, and CreateTags if there are tags. */
export function mayCopy(policy: readonly Statement[], assumption: Assumption, call: CopyCall = {}): boolean {
  const { source = snapshot(HOME, SOURCE), copy = newSnapshot(AWAY), tags = tagsFor(STACK_ID), sourceContext } = call;
  const given = requested(tags);
  return (
    isAllowed(policy, 'ec2:CopySnapshot', source, { ...sourceContext, ...(assumption === 'known' && given) }) &&
    isAllowed(policy, 'ec2:CopySnapshot', copy, given) &&
    (Object.keys(tags).length === 0 ||
      isAllowed(policy, 'ec2:CreateTags', copy, { ...given, 'ec2:CreateAction': 'CopySnapshot' }))
  );
}
