// CopySnapshot, as IAM evaluates it for the source and the copy, and the key permissions that it needs.
import { Aws, CfnParameter } from 'aws-cdk-lib';
import type { SnapshotCopyProps } from '../../lib';
import {
  ACCOUNT,
  ASSUMPTIONS,
  AWAY,
  carried,
  type CopyCall,
  HOME,
  mayCopy,
  newSnapshot,
  OTHER_ACCOUNT,
  OTHER_STACK,
  ownedBy,
  snapshot,
  tagsFor,
  through,
} from './calls';
import { isAllowed, policiesIn, type Statement, STACK_ID } from './iam';
import { type Declare, makerIn, source, stackOf } from './policy-declarations';
import { SOURCE, templateOf } from './stacks';

const policyOf = (declare: Declare, count = 1): Statement[] => policiesIn(templateOf(stackOf(count, declare))).flat();
const copyOf = (props: Partial<SnapshotCopyProps>) => policyOf(() => ({ sourceSnapshotId: SOURCE, ...props }));
const token: Declare = (stack) => ({ sourceSnapshotId: new CfnParameter(stack, 'Source').valueAsString });

describe.each(ASSUMPTIONS)('if the request tags are %s for the source', (assumption) => {
  const away = copyOf({ destinationRegion: AWAY });
  const within = copyOf({});

  test('the declared source may be copied with our tags', () => {
    expect(mayCopy(away, assumption)).toBe(true);
    expect(mayCopy(within, assumption, { copy: newSnapshot(HOME) })).toBe(true);
  });

  test('the source may be copied whichever Region its ARN names', () => {
    expect(mayCopy(away, assumption, { source: snapshot(AWAY, SOURCE) })).toBe(true);
  });

  test('EC2 may also authorize the copy in the source’s Region, where it reads the source', () => {
    expect(mayCopy(away, assumption, { copy: newSnapshot(HOME) })).toBe(true);
  });

  const abuses: [string, CopyCall][] = [
    ['for another source', { source: snapshot(HOME) }],
    ['for another source that carries our tag', { source: snapshot(HOME), sourceContext: carried(tagsFor(STACK_ID)) }],
    ['for the declared source without tags', { tags: {} }],
    ['for the declared source with only other tags', { tags: { team: 'storage' } }],
    ['for the declared source with another stack’s tag', { tags: tagsFor(OTHER_STACK) }],
    [
      'for the declared source that carries our tag, without our tag in the request',
      { tags: { team: 'storage' }, sourceContext: carried(tagsFor(STACK_ID)) },
    ],
    ['into another Region', { copy: newSnapshot('us-east-1') }],
  ];

  test.each(abuses)('CopySnapshot is denied %s', (_, call) => {
    expect(mayCopy(away, assumption, call)).toBe(false);
    expect(mayCopy(within, assumption, { copy: newSnapshot(HOME), ...call })).toBe(false);
  });

  test('with too many sources to list, any source may be copied, but only with our tag', () => {
    const many = policyOf((_, n) => ({ sourceSnapshotId: source(n) }), 11);
    const call = { source: snapshot(HOME), copy: newSnapshot(HOME) };
    expect(mayCopy(many, assumption, call)).toBe(true);
    expect(mayCopy(many, assumption, { ...call, tags: {} })).toBe(false);
    expect(mayCopy(many, assumption, { ...call, tags: tagsFor(OTHER_STACK) })).toBe(false);
    expect(mayCopy(many, assumption, { ...call, copy: newSnapshot(AWAY) })).toBe(false);
  });

  const cases: [string, Declare, owner: string | undefined, expected: boolean][] = [
    ['a source that is a token may belong to this account', token, ACCOUNT, true],
    ['a source that is a token may not belong to another account', token, OTHER_ACCOUNT, false],
    ['a source that is a token may not belong to an alias such as "amazon"', token, 'amazon', false],
    [
      'a source that is a token may belong to the declared owner',
      (...args) => ({ ...token(...args), sourceOwner: OTHER_ACCOUNT }),
      OTHER_ACCOUNT,
      true,
    ],
    [
      'a source that is a token may not belong to this account if another owner is declared',
      (...args) => ({ ...token(...args), sourceOwner: OTHER_ACCOUNT }),
      ACCOUNT,
      false,
    ],
    ['a listed source may belong to any account', () => ({ sourceSnapshotId: source(0) }), OTHER_ACCOUNT, true],
    [
      'a listed source may belong only to the declared owner',
      () => ({ sourceSnapshotId: source(0), sourceOwner: ACCOUNT }),
      OTHER_ACCOUNT,
      false,
    ],
    // The handler checks the owner before it copies.
    ['if EC2 does not send the owner, IAM cannot check it', token, undefined, true],
  ];

  test.each(cases)('%s', (_, declare, owner, expected) => {
    const sourceContext = owner === undefined ? {} : ownedBy(owner);
    const call = { source: snapshot(HOME, source(0)), sourceContext, copy: newSnapshot(HOME) };
    expect(mayCopy(policyOf(declare), assumption, call)).toBe(expected);
  });

  test('if two copies declare different owners of a source, it may belong to either', () => {
    const policy = policyOf((_, n) => ({ sourceOwner: [ACCOUNT, OTHER_ACCOUNT][n] }), 2);
    const of = (owner: string) =>
      mayCopy(policy, assumption, {
        source: snapshot(HOME, source(0)),
        sourceContext: ownedBy(owner),
        copy: newSnapshot(HOME),
      });
    expect([ACCOUNT, OTHER_ACCOUNT, '123456789012'].map(of)).toEqual([true, true, false]);
  });
});

