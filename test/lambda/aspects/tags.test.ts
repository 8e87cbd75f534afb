import { TAG, TAG_PREFIX, type CopyProperties } from '../../../lib/contract';
import { AwsError } from '../../../local-aws/faults';
import { tags } from '../in-process';
import { Life, WEATHERS, type Ending, type Weather } from './life';

const INHERITED = { team: 'storage', app: 'shop' };
const INHERITS = { CopySourceTags: 'true' } as const;
const other = { Description: 'new' };

/** Tags that a copy must not inherit, because they belong to AWS, Data Lifecycle Manager, or another stack. */
const RESERVED = { 'aws:x': '1', 'dlm:managed': 'true', [TAG.stack]: 'x', 'CDK-EBS-snapshot-copy:id': 'x' };

function lifeOf(declared: Partial<CopyProperties>, weather?: Weather): Life {
  const life = new Life(weather, declared);
  const [source] = life.ec2.all();
  source?.tagHistory.push({ since: -Infinity, tags: new Map(Object.entries({ ...INHERITED, ...RESERVED })) });
  return life;
}

/** The tags of each remaining copy, without our own. */
const tagsOf = (life: Life): Record<string, string>[] =>
  life.copies().map((id) => {
    const all = Object.entries(life.ec2.tagsOf(id));
    return Object.fromEntries(all.filter(([key]) => !key.startsWith(TAG_PREFIX)));
  });

interface Row {
  readonly life: string;
  readonly before: Partial<CopyProperties>;
  readonly change?: Partial<CopyProperties>;
  readonly ending: Ending;
  readonly tagged: readonly Readonly<Record<string, string>>[];
}

const ONE = { Tags: tags({ a: '1', team: 'data' }) };
const TWO = { Tags: tags({ a: '2', b: '2' }) };

const ROWS: readonly Row[] = [
  { life: 'a create', before: ONE, ending: 'created', tagged: [{ a: '1', team: 'data' }] },
  { life: 'a change', before: ONE, change: TWO, ending: 'changed', tagged: [{ a: '2', b: '2' }] },
  { life: 'a change and its rollback', before: ONE, change: TWO, ending: 'rolled back', tagged: [{ a: '1', team: 'data' }] },
  { life: 'a removal and its rollback', before: ONE, change: { Tags: undefined }, ending: 'rolled back', tagged: [{ a: '1', team: 'data' }] },
  { life: 'a replacement and its rollback', before: ONE, change: { ...TWO, ...other }, ending: 'rolled back', tagged: [{ a: '1', team: 'data' }] },
  { life: 'a create that inherits', before: INHERITS, ending: 'created', tagged: [INHERITED] },
  { life: 'a create that declares one of the inherited tags', before: { ...INHERITS, ...ONE }, ending: 'created', tagged: [{ a: '1', app: 'shop', team: 'data' }] },
  { life: 'a replacement that inherits', before: INHERITS, change: other, ending: 'changed', tagged: [INHERITED, INHERITED] },
  { life: 'a replacement that does not inherit', before: INHERITS, change: { ...other, CopySourceTags: undefined }, ending: 'changed', tagged: [INHERITED, {}] },
  { life: 'switching inheritance on', before: ONE, change: INHERITS, ending: 'changed', tagged: [{ a: '1', app: 'shop', team: 'data' }] },
  { life: 'switching inheritance on and its rollback, which keeps tags that may be the user’s', before: {}, change: INHERITS, ending: 'rolled back', tagged: [INHERITED] },
  { life: 'switching inheritance off', before: INHERITS, change: { CopySourceTags: undefined }, ending: 'changed', tagged: [INHERITED] },
]; // prettier-ignore

describe.each(WEATHERS)('with %s, a copy is tagged as declared after', (weather) => {
  test.each(ROWS)('$life', async ({ before, change, ending, tagged }) => {
    const life = lifeOf(before, weather);
    await life.live(ending, change);
    expect(tagsOf(life)).toEqual(tagged);
    expect(life.left()).toEqual([]);
  });
});

