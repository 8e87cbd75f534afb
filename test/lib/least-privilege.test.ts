// What the handler's role may do, as IAM evaluates it. The abuses come from the threat model: any code that runs in the
// handler, whether by our mistake or by an attack, has this role.
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy, SnapshotCopyProvider, type SnapshotCopyProps } from '../../lib';
import { OWNER_TAGS, TAG } from '../../lib/contract';
import {
  ACCOUNT,
  adding,
  ASSUMPTIONS,
  AWAY,
  carried,
  HOME,
  mayCopy,
  newSnapshot,
  OTHER_ACCOUNT,
  OTHER_STACK,
  ownCopy,
  PUBLICLY,
  requested,
  snapshot,
  tagsFor,
  through,
} from './calls';
import { type Context, isAllowed, policiesIn, type Statement, STACK_ID, STACK_NAME } from './iam';
import { newStack, SOURCE, templateOf } from './stacks';

const keyArn = (n: number, region: string) =>
  `arn:aws-us-gov:kms:${region}:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-00000000000${n}`;
const [SOURCE_KEY, KEY, OTHER_KEY] = [keyArn(1, HOME), keyArn(2, AWAY), keyArn(3, AWAY)] as const;
const PARTNER = '555566667777';
const HANDLER = `arn:aws-us-gov:lambda:${HOME}:${ACCOUNT}:function:handler`;

function statements(...copies: Partial<SnapshotCopyProps>[]): Statement[] {
  const stack = newStack({ stackName: STACK_NAME });
  for (const [n, props] of copies.entries()) {
    const sourceKmsKey = kms.Key.fromKeyArn(stack, `SourceKey${n}`, SOURCE_KEY);
    new SnapshotCopy(stack, `Copy${n}`, { sourceSnapshotId: SOURCE, sourceKmsKey, ...props });
  }
  return policiesIn(templateOf(stack)).flat();
}

let declaredOnce: Statement[] | undefined;
const declared = (): Statement[] => (declaredOnce ??= statements({ destinationRegion: AWAY, kmsKeyId: KEY }));

type Call = [what: string, action: string, resource: string, context?: Context];

const NEEDED: Call[] = [
  ['list snapshots', 'ec2:DescribeSnapshots', '*'],
  ['see whether a copy is locked', 'ec2:DescribeLockedSnapshots', '*'],
  ['set tags of its copy', 'ec2:CreateTags', snapshot(AWAY), { ...ownCopy, ...requested({ team: 'b' }) }],
  ...[TAG.retain, TAG.id].map((key): Call => {
    return [`set ${key} of its copy`, 'ec2:CreateTags', snapshot(AWAY), { ...ownCopy, ...requested({ [key]: 'x' }) }];
  }),
  ['remove tags of its copy', 'ec2:DeleteTags', snapshot(AWAY), { ...ownCopy, 'aws:TagKeys': ['team', TAG.retain] }],
  ['delete its copy', 'ec2:DeleteSnapshot', snapshot(AWAY), ownCopy],
  // Undoing must always be allowed, because the prop may be gone from the declaration by then.
  ['unshare its copy', 'ec2:ModifySnapshotAttribute', snapshot(AWAY), { ...ownCopy, 'ec2:Remove/userId': PARTNER }],
  ['see with whom its copy is shared', 'ec2:DescribeSnapshotAttribute', snapshot(AWAY), ownCopy],
  ['unlock its copy', 'ec2:UnlockSnapshot', snapshot(AWAY), ownCopy],
  ['restore its copy', 'ec2:RestoreSnapshotTier', snapshot(AWAY), ownCopy],
  ['see whether a copy is archived', 'ec2:DescribeSnapshotTierStatus', '*'],
  ['describe the source’s key', 'kms:DescribeKey', SOURCE_KEY],
  ['describe the copy’s key', 'kms:DescribeKey', KEY],
  ['describe the account’s default key', 'kms:DescribeKey', OTHER_KEY],
  ...['Decrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo'].flatMap(
    (action): Call[] => [
      [`use the key of the source: ${action}`, `kms:${action}`, SOURCE_KEY, through(HOME)],
      [`use the key of the copy: ${action}`, `kms:${action}`, KEY, through(AWAY)],
    ],
  ),
  ['let EC2 use the key', 'kms:CreateGrant', KEY, { ...through(AWAY), 'kms:GrantIsForAWSResource': 'true' }],
  ['ask whether the copy is wanted', 'cloudformation:DescribeStacks', STACK_ID],
  ['ask which copy the stack has', 'cloudformation:DescribeStackResource', STACK_ID],
];

test.each(NEEDED)('the handler may %s', (_, action, resource, ...[context]) => {
  expect(isAllowed(declared(), action, resource, context)).toBe(true);
});

const FOREIGN: [whose: string, Context][] = [
  ['another stack’s copy', carried(tagsFor(OTHER_STACK))],
  ['an untagged snapshot', {}],
];

