// No single read decides: what CloudFormation shows may be older than the request.
import type { LocalAwsOptions } from '../../local-aws';
import { declare, declareApart, declareWithSibling, logicalIdOfCopy } from './declarations';
import type { Deployment } from './deployment';
import { start } from './start';

const REGION = 'eu-west-1';
const LOGICAL_ID = logicalIdOfCopy();

type Read = 'DescribeStacks' | 'DescribeStackResource';

/** From now on, the read with this number (from 1) still shows the present state. Returns a counter of the reads. */
function serveOld({ aws }: Deployment, read: Read, which: number): () => number {
  const { cloudFormation, services } = aws;
  const { asSeen } = cloudFormation;
  const [old, oldCopy] = [asSeen.describeStack('Test'), asSeen.describeStackResource('Test', LOGICAL_ID)];
  const first = services.calls.length;
  const reads = (): number => services.calls.slice(first).filter(({ action }) => action === read).length;
  // A call is recorded just before it is answered.
  const isOld = (): boolean => services.calls.at(-1)?.action === read && reads() === which;
  const isOldStack = (): boolean => read === 'DescribeStacks' && isOld();
  services.stacks = {
    describeStack: (id) => (isOldStack() ? old : asSeen.describeStack(id)),
    describeStackResource: (id, logicalId) => (isOld() ? oldCopy : asSeen.describeStackResource(id, logicalId)),
  };
  return reads;
}

describe.each([
  ['DescribeStacks', 1],
  ['DescribeStacks', 2],
  ['DescribeStacks', 3],
  ['DescribeStacks', 12],
  ['DescribeStackResource', 1],
  ['DescribeStackResource', 2],
  ['DescribeStackResource', 12],
] as const)('one stale CREATE_COMPLETE from %s, at read %d,', (read, which) => {
  async function deployed() {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source(), destinationRegion: REGION };
    await deployment.deploy(declare(props));
    const [id = ''] = deployment.copies();
    const reads = serveOld(deployment, read, which);
    return { deployment, props, id, reads };
  }

  test('does not fail a replacement, which makes one copy', async () => {
    const { deployment, props, id, reads } = await deployed();
    const replaced = await deployment.deploy(declare({ ...props, description: 'new' }));
    const [made = ''] = deployment.copies();
    expect(reads()).toBeGreaterThanOrEqual(which);
    expect(replaced).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Id: made } });
    expect(deployment.copies()).toEqual([made]);
    expect(made).not.toBe(id);
    expect(deployment.started()).toBe(2);
  });

  test('does not fail an update in place, and the copy stays', async () => {
    const { deployment, props, id } = await deployed();
    const tagged = await deployment.deploy(declare({ ...props, tags: { team: 'b' } }));
    expect(tagged).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Id: id } });
    expect(deployment.aws.ec2.tagsOf(id)).toMatchObject({ team: 'b' });
    expect(deployment.copies()).toEqual([id]);
    expect(deployment.started()).toBe(1);
  });

  test('does not fail the deletion of the stack, which leaves no copy', async () => {
    const { deployment } = await deployed();
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });
});

test.each([1, 2, 3])('a create succeeds even if read %d of its resource does not show it yet', async (which) => {
  const deployment = await start();
  const reads = serveOld(deployment, 'DescribeStackResource', which);
  const created = await deployment.deploy(
    declare({ sourceSnapshotId: deployment.source(), destinationRegion: REGION }),
  );
  expect(reads()).toBeGreaterThanOrEqual(which);
  expect(created.status).toBe('CREATE_COMPLETE');
  expect(deployment.copies()).toHaveLength(1);
  expect(deployment.started()).toBe(1);
});

/** What no documentation settles about a rollback, and what some Regions do not show. */
const WORLDS: [string, LocalAwsOptions][] = [true, false].flatMap((showsOperations) =>
  [true, false].map((rollbackMovesTime): [string, LocalAwsOptions] => [
    `${showsOperations ? 'with' : 'without'} LastOperations, where a rollback ${rollbackMovesTime ? 'moves' : 'keeps'} LastUpdatedTime`,
    { showsOperations, rollbackMovesTime },
  ]),
);

describe.each(WORLDS)('CloudFormation reads that lag by 25 s, %s,', (_, world) => {
  test('do not fail a create, a replacement, its rollback, or a deletion', async () => {
    const deployment = await start(world);
    const { cloudFormation } = deployment.aws;
    cloudFormation.staleness = 25_000;
    const props = { sourceSnapshotId: deployment.source(), destinationRegion: REGION };
    expect((await deployment.deploy(declareWithSibling(props, '1'))).status).toBe('CREATE_COMPLETE');
    const before = deployment.copies();
    expect(before).toHaveLength(1);

    cloudFormation.failNext('Sibling', 'Update', { afterSeconds: 30 });
    const taken = await deployment.deploy(declareWithSibling({ ...props, description: 'new' }, '2'));
    expect(taken.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(deployment.copies()).toEqual(before);

    const replaced = await deployment.deploy(declareWithSibling({ ...props, description: 'new' }, '3'));
    expect(replaced.status).toBe('UPDATE_COMPLETE');
    expect(deployment.copies()).toHaveLength(1);
    expect(deployment.copies()).not.toEqual(before);
    expect(deployment.started()).toBe(3);

    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });

  test('do not prevent the rollback of a canceled update', async () => {
    const deployment = await start(world);
    const { clock, cloudFormation } = deployment.aws;
    cloudFormation.staleness = 25_000;
    const props = { sourceSnapshotId: deployment.source(), destinationRegion: REGION };
    await deployment.deploy(declareWithSibling(props, '1'));
    const before = deployment.copies();
    // The copy has started by then.
    cloudFormation.failNext('Sibling', 'Update', { afterSeconds: 240 });
    const taken = await deployment.deploy(declareApart({ ...props, description: 'new' }, '2'));
    expect(taken.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    await clock.settle();
    expect(deployment.started()).toBe(2);
    expect(deployment.copies()).toEqual(before);
  });
});
