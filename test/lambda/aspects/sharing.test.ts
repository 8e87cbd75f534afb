import { AwsError } from '../../../local-aws/faults';
import { Life, REGION, WEATHERS, type Ending } from './life';

const [A, B, C] = ['999988887777', '888877776666', '777766665555'] as const;
const OTHERS = '666655554444';
const OWN = '111122223333';

/** The accounts that each remaining copy is shared with. */
const sharingOf = (life: Life): string[][] => life.copies().map((id) => [...life.ec2.snapshot(id).sharedWith].sort());

interface Row {
  readonly life: string;
  readonly before: readonly string[];
  readonly change?: { readonly ShareWith?: readonly string[]; readonly Description?: string };
  readonly ending: Ending;
  /** One for each remaining copy. */
  readonly shared: readonly (readonly string[])[];
}

const ROWS: readonly Row[] = [
  { life: 'a create', before: [A, B], ending: 'created', shared: [[B, A]] },
  { life: 'a change', before: [A, B], change: { ShareWith: [B, C] }, ending: 'changed', shared: [[C, B]] },
  { life: 'a change and its rollback', before: [A, B], change: { ShareWith: [B, C] }, ending: 'rolled back', shared: [[B, A]] },
  { life: 'a removal', before: [A], change: { ShareWith: undefined }, ending: 'changed', shared: [[]] },
  { life: 'a removal and its rollback', before: [A], change: { ShareWith: undefined }, ending: 'rolled back', shared: [[A]] },
  { life: 'an addition and its rollback', before: [], change: { ShareWith: [A] }, ending: 'rolled back', shared: [[]] },
  { life: 'a replacement', before: [A], change: { Description: 'new', ShareWith: [B] }, ending: 'changed', shared: [[A], [B]] },
  { life: 'a replacement and its rollback', before: [A], change: { Description: 'new', ShareWith: [B] }, ending: 'rolled back', shared: [[A]] },
  { life: 'an unrelated change', before: [A], change: {}, ending: 'changed', shared: [[A]] },
]; // prettier-ignore

describe.each(WEATHERS)('with %s, a copy', (weather) => {
  test.each(ROWS)('is shared as declared after $life: $before', async ({ before, change, ending, shared }) => {
    const life = new Life(weather, { ShareWith: before });
    await life.live(ending, change);
    expect(sharingOf(life)).toEqual(shared);
    expect(life.left()).toEqual([]);
  });

  test('stays shared with an account that somebody else added', async () => {
    const life = new Life(weather, { ShareWith: [A] });
    await life.live('created');
    life.ec2.snapshot(life.copies()[0] ?? '').sharedWith.add(OTHERS);
    await life.change({ ShareWith: [B] });
    await life.goBack();
    expect(sharingOf(life)).toEqual([[OTHERS, A]]);
  });
});

describe('the sharing of a copy', () => {
  test.each(['ROLLBACK_IN_PROGRESS', 'DELETE_IN_PROGRESS'] as const)('allows its deletion in %s', async (status) => {
    const life = new Life('answers on time', { ShareWith: [A] });
    await life.live('created');
    expect((await life.end(status)).answer?.IsComplete).toBe(true);
    expect(life.copies()).toEqual([]);
  });

  test('needs one call per 500 accounts, which only adds or only removes', async () => {
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

  test('excludes its own account, which EC2 does not show', async () => {
    const life = new Life('answers on time', { ShareWith: [OWN, A] });
    await life.live('created');
    await life.change({ Tags: [] });
    await life.change({ ShareWith: [A] });
    expect(sharingOf(life)).toEqual([[A]]);
    expect(life.calls('ModifySnapshotAttribute')).toHaveLength(1);
  });

  test('is logged with the accounts added and removed, and not at all without a change', async () => {
    const life = new Life('answers on time', { ShareWith: [A] });
    await life.live('changed', { ShareWith: [B] });
    await life.change({ Tags: [] });
    const [snapshotId] = life.copies();
    expect(life.logs.filter(({ decision }) => decision === 'share')).toEqual([
      { decision: 'share', snapshotId, added: [A], removed: [] },
      { decision: 'share', snapshotId, added: [B], removed: [A] },
    ]);
  });

  test('needs no calls if none is declared and none was', async () => {
    const life = new Life();
    await life.live('changed', { Tags: [] });
    expect(life.calls().filter((name) => name.endsWith('SnapshotAttribute'))).toEqual([]);
  });
});

describe('sharing that EC2 refuses', () => {
  const MALFORMED = 'InvalidUserID.Malformed: Invalid user id: "nobody"';

  test('fails the Create with the reason, and the copy is deleted', async () => {
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

  test('fails with EC2’s message if the copy got the AWS managed key after the preflight', async () => {
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

  test('fails an Update after five minutes if a policy denies it, and the rollback succeeds', async () => {
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

  test('in a rollback is left as it is, and logged', async () => {
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
    ['it must be encrypted', () => ({ Encrypted: 'true' })],
    [
      'its source is encrypted',
      (life) => ({ SourceSnapshotId: life.ec2.addSnapshot({ region: 'us-east-1', encrypted: true }).id }),
    ],
    ['the account encrypts by default', (life) => (life.ec2.encryptByDefault(REGION), {})],
  ])('refuses it without its own key if %s', async (_, prepare) => {
    const life = new Life();
    expect(await life.refusal({ ShareWith: [A], ...prepare(life) })).toContain(WORDS);
  });

  test('accepts it if it has its own key, or is not encrypted', async () => {
    const life = new Life();
    const key = life.ec2.kms.addKey({ region: REGION });
    expect((await life.runCreate({ ShareWith: [A], KmsKeyId: key.arn })).failure).toBeUndefined();
    expect((await new Life().runCreate({ ShareWith: [A] })).failure).toBeUndefined();
  });

  test('waits until EC2 says whether the account encrypts by default', async () => {
    const life = new Life('answers on time', { ShareWith: [A] });
    life.services.faults = ({ action, count }) =>
      action === 'GetEbsEncryptionByDefault' && count < 2 ? 'throttled' : undefined;
    expect((await life.make()).failure).toBeUndefined();
    expect(life.started()).toBe(1);
  });
});