describe('the tags of the source', () => {
  test('are set by the call that makes the copy, whose log line counts them', async () => {
    const life = lifeOf(INHERITS);
    await life.live('created');
    expect(life.logs).toContainEqual(expect.objectContaining({ decision: 'start copy', sourceTags: 2 }));
    expect(life.logs.some((line) => 'note' in line)).toBe(false);
    const tagging = life.services.calls.filter(({ action }) => action === 'CreateTags').map(({ input }) => input);
    const [id = ''] = life.copies();
    expect(tagging).toEqual([{ Resources: [id], Tags: tags({ [TAG.id]: id }) }]);
  });

  test('are not copied again later', async () => {
    const life = lifeOf(INHERITS);
    await life.live('created');
    life.ec2.createTags('us-east-1', {
      Resources: [life.declare().SourceSnapshotId ?? ''],
      Tags: [...tags({ team: 'x', new: 'x' })],
    });
    await life.change({ Tags: tags({ a: '1' }) });
    expect(tagsOf(life)).toEqual([{ ...INHERITED, a: '1' }]);
  });

  test('are not visible if another account owns it, and the log says so', async () => {
    const life = lifeOf(INHERITS);
    const shared = life.ec2.addSnapshot({ region: 'us-east-1', ownerId: '999988887777', sharedWith: ['111122223333'] });
    await life.runCreate({ ...INHERITS, SourceSnapshotId: shared.id });
    const note = 'EC2 shows an account its own tags only';
    expect(life.logs).toContainEqual(expect.objectContaining({ decision: 'start copy', sourceTags: 0, note }));
  });

  const many = (count: number) => tags(Object.fromEntries(Array.from({ length: count }, (_, n) => [`t${n}`, ''])));

  test('fail the Create before the copy if there are too many, with their count', async () => {
    const life = lifeOf({});
    expect(await life.refusal({ ...INHERITS, Tags: many(39) })).toContain(
      'the copy would have 41 tags, 2 of them from source snapshot snap-',
    );
    expect((await lifeOf({ ...INHERITS, Tags: many(38) }).make()).failure).toBeUndefined();
  });

  test('fail the Update that switches them on if there are too many, and the rollback has nothing to do', async () => {
    const life = lifeOf({ Tags: many(39) });
    await life.live('created');
    expect((await life.change(INHERITS)).failure?.message).toContain('would have 41 tags');
    expect((await life.goBack()).failure).toBeUndefined();
  });

  test('cannot be switched on if the source is gone', async () => {
    const life = lifeOf({});
    await life.live('created');
    life.ec2.deleteSnapshot('us-east-1', { SnapshotId: life.declare().SourceSnapshotId });
    const { failure } = await life.change(INHERITS);
    expect(failure?.message).toMatch(
      /^the tags of source snapshot snap-\w+ in us-east-1 cannot be read: it was not found; remove/,
    );
    expect((await life.goBack()).failure).toBeUndefined();
  });
});

describe('tags that EC2 refuses', () => {
  test('fail an Update, and are left as they are in its rollback', async () => {
    const life = lifeOf(ONE);
    await life.live('created');
    life.fail('CreateTags', new AwsError('TagPolicyViolation', 'No.'));
    const { after, failure } = await life.change(TWO);
    expect(after).toBe(30);
    expect(failure?.message).toMatch(/^tags of snap-\w+ in eu-west-1 could not be changed: TagPolicyViolation: No\./);
    expect((await life.goBack()).answer?.IsComplete).toBe(true);
    expect(life.left()).toEqual(['tags: TagPolicyViolation: No.']);
  });

  test('fail an Update after five minutes if a policy denies them', async () => {
    const life = lifeOf(ONE);
    await life.live('created');
    life.fail('DeleteTags', 'denied');
    const { after, failure } = await life.change({ Tags: undefined });
    expect([after, failure?.message]).toEqual([300, expect.stringContaining('UnauthorizedOperation')]);
  });
});
