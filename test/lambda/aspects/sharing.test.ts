import { AwsError } from '../../../local-aws/faults';
import { Life, REGION, WEATHERS, type Ending } from './life';

const [A, B, C] = ['999988887777', '888877776666', '777766665555'] as const;
const OTHERS = '666655554444';
const OWN = '111122223333';

/** With whom each remaining copy is shared. */
const sharingOf = (life: Life): string[][] => life.copies().map((id) => [...life.ec2.snapshot(id).sharedWith].sort());

interface Row {
  readonly life: string;
  readonly before: readonly string[];
  readonly change?: { readonly ShareWith?: readonly string[]; readonly Description?: string };
  readonly ending: Ending;
  /** Of each copy that remains. */
  readonly shared: readonly (readonly string[])[];
}

const ROWS: readonly Row[] = [
  { life: 'a create', before: [A, B], ending: 'created', shared: [[B, A]] },
  { life: 'a change', before: [A, B], change: { ShareWith: [B, C] }, ending: 'changed', shared: [[C, B]] },
  { life: 'a change and its rollback', before: [A, B], change: { ShareWith: [B, C] }, ending: 'rolled back', shared: [[B, A]] },
  { life: 'the removal', before: [A], change: { ShareWith: undefined }, ending: 'changed', shared: [[]] },
  { life: 'the removal and its rollback', before: [A], change: { ShareWith: undefined }, ending: 'rolled back', shared: [[A]] },
  { life: 'the addition and its rollback', before: [], change: { ShareWith: [A] }, ending: 'rolled back', shared: [[]] },
  { life: 'a replacement', before: [A], change: { Description: 'new', ShareWith: [B] }, ending: 'changed', shared: [[A], [B]] },
  { life: 'a replacement and its rollback', before: [A], change: { Description: 'new', ShareWith: [B] }, ending: 'rolled back', shared: [[A]] },
  { life: 'a change of something else', before: [A], change: {}, ending: 'changed', shared: [[A]] },
]; // prettier-ignore

describe.each(WEATHERS)('with %s, a copy is shared as declared after', (weather) => {
  test.each(ROWS)('$life: $before', async ({ before, change, ending, shared }) => {
    const life = new Life(weather, { ShareWith: before });
    await life.live(ending, change);
    expect(sharingOf(life)).toEqual(shared);
    expect(life.left()).toEqual([]);
  });

  test('an account that somebody else has added, which stays', async () => {
    const life = new Life(weather, { ShareWith: [A] });
    await life.live('created');
    life.ec2.snapshot(life.copies()[0] ?? '').sharedWith.add(OTHERS);
    await life.change({ ShareWith: [B] });
    await life.goBack();
    expect(sharingOf(life)).toEqual([[OTHERS, A]]);
  });
});

describe('a copy that is shared', () => {
  test.each(['ROLLBACK_IN_PROGRESS', 'DELETE_IN_PROGRESS'] as const)('goes with its stack, in %s', async (status) => {
    const life = new Life('answers on time', { ShareWith: [A] });
    await life.live('created');
    expect((await life.end(status)).answer?.IsComplete).toBe(true);
    expect(life.copies()).toEqual([]);
  });

  test('takes a call for every 500 accounts, and none that adds and removes', async () => {
    const many = (count: number, start: number) => Array.from({ length: count }, (_, n) => String(start + n));
    const life = new Life('answers on time', { ShareWith: many(1_001, 300_000_000_000) });
    await life.live('changed', { ShareWith: many(501, 300_000_000_900) });
    const sizes = life.services.calls
      .filter(({ action }) => action === 'ModifySnapshotAttribute')
      .map(({ input }) => input as { OperationType: string; UserIds: string[] })
      .map(({ OperationType, UserIds }) => `${OperationType} ${UserIds.length}`);
    expect(sizes).toEqual(['add 500', 'add 500', 'add 1', 'add 400', 'remove 500', 'remove 400']);
    expect(sharingOf(life)).toEqual([many(501, 300_000_000_900)]);
  });

  test('is never shared with its own account, whose sharing EC2 does not show', async () => {
    const life = new Life('answers on time', { ShareWith: [OWN, A] });
    await life.live('created');
    await life.change({ Tags: [] });
    await life.change({ ShareWith: [A] });
    expect(sharingOf(life)).toEqual([[A]]);
    expect(life.calls('ModifySnapshotAttribute')).toHaveLength(1);
  });

  test('says in the log whom a change adds and removes, and nothing if there is no change', async () => {
    const life = new Life('answers on time', { ShareWith: [A] });
    await life.live('changed', { ShareWith: [B] });
    await life.change({ Tags: [] });
    const [snapshotId] = life.copies();
    expect(life.logs.filter(({ decision }) => decision === 'share')).toEqual([
      { decision: 'share', snapshotId, added: [A], removed: [] },
      { decision: 'share', snapshotId, added: [B], removed: [A] },
    ]);
  });

  test('takes no call about sharing if none is declared and none was', async () => {
    const life = new Life();
    await life.live('changed', { Tags: [] });
    expect(life.calls().filter((name) => name.endsWith('SnapshotAttribute'))).toEqual([]);
  });
});