const ABUSES: Call[] = [
  // Snapshots of others: deleted, taken over, or read.
  ['delete another stack’s copy', 'ec2:DeleteSnapshot', snapshot(AWAY), carried(tagsFor(OTHER_STACK))],
  ['delete an untagged snapshot', 'ec2:DeleteSnapshot', snapshot(AWAY)],
  ['delete the source', 'ec2:DeleteSnapshot', snapshot(HOME, SOURCE)],
  ['tag a foreign snapshot as ours', 'ec2:CreateTags', snapshot(AWAY), requested(tagsFor(STACK_ID))],
  [
    'tag a foreign snapshot as if creating it',
    'ec2:CreateTags',
    snapshot(AWAY),
    { ...requested(tagsFor(STACK_ID)), 'ec2:CreateAction': 'CreateSnapshot' },
  ],
  [
    'take over another stack’s copy',
    'ec2:CreateTags',
    snapshot(AWAY),
    { ...carried(tagsFor(OTHER_STACK)), ...requested({ [TAG.stack]: STACK_ID }) },
  ],
  ['tag the source', 'ec2:CreateTags', snapshot(HOME, SOURCE), requested({ team: 'storage' })],
  ['list the blocks of a snapshot', 'ebs:ListSnapshotBlocks', snapshot(HOME, SOURCE)],
  ['read the blocks of its copy', 'ebs:GetSnapshotBlock', snapshot(AWAY), ownCopy],
  ['create a snapshot', 'ec2:CreateSnapshot', newSnapshot(HOME), requested(tagsFor(STACK_ID))],
  ['create a volume', 'ec2:CreateVolume', snapshot(AWAY), ownCopy],
  ['create an image', 'ec2:RegisterImage', snapshot(AWAY), ownCopy],
  ['export an image', 'ec2:ExportImage', snapshot(AWAY), ownCopy],
  // Its own copy: made ambiguous, given away, or made permanent.
  ...OWNER_TAGS.flatMap((key): Call[] => [
    [
      `change ${key} of its copy`,
      'ec2:CreateTags',
      snapshot(AWAY),
      { ...ownCopy, ...requested({ team: '', [key]: '' }) },
    ],
    [`remove ${key} of its copy`, 'ec2:DeleteTags', snapshot(AWAY), { ...ownCopy, 'aws:TagKeys': ['team', key] }],
    [
      `make ${key} of its copy ambiguous by another case`,
      'ec2:CreateTags',
      snapshot(AWAY),
      { ...ownCopy, ...requested({ [key.toUpperCase()]: '' }) },
    ],
  ]),
  ['remove all tags from its copy at once', 'ec2:DeleteTags', snapshot(AWAY), ownCopy],
  ['share its copy', 'ec2:ModifySnapshotAttribute', snapshot(AWAY), { ...ownCopy, ...adding(OTHER_ACCOUNT) }],
  ['make its copy public', 'ec2:ModifySnapshotAttribute', snapshot(AWAY), { ...ownCopy, ...PUBLICLY }],
  ['lock its copy', 'ec2:LockSnapshot', snapshot(AWAY), ownCopy],
  ['archive its copy', 'ec2:ModifySnapshotTier', snapshot(AWAY), ownCopy],
  ['enable fast restore of its copy', 'ec2:EnableFastSnapshotRestores', snapshot(AWAY), ownCopy],
  ['disable fast restore of its copy', 'ec2:DisableFastSnapshotRestores', snapshot(AWAY), ownCopy],
  // Snapshots of others: closed, opened, moved or held.
  ...FOREIGN.flatMap(([whose, context]): Call[] => [
    [`unlock ${whose}`, 'ec2:UnlockSnapshot', snapshot(AWAY), context],
    [`lock ${whose}`, 'ec2:LockSnapshot', snapshot(AWAY), context],
    [`archive ${whose}`, 'ec2:ModifySnapshotTier', snapshot(AWAY), context],
    [`restore ${whose}`, 'ec2:RestoreSnapshotTier', snapshot(AWAY), context],
    [`see with whom ${whose} is shared`, 'ec2:DescribeSnapshotAttribute', snapshot(AWAY), context],
    [`take ${whose} back`, 'ec2:ModifySnapshotAttribute', snapshot(AWAY), context],
    [`share ${whose}`, 'ec2:ModifySnapshotAttribute', snapshot(AWAY), { ...context, ...adding(OTHER_ACCOUNT) }],
    [
      `share ${whose} with a partner`,
      'ec2:ModifySnapshotAttribute',
      snapshot(AWAY),
      { ...context, ...adding(PARTNER) },
    ],
    [`make ${whose} public`, 'ec2:ModifySnapshotAttribute', snapshot(AWAY), { ...context, ...PUBLICLY }],
    [`reset the permissions of ${whose}`, 'ec2:ResetSnapshotAttribute', snapshot(AWAY), context],
  ]),
  ['let snapshots become public', 'ec2:DisableSnapshotBlockPublicAccess', '*'],
  // Keys.
  ['use another key', 'kms:Decrypt', OTHER_KEY, through(AWAY)],
  ['use its key without EC2', 'kms:Decrypt', KEY],
  ['use its key through another service', 'kms:Decrypt', KEY, { 'kms:ViaService': `s3.${AWAY}.amazonaws.com` }],
  // A key works only in its own Region, so EC2 cannot use it in another one.
  ['use a key of another Region', 'kms:GenerateDataKey', keyArn(2, 'us-east-1'), through('us-east-1')],
  ['encrypt with its key', 'kms:Encrypt', KEY, through(AWAY)],
  ['grant its key without a condition', 'kms:CreateGrant', KEY, through(AWAY)],
  ['grant its key to others', 'kms:CreateGrant', KEY, { ...through(AWAY), 'kms:GrantIsForAWSResource': 'false' }],
  ['change the policy of its key', 'kms:PutKeyPolicy', KEY],
  ['have its key deleted', 'kms:ScheduleKeyDeletion', KEY],
  ['describe another account’s keys', 'kms:DescribeKey', OTHER_KEY.replace(ACCOUNT, OTHER_ACCOUNT)],
  // The rest of the account.
  ['describe another stack', 'cloudformation:DescribeStacks', OTHER_STACK],
  ['read a template', 'cloudformation:GetTemplate', STACK_ID],
  ['change its stack', 'cloudformation:UpdateStack', STACK_ID],
  ['invoke a function', 'lambda:InvokeFunction', HANDLER],
  ['change its own code', 'lambda:UpdateFunctionCode', HANDLER],
  ['start the state machine', 'states:StartExecution', `arn:aws-us-gov:states:${HOME}:${ACCOUNT}:stateMachine:waiter`],
  ['read logs', 'logs:GetLogEvents', `arn:aws-us-gov:logs:${HOME}:${ACCOUNT}:log-group:copies`],
  ['write to other logs', 'logs:PutLogEvents', `arn:aws-us-gov:logs:${HOME}:${ACCOUNT}:log-group:audit`],
  ['assume another role', 'sts:AssumeRole', `arn:aws-us-gov:iam::${ACCOUNT}:role/admin`],
  ['give itself permissions', 'iam:PutRolePolicy', `arn:aws-us-gov:iam::${ACCOUNT}:role/handler`],
  ['make a network interface without a VPC', 'ec2:CreateNetworkInterface', '*'],
  ['write traces without tracing', 'xray:PutTraceSegments', '*'],
];

