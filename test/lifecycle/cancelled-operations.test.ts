import { CfnResource, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import type { SnapshotCopyProps } from '../../lib';
import { copyInto, MINUTE } from './deployment';
import { start } from './start';

describe('a canceled operation', () => {
  const withFailingSibling =
    (props: SnapshotCopyProps, revision = '1') =>
    (stack: Stack) => {
      copyInto(stack, props);
      new CfnResource(stack, 'Sibling', { type: 'AWS::SNS::Topic', properties: { DisplayName: revision } });
    };

  test.each([RemovalPolicy.DESTROY, RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE])(
    'create: CloudFormation sends a Delete with a made-up ID, and no copy remains (%s)',
    async (removalPolicy) => {
      const deployment = await start();
      deployment.aws.cloudFormation.failNext('Sibling', 'Create', { afterSeconds: 240 });
      const result = await deployment.deploy(
        withFailingSibling({ sourceSnapshotId: deployment.source(), removalPolicy }),
      );
      expect(result.status).toBe('ROLLBACK_COMPLETE');
      expect(deployment.started()).toBe(1);
      await deployment.aws.clock.settle();
      expect(deployment.copies()).toEqual([]);
    },
  );

  test('create, before the copy starts: it never starts', async () => {
    const deployment = await start({
      faults: ({ action, time }) =>
        action === 'DescribeSnapshots' && time < begun + 5 * MINUTE ? 'throttled' : undefined,
    });
    const begun = deployment.aws.clock.now();
    deployment.aws.cloudFormation.failNext('Sibling', 'Create', { afterSeconds: 100 });
    await deployment.deploy(withFailingSibling({ sourceSnapshotId: deployment.source() }));
    await deployment.aws.clock.settle();
    expect(deployment.started()).toBe(0);
  });

  test('create in an update, which keeps the functions: a throttled copy never starts', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source() };
    await deployment.deploy(withFailingSibling(props));
    const before = deployment.copies();
    const begun = deployment.aws.clock.now();
    deployment.aws.services.faults = ({ action, time }) =>
      action === 'CopySnapshot' && time < begun + 2 * MINUTE ? 'throttled' : undefined;
    deployment.aws.cloudFormation.failNext('Sibling', 'Update', { afterSeconds: 100 });
    const result = await deployment.deploy((stack) => {
      withFailingSibling(props, '2')(stack);
      copyInto(stack, { ...props, description: 'added' }, 'Added');
    });
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    await deployment.aws.clock.settle();
    expect(deployment.aws.ec2.all().filter(({ source }) => source)).toHaveLength(1);
    expect(deployment.copies()).toEqual(before);
  });

  test('update: the old copy is kept, and the new one is deleted', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source() };
    await deployment.deploy(withFailingSibling(props));
    const before = deployment.copies();
    deployment.aws.cloudFormation.failNext('Sibling', 'Update', { afterSeconds: 100 });
    const result = await deployment.deploy(withFailingSibling({ ...props, description: 'new' }, '2'));
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    await deployment.aws.clock.settle();
    expect(deployment.started()).toBe(2);
    expect(deployment.copies()).toEqual(before);
  });
});
