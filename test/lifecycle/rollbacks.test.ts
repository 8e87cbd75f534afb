import { RemovalPolicy } from 'aws-cdk-lib';
import { declareWithSibling } from './declarations';
import { start } from './start';

describe('a rollback', () => {
  test.each(['new', 'old'] as const)('restores the old copy if the Update carries the %s ID', async (carried) => {
    const deployment = await start({ rollbackPhysicalId: carried });
    const props = { sourceSnapshotId: deployment.source() };
    await deployment.deploy(declareWithSibling(props, '1'));
    const before = deployment.copies();
    deployment.aws.cloudFormation.failNext('Sibling', 'Update');
    const result = await deployment.deploy(
      declareWithSibling({ ...props, destinationRegion: 'eu-west-1', tags: { a: 'b' } }, '2'),
    );
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(deployment.started()).toBe(2);
    expect(deployment.copies()).toEqual(before);
    await deployment.destroy();
    expect(deployment.copies()).toEqual([]);
  });

  test('restores tags in place', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source() };
    await deployment.deploy(declareWithSibling({ ...props, tags: { a: '1' } }, '1'));
    const [id = ''] = deployment.copies();
    deployment.aws.cloudFormation.failNext('Sibling', 'Update');
    await deployment.deploy(declareWithSibling({ ...props, tags: { b: '2' } }, '2'));
    expect(deployment.aws.ec2.tagsOf(id)).toMatchObject({ a: '1' });
    expect(deployment.aws.ec2.tagsOf(id)).not.toHaveProperty('b');
  });

  test('of a create deletes the copy under RETAIN_ON_UPDATE_OR_DELETE, and keeps it under RETAIN', async () => {
    for (const [removalPolicy, left] of [
      [RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, 0],
      [RemovalPolicy.RETAIN, 1],
    ] as const) {
      const deployment = await start();
      deployment.aws.cloudFormation.failNext('Sibling', 'Create');
      await deployment.deploy(declareWithSibling({ sourceSnapshotId: deployment.source(), removalPolicy }, '1'));
      expect(deployment.copies()).toHaveLength(left);
    }
  });
});
