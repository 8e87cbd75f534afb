// What the handler's role may do with finished copies in a stack that shares, locks and archives its copies, as IAM
// evaluates it. What it may never do is tested in least-privilege.test.ts.
import { CfnParameter, Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { FastSnapshotRestore, SnapshotCopy, type SnapshotCopyProps, SnapshotLock, StorageTier } from '../../lib';
import { adding, AWAY, carried, HOME, OTHER_ACCOUNT, OTHER_STACK, ownCopy, PUBLICLY, snapshot, tagsFor } from './calls';
import { type Context, isAllowed, policiesIn, type Statement, STACK_NAME } from './iam';
import { newStack, range, SOURCE, templateOf } from './stacks';

const PARTNERS = ['555566667777', '666677778888'] as const;
const retained = { removalPolicy: RemovalPolicy.RETAIN };
const LOCK = SnapshotLock.governance(Duration.days(7));

function stackOf(...copies: Partial<SnapshotCopyProps>[]): Stack {
  const stack = newStack({ stackName: STACK_NAME });
  for (const [n, props] of copies.entries()) {
    new SnapshotCopy(stack, `Copy${n}`, { sourceSnapshotId: SOURCE, ...props });
  }
  return stack;
}

const policyOf = (stack: Stack): Statement[] => policiesIn(templateOf(stack)).flat();

const mayShare = (policy: readonly Statement[], context: Context, whose: Context = ownCopy) =>
  isAllowed(policy, 'ec2:ModifySnapshotAttribute', snapshot(AWAY), { ...whose, ...context });

const warningsOf = (stack: Stack) =>
  Annotations.fromStack(stack)
    .findWarning('*', Match.stringLikeRegexp('cdk-ebs-snapshot-copy:anyAccount'))
    .map(({ id, entry }) => `${id}: ${entry.data as string}`);

describe('sharing', () => {
  const shared = policyOf(stackOf({ shareWith: [PARTNERS[0]] }, { shareWith: [PARTNERS[1]] }, {}));

  test.each<[string, Context]>([
    ['one declared account', adding(PARTNERS[0])],
    ['the declared account of another copy, because lists may move between copies', adding(PARTNERS[1])],
    ['all declared accounts at once', adding(...PARTNERS)],
    ['the removal of any account', { 'ec2:Remove/userId': [OTHER_ACCOUNT] }],
  ])('is allowed with %s', (_, context) => {
    expect(mayShare(shared, context)).toBe(true);
  });

  test.each<[string, Context, Context?]>([
    ['an undeclared account', adding(OTHER_ACCOUNT)],
    ['an undeclared account and a declared one', adding(PARTNERS[0], OTHER_ACCOUNT)],
    ['everyone', PUBLICLY],
    ['everyone and a declared account', { ...PUBLICLY, ...adding(PARTNERS[0]) }],
    ['a declared account, but for another stack’s copy', adding(PARTNERS[0]), carried(tagsFor(OTHER_STACK))],
    ['a declared account, but for a snapshot without tags', adding(PARTNERS[0]), {}],
  ])('is denied with %s', (_, context, ...[whose]) => {
    expect(mayShare(shared, context, whose)).toBe(false);
  });

  test('lists twenty accounts in the same order, however they are distributed across copies', () => {
    const accounts = range(20).map((n) => String(500_000_000_000 + n));
    const stack = stackOf(
      { shareWith: accounts.slice(10).reverse() },
      ...accounts.map((one) => ({ shareWith: [one] })),
    );
    const policy = policyOf(stack);
    expect(accounts.filter((one) => !mayShare(policy, adding(one)))).toEqual([]);
    expect(mayShare(policy, adding(OTHER_ACCOUNT))).toBe(false);
    expect(JSON.stringify(policy)).toContain(JSON.stringify(accounts).slice(1, -1));
    expect(warningsOf(stack)).toEqual([]);
  });

  test('with more than twenty accounts is allowed with any account, with one warning, but never with everyone', () => {
    const stack = stackOf(...range(23).map((n) => ({ shareWith: [String(500_000_000_000 + n)] })));
    const policy = policyOf(stack);
    expect(mayShare(policy, adding(OTHER_ACCOUNT))).toBe(true);
    expect(mayShare(policy, PUBLICLY)).toBe(false);
    expect(mayShare(policy, { ...PUBLICLY, ...adding(OTHER_ACCOUNT) })).toBe(false);
    expect(mayShare(policy, adding(OTHER_ACCOUNT), carried(tagsFor(OTHER_STACK)))).toBe(false);
    expect(warningsOf(stack)).toEqual([
      '/Stack/Copy20: The handler of the snapshot copies may share copies with any account, because the stack shares ' +
        'with more than 20 accounts. [ack: cdk-ebs-snapshot-copy:anyAccount]',
    ]);
  });

  test.each<[string, (stack: Stack) => string[]]>([
    ['a list that is a token', (stack) => new CfnParameter(stack, 'All', { type: 'CommaDelimitedList' }).valueAsList],
    ['a token in the list', (stack) => [PARTNERS[0], new CfnParameter(stack, 'One').valueAsString]],
  ])('with %s is allowed with any account, with a warning', (_, shareWith) => {
    const stack = newStack({ stackName: STACK_NAME });
    new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE, shareWith: shareWith(stack) });
    expect(mayShare(policyOf(stack), adding(OTHER_ACCOUNT))).toBe(true);
    expect(mayShare(policyOf(stack), PUBLICLY)).toBe(false);
    expect(warningsOf(stack)).toEqual([
      expect.stringMatching(/^\/Stack\/Copy: .* with any account, because shareWith is a token\. /),
    ]);
  });
});