describe('sharing that EC2 refuses', () => {
  const MALFORMED = 'InvalidUserID.Malformed: Invalid user id: "nobody"';

  test('fails the Create, with the reason, and the copy goes', async () => {
    const life = new Life('answers on time', { ShareWith: ['nobody'] });
    const { failure } = await life.make();
    expect(failure?.message).toMatch(
      new RegExp(
        `^sharing of snap-\\w+ in ${REGION} could not be changed \\(the copy itself was completed\\): ${MALFORMED}`,
      ),
    );
    expect(life.copies()).toEqual([]);
  });

  test('fails an Update, whose rollback leaves the copy as it was before', async () => {
    const life = new Life('answers on time', { ShareWith: [A] });
    await life.live('created');
    const { after, failure } = await life.change({ ShareWith: [B, 'nobody'] });
    expect([after, failure?.message]).toEqual([30, expect.stringContaining(MALFORMED)]);
    expect((await life.goBack()).answer?.IsComplete).toBe(true);
    expect(sharingOf(life)).toEqual([[A]]);
    expect(life.left()).toEqual([`sharing: ${MALFORMED}`]);
  });

  test('because the copy came under the AWS managed key after the preflight, fails with EC2’s words', async () => {
    const life = new Life('answers on time', { ShareWith: [A] });
    life.services.faults = ({ action }) => {
      if (action === 'CopySnapshot') life.ec2.encryptByDefault(REGION);
      return undefined;
    };
    const { failure } = await life.make();
    expect(failure?.message).toContain(
      'OperationNotPermitted: Encrypted snapshots with EBS default key cannot be shared',
    );
  });

  test('because a policy denies it, fails after five minutes, and goes back', async () => {
    const life = new Life('answers on time', { ShareWith: [A] });
    await life.live('created');
    life.fail('ModifySnapshotAttribute', 'denied');
    const forward = await life.change({ ShareWith: [B] });
    expect([forward.after, forward.failure?.message]).toEqual([
      300,
      expect.stringMatching(/could not be changed: UnauthorizedOperation: .*; check the policies/),
    ]);
    expect((await life.goBack()).answer?.IsComplete).toBe(true);
    expect(sharingOf(life)).toEqual([[A]]);
    expect(life.left()).toEqual([expect.stringMatching(/^sharing: UnauthorizedOperation/)]);
  });

  test('in a rollback only, is left and logged', async () => {
    const life = new Life('answers on time', { ShareWith: [A] });
    await life.live('changed', { ShareWith: [B] });
    life.fail('ModifySnapshotAttribute', new AwsError('OperationNotPermitted', 'No.'));
    expect((await life.goBack()).answer?.IsComplete).toBe(true);
    expect(life.left()).toEqual(['sharing: OperationNotPermitted: No.']);
    expect(sharingOf(life)).toEqual([[B]]);
  });
});

describe('the preflight of a shared copy', () => {
  const WORDS = 'would be encrypted under the account’s default key, which "shareWith" cannot rely on; set "kmsKey"';

  test.each<[string, (life: Life) => object]>([
    ['it is to be encrypted', () => ({ Encrypted: 'true' })],
    [
      'its source is encrypted',
      (life) => ({ SourceSnapshotId: life.ec2.addSnapshot({ region: 'us-east-1', encrypted: true }).id }),
    ],
    ['the account encrypts by default', (life) => (life.ec2.encryptByDefault(REGION), {})],
  ])('refuses it without a key of its own if %s', async (_, prepare) => {
    const life = new Life();
    expect(await life.refusal({ ShareWith: [A], ...prepare(life) })).toContain(WORDS);
  });

  test('lets a copy under a key of its own pass, and one that is not encrypted', async () => {
    const life = new Life();
    const key = life.ec2.kms.addKey({ region: REGION });
    expect((await life.runCreate({ ShareWith: [A], KmsKeyId: key.arn })).failure).toBeUndefined();
    expect((await new Life().runCreate({ ShareWith: [A] })).failure).toBeUndefined();
  });

  test('waits while EC2 does not say whether the account encrypts by default', async () => {
    const life = new Life('answers on time', { ShareWith: [A] });
    life.services.faults = ({ action, count }) =>
      action === 'GetEbsEncryptionByDefault' && count < 2 ? 'throttled' : undefined;
    expect((await life.make()).failure).toBeUndefined();
    expect(life.started()).toBe(1);
  });
});