test('a sourceOwner that is a pseudo parameter is listed', () => {
  const policy = policyOf((...args) => ({ ...token(...args), sourceOwner: Aws.ACCOUNT_ID }));
  const source = snapshot(HOME);
  expect(isAllowed(policy, 'ec2:CopySnapshot', source, ownedBy(ACCOUNT))).toBe(true);
  expect(isAllowed(policy, 'ec2:CopySnapshot', source, ownedBy(OTHER_ACCOUNT))).toBe(false);
});

test('a sourceOwner from a resource in the stack is not listed: the policy would wait for that resource', () => {
  const template = templateOf(
    stackOf(1, (stack) => ({
      sourceSnapshotId: 'snap-0123456789abcdef0',
      sourceOwner: makerIn(stack).getAttString('Owner'),
    })),
  );
  expect(JSON.stringify(policiesIn(template))).not.toContain('ec2:Owner');
});

describe('without a declared key, any key of the account may be used', () => {
  const KEY = `arn:aws-us-gov:kms:${HOME}:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-000000000001`;
  const policy = copyOf({ encrypted: true });
  const forSnapshots = { ...through(HOME), 'kms:EncryptionContextKeys': ['aws:ebs:id'] };

  test.each(['Decrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo'])(
    'only for volumes and snapshots: %s',
    (action) => {
      expect(isAllowed(policy, `kms:${action}`, KEY, forSnapshots)).toBe(true);
      const other = { ...forSnapshots, 'kms:EncryptionContextKeys': ['aws:s3:arn'] };
      expect(isAllowed(policy, `kms:${action}`, KEY, other)).toBe(false);
      const more = { ...forSnapshots, 'kms:EncryptionContextKeys': ['aws:ebs:id', 'aws:s3:arn'] };
      expect(isAllowed(policy, `kms:${action}`, KEY, more)).toBe(false);
    },
  );

  test('for a grant, with or without a context', () => {
    const forService = { 'kms:GrantIsForAWSResource': 'true' };
    expect(isAllowed(policy, 'kms:CreateGrant', KEY, { ...forSnapshots, ...forService })).toBe(true);
    expect(isAllowed(policy, 'kms:CreateGrant', KEY, { ...through(HOME), ...forService })).toBe(true);
    expect(isAllowed(policy, 'kms:CreateGrant', KEY, forSnapshots)).toBe(false);
  });

  test('only through EC2 in the copy’s Regions', () => {
    expect(isAllowed(policy, 'kms:Decrypt', KEY, { 'kms:EncryptionContextKeys': ['aws:ebs:id'] })).toBe(false);
    const elsewhere = KEY.replace(HOME, AWAY);
    expect(isAllowed(policy, 'kms:Decrypt', elsewhere, { ...forSnapshots, ...through(AWAY) })).toBe(false);
  });
});