describe('lock and archive', () => {
  const plain = () => policyOf(stackOf({}));
  const held = () => policyOf(stackOf({ ...retained, lock: LOCK }, { storageTier: StorageTier.ARCHIVE }));

  test.each(['ec2:LockSnapshot', 'ec2:ModifySnapshotTier'])(
    '%s requires a declaration, and is only for our own copies',
    (action) => {
      const may = (policy: readonly Statement[], context: Context) =>
        isAllowed(policy, action, snapshot(AWAY), context);
      expect(may(plain(), ownCopy)).toBe(false);
      expect(may(held(), ownCopy)).toBe(true);
      expect(may(held(), carried(tagsFor(OTHER_STACK)))).toBe(false);
      expect(may(held(), {})).toBe(false);
    },
  );

  test('a lock does not permit archiving, and the archive tier does not permit locking', () => {
    const [locked, archived] = [{ ...retained, lock: LOCK }, { storageTier: StorageTier.ARCHIVE }].map((props) =>
      policyOf(stackOf(props)),
    );
    expect(isAllowed(locked ?? [], 'ec2:ModifySnapshotTier', snapshot(AWAY), ownCopy)).toBe(false);
    expect(isAllowed(archived ?? [], 'ec2:LockSnapshot', snapshot(AWAY), ownCopy)).toBe(false);
  });

  test('the standard tier, an empty list, and false permit nothing', () => {
    const explicit = { storageTier: StorageTier.STANDARD, shareWith: [], copySourceTags: false };
    expect(policyOf(stackOf(explicit))).toEqual(plain());
  });
});

describe('fast restore', () => {
  function fast(count: number): Statement[] {
    const stack = newStack({ stackName: STACK_NAME });
    for (const n of range(count)) {
      const id = `snap-0123456789abcdef${n}`;
      const imported = SnapshotCopy.fromSnapshotId(stack, `Snapshot${n}`, id, { region: HOME });
      new FastSnapshotRestore(stack, `Fast${n}`, { snapshot: imported, availabilityZones: [`${HOME}a`] });
    }
    return policyOf(stack);
  }
  const declared = snapshot(HOME, 'snap-0123456789abcdef0');

  test('may be enabled only for the declared snapshot, and disabled for any snapshot', () => {
    const policy = fast(1);
    const may = (action: string, arn: string) => isAllowed(policy, `ec2:${action}FastSnapshotRestores`, arn);
    expect([may('Enable', declared), may('Disable', declared), may('Describe', '*')]).toEqual([true, true, true]);
    expect(may('Enable', snapshot(HOME))).toBe(false);
    // A snapshot that was declared earlier, perhaps in another Region.
    expect(may('Disable', snapshot(HOME))).toBe(true);
    expect(may('Disable', snapshot(AWAY))).toBe(true);
  });

  test('of more than three snapshots is allowed for any snapshot', () => {
    expect(isAllowed(fast(3), 'ec2:EnableFastSnapshotRestores', snapshot(HOME))).toBe(false);
    expect(isAllowed(fast(4), 'ec2:EnableFastSnapshotRestores', snapshot(HOME))).toBe(true);
    expect(isAllowed(fast(4), 'ec2:EnableFastSnapshotRestores', declared)).toBe(true);
  });
});