test.each(ABUSES)('the handler may not %s', (_, action, resource, ...[context]) => {
  expect(isAllowed(declared(), action, resource, context)).toBe(false);
});

test('with all settings, the handler gains only the permissions that Lambda itself needs', () => {
  const stack = newStack({ stackName: STACK_NAME });
  SnapshotCopyProvider.configure(stack, { vpc: new ec2.Vpc(stack, 'Vpc'), tracing: true });
  new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE, destinationRegion: AWAY, kmsKeyId: KEY });
  const policy = policiesIn(templateOf(stack)).flat();
  const allowed = ABUSES.filter(([, action, resource, context]) => isAllowed(policy, action, resource, context));
  expect(allowed.map(([what]) => what)).toEqual([
    'make a network interface without a VPC',
    'write traces without tracing',
  ]);
  expect(isAllowed(policy, 'ec2:AttachNetworkInterface', '*')).toBe(false);
  expect(isAllowed(policy, 'ec2:ModifyNetworkInterfaceAttribute', '*')).toBe(false);
});

test('after a change of Region, source, and key, the handler may still tag and delete the old copy', () => {
  const changed = statements({
    sourceSnapshotId: 'snap-0123456789abcdef1',
    sourceRegion: AWAY,
    sourceKmsKey: undefined,
    destinationRegion: HOME,
    kmsKeyId: keyArn(4, HOME),
  });
  expect(isAllowed(changed, 'ec2:DeleteSnapshot', snapshot(AWAY), ownCopy)).toBe(true);
  expect(isAllowed(changed, 'ec2:CreateTags', snapshot(AWAY), { ...ownCopy, ...requested({ team: 'b' }) })).toBe(true);
});

test('everything that one copy needs is also allowed with 450 copies', () => {
  const many = Array.from({ length: 449 }, (_, n) => ({ sourceSnapshotId: `snap-${String(n).padStart(17, '0')}` }));
  const policy = statements({ destinationRegion: AWAY, kmsKeyId: KEY }, ...many);
  const denied = NEEDED.filter(([, action, resource, context]) => !isAllowed(policy, action, resource, context));
  expect(denied).toEqual([]);
  expect(ASSUMPTIONS.map((assumption) => mayCopy(policy, assumption))).toEqual([true, true]);
});
