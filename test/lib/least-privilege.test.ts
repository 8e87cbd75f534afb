import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { OWNER_TAGS, TAG } from '../../lib/contract';
import { type Context, isAllowed, policiesIn, type Statement, STACK_ID, STACK_NAME } from './iam';
import { newStack, SOURCE, templateOf } from './stacks';

const HOME = 'us-gov-west-1';
const AWAY = 'us-gov-east-1';
const OTHER_STACK = STACK_ID.replace('1234abcd', 'ffffffff');
const keyArn = (n: number, region: string) =>
  `arn:aws-us-gov:kms:${region}:111122223333:key/1234abcd-12ab-34cd-56ef-00000000000${n}`;
const [SOURCE_KEY, KEY, OTHER_KEY] = [keyArn(1, HOME), keyArn(2, AWAY), keyArn(3, AWAY)] as const;
const snapshot = (region: string, id = 'snap-ffffffffffffffff1') => `arn:aws-us-gov:ec2:${region}::snapshot/${id}`;

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
const tagsFor = (stackId: string) => ({
  [TAG.stack]: stackId,
  [TAG.resource]: 'Copy0',
  [TAG.inputs]: 'v1-0',
  [TAG.handle]: 'copy-0',
  team: 'storage',
});
const requested = (tags: Readonly<Record<string, string>>): Context => ({
  ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
  ...(Object.keys(tags).length > 0 && { 'aws:TagKeys': Object.keys(tags) }),
});
const carried = (tags: Readonly<Record<string, string>>): Context =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, value]));
const ownCopy = carried(tagsFor(STACK_ID));
const through = (region: string): Context => ({ 'kms:ViaService': `ec2.${region}.amazonaws.com` });

/** AWS does not document whether the tags of the request count for the source. The policy must be right either way. */
const ASSUMPTIONS = ['known', 'unknown'] as const;
type Assumption = (typeof ASSUMPTIONS)[number];

interface CopyCall {
  readonly source?: string;
  readonly copy?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** All of CopySnapshot: on the source, on the copy, and CreateTags if there are tags. */
function mayCopy(policy: readonly Statement[], assumption: Assumption, call: CopyCall = {}): boolean {
  const { source = snapshot(HOME, SOURCE), copy = snapshot(AWAY, '*'), tags = tagsFor(STACK_ID) } = call;
  const given = requested(tags);
  return (
    isAllowed(policy, 'ec2:CopySnapshot', source, assumption === 'known' ? given : {}) &&
    isAllowed(policy, 'ec2:CopySnapshot', copy, given) &&
    (Object.keys(tags).length === 0 ||
      isAllowed(policy, 'ec2:CreateTags', copy, { ...given, 'ec2:CreateAction': 'CopySnapshot' }))
  );
}

type Call = [what: string, action: string, resource: string, context?: Context];

const NEEDED: Call[] = [
  ['list snapshots', 'ec2:DescribeSnapshots', '*'],
  ['set tags of its copy', 'ec2:CreateTags', snapshot(AWAY), { ...ownCopy, ...requested({ team: 'b' }) }],
  [
    'mark its copy to be retained',
    'ec2:CreateTags',
    snapshot(AWAY),
    { ...ownCopy, ...requested({ [TAG.retain]: 'Retain' }) },
  ],
  ['remove tags of its copy', 'ec2:DeleteTags', snapshot(AWAY), { ...ownCopy, 'aws:TagKeys': ['team', TAG.retain] }],
  ['delete its copy', 'ec2:DeleteSnapshot', snapshot(AWAY), ownCopy],
  ['look at the key of the source', 'kms:DescribeKey', SOURCE_KEY],
  ['look at the key of the copy', 'kms:DescribeKey', KEY],
  ['look at the account’s default key', 'kms:DescribeKey', OTHER_KEY],
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

const ABUSES: Call[] = [
  ['delete the copy of another stack', 'ec2:DeleteSnapshot', snapshot(AWAY), carried(tagsFor(OTHER_STACK))],
  ['delete a snapshot that nobody tagged', 'ec2:DeleteSnapshot', snapshot(AWAY)],
  ['delete the source', 'ec2:DeleteSnapshot', snapshot(HOME, SOURCE)],
  ['tag a foreign snapshot as ours', 'ec2:CreateTags', snapshot(AWAY), requested(tagsFor(STACK_ID))],
  [
    'tag a foreign snapshot while it starts another copy',
    'ec2:CreateTags',
    snapshot(AWAY),
    { ...requested(tagsFor(STACK_ID)), 'ec2:CreateAction': 'CreateSnapshot' },
  ],
  [
    'take over the copy of another stack',
    'ec2:CreateTags',
    snapshot(AWAY),
    { ...carried(tagsFor(OTHER_STACK)), ...requested({ [TAG.stack]: STACK_ID }) },
  ],
  ['tag the source', 'ec2:CreateTags', snapshot(HOME, SOURCE), requested({ team: 'storage' })],
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
  ['remove all tags of its copy at once', 'ec2:DeleteTags', snapshot(AWAY), ownCopy],
  ['use another key', 'kms:Decrypt', OTHER_KEY, through(AWAY)],
  ['use its key without EC2', 'kms:Decrypt', KEY],
  ['use its key through another service', 'kms:Decrypt', KEY, { 'kms:ViaService': `s3.${AWAY}.amazonaws.com` }],
  // A key serves its own Region only, so there is no EC2 elsewhere that could use it.
  ['use a key of another Region', 'kms:GenerateDataKey', keyArn(2, 'us-east-1'), through('us-east-1')],
  ['encrypt with its key', 'kms:Encrypt', KEY, through(AWAY)],
  ['grant its key without a condition', 'kms:CreateGrant', KEY, through(AWAY)],
  ['grant its key to others', 'kms:CreateGrant', KEY, { ...through(AWAY), 'kms:GrantIsForAWSResource': 'false' }],
  ['look at keys of another account', 'kms:DescribeKey', OTHER_KEY.replace('111122223333', '999988887777')],
  ['share its copy', 'ec2:ModifySnapshotAttribute', snapshot(AWAY), ownCopy],
  ['make a volume', 'ec2:CreateVolume', snapshot(AWAY), ownCopy],
  ['look at another stack', 'cloudformation:DescribeStacks', OTHER_STACK],
  ['change its stack', 'cloudformation:UpdateStack', STACK_ID],
];

test.each(ABUSES)('the handler may not %s', (_, action, resource, ...[context]) => {
  expect(isAllowed(declared(), action, resource, context)).toBe(false);
});

describe.each(ASSUMPTIONS)('if the tags of the request are %s for the source', (assumption) => {
  test('the declared source may be copied with our tags', () => {
    expect(mayCopy(declared(), assumption)).toBe(true);
    expect(mayCopy(statements({}), assumption, { copy: snapshot(HOME, '*') })).toBe(true);
  });

  test.each<[string, CopyCall]>([
    ['from another source', { source: snapshot(HOME) }],
    ['without tags', { tags: {} }],
    ['with other tags', { tags: { team: 'storage' } }],
    ['with the tag of another stack', { tags: tagsFor(OTHER_STACK) }],
    ['into another Region', { copy: snapshot('us-east-1', '*') }],
    ['into the Region of the source', { copy: snapshot(HOME, '*') }],
  ])('CopySnapshot is denied %s', (_, call) => {
    expect(mayCopy(declared(), assumption, call)).toBe(false);
  });

  test('CopySnapshot within one Region is denied without our tags', () => {
    const within = { copy: snapshot(HOME, '*') };
    expect(mayCopy(statements({}), assumption, { ...within, tags: {} })).toBe(false);
    expect(mayCopy(statements({}), assumption, { ...within, tags: tagsFor(OTHER_STACK) })).toBe(false);
  });

  // With more than ten sources, the policy allows any in the Region, and the copy is one of them.
  test('with more sources than are listed, any source of the Region may be copied, but with no tag of another stack', () => {
    const many = Array.from({ length: 11 }, (_, n) => ({ sourceSnapshotId: `snap-0123456789abcde${n + 10}` }));
    const call = { source: snapshot(HOME), copy: snapshot(HOME, '*') };
    expect(mayCopy(statements(...many), assumption, call)).toBe(true);
    expect(mayCopy(statements(...many), assumption, { ...call, tags: tagsFor(OTHER_STACK) })).toBe(false);
    expect(mayCopy(statements(...many), assumption, { ...call, copy: snapshot(AWAY, '*') })).toBe(false);
  });
});

test('after a change of Region, source and key the handler may still tag and delete the old copy', () => {
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

test('whatever one copy needs is allowed among 450 copies, too', () => {
  const many = Array.from({ length: 449 }, (_, n) => ({ sourceSnapshotId: `snap-${String(n).padStart(17, '0')}` }));
  const policy = statements({ destinationRegion: AWAY, kmsKeyId: KEY }, ...many);
  const denied = NEEDED.filter(([, action, resource, context]) => !isAllowed(policy, action, resource, context));
  expect(denied).toEqual([]);
  expect(ASSUMPTIONS.map((assumption) => mayCopy(policy, assumption))).toEqual([true, true]);
});
