import { CfnOutput, type CfnResource, RemovalPolicy, Tags } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { SnapshotCopyProps } from '../../lib';
import { TAG } from '../../lib/contract';
import { declare, madeIn } from './declarations';
import { copyInto, MINUTE } from './deployment';
import { start } from './start';

describe('the life of a copy', () => {
  test('create, update in place, replace, destroy: one copy at a time, and none at the end', async () => {
    const deployment = await start({ ec2: { copyDuration: 12 * MINUTE } });
    const props = { sourceSnapshotId: deployment.source(), destinationRegion: 'eu-west-1' };

    const created = await deployment.deploy(declare({ ...props, tags: { team: 'a' } }));
    expect(created.status).toBe('CREATE_COMPLETE');
    const [first = ''] = deployment.copies();
    expect(created.outputs).toEqual({ Id: first });
    expect(deployment.minutes(created)).toBeGreaterThan(12);
    expect(deployment.minutes(created)).toBeLessThan(14);

    const tagged = await deployment.deploy(declare({ ...props, tags: { team: 'b' } }));
    expect(tagged).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Id: first } });
    // An update in place has nothing to wait for.
    expect(deployment.minutes(tagged)).toBeLessThan(1);
    expect(deployment.aws.ec2.tagsOf(first)).toMatchObject({ team: 'b' });
    expect(deployment.started()).toBe(1);

    const replaced = await deployment.deploy(declare({ ...props, description: 'new', tags: { team: 'b' } }));
    const [second = ''] = deployment.copies();
    expect(replaced).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Id: second } });
    expect(second).not.toBe(first);
    expect(deployment.copies()).toEqual([second]);
    // The new copy comes first, which keeps incremental copies incremental.
    const { deletion } = deployment.aws.ec2.snapshot(first);
    expect(deletion?.requestedAt).toBeGreaterThan(deployment.aws.ec2.snapshot(second).startTime + 12 * MINUTE);

    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
    expect(deployment.aws.ec2.stateOf(props.sourceSnapshotId)).toBe('completed');
  });

  test('the SDK sends PresignedUrl and DestinationRegion for a copy across Regions', async () => {
    const deployment = await start();
    await deployment.deploy(declare({ sourceSnapshotId: deployment.source(), destinationRegion: 'eu-west-1' }));
    const request = deployment.aws.endpoint.requests.find(({ action }) => action === 'CopySnapshot');
    expect(request?.parameters).toMatchObject({ SourceRegion: 'us-east-1', DestinationRegion: 'eu-west-1' });
    const url = new URL(String(request?.parameters.PresignedUrl));
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      Action: 'CopySnapshot',
      SourceRegion: 'us-east-1',
      DestinationRegion: 'eu-west-1',
      'X-Amz-Credential': expect.stringContaining('/us-east-1/ec2/aws4_request') as string,
      'X-Amz-Signature': expect.any(String) as string,
    });
  });

  test('one stack can have a copy of a copy, a source from a custom resource, and two Regions', async () => {
    const deployment = await start();
    const sourceSnapshotId = deployment.source();
    const result = await deployment.deploy((stack) => {
      const here = copyInto(stack, { sourceSnapshotId }, 'Here');
      copyInto(stack, { sourceSnapshotId: here.snapshotId, destinationRegion: 'eu-west-1' }, 'There');
      copyInto(stack, { sourceSnapshotId: madeIn(stack, sourceSnapshotId) }, 'OfMade');
    });
    expect(result.status).toBe('CREATE_COMPLETE');
    expect(deployment.copies()).toHaveLength(3);
    await deployment.destroy();
    expect(deployment.copies()).toEqual([]);
  });

  test('a volume and a launch template wait for the copy', async () => {
    const deployment = await start();
    const sourceSnapshotId = deployment.source();
    const result = await deployment.deploy((stack) => {
      const { snapshotId } = copyInto(stack, { sourceSnapshotId });
      new ec2.Volume(stack, 'Volume', { availabilityZone: 'us-east-1a', snapshotId });
      new ec2.LaunchTemplate(stack, 'Template', {
        blockDevices: [{ deviceName: '/dev/xvdf', volume: ec2.BlockDeviceVolume.ebsFromSnapshot(snapshotId) }],
      });
    });
    expect(result.status).toBe('CREATE_COMPLETE');
    const completed = (id: RegExp): number =>
      result.events.find(({ logicalId, status }) => id.test(logicalId) && status === 'CREATE_COMPLETE')?.time ?? 0;
    expect(completed(/^Volume/)).toBeGreaterThan(completed(/^CopyResource|^Copy/));
  });

  test('the log has a line for each decision, and never the ResponseURL', async () => {
    const deployment = await start();
    await deployment.deploy(declare({ sourceSnapshotId: deployment.source() }));
    const lines = deployment.aws.lambda.logs.map(({ line }) => JSON.stringify(line));
    expect(lines.join()).not.toMatch(/ResponseURL|cloudformation-custom-resource-response/);
    const decisions = deployment.aws.lambda.logs.map(({ line }) => line.message as Record<string, unknown>);
    expect(decisions.map(({ decision }) => decision)).toEqual(
      expect.arrayContaining(['accept', 'start copy', 'wait', 'complete']),
    );
    expect(decisions.find(({ progress }) => progress === '50%')).toMatchObject({
      request: 'Create',
      stack: expect.stringMatching(/^arn:aws:cloudformation:us-east-1:111122223333:stack\/Test\//) as string,
      logicalId: expect.stringMatching(/^Copy/) as string,
      snapshotId: deployment.copies()[0],
    });
  });
});

describe('a retained copy', () => {
  test('stays when it is replaced or its stack is deleted, and its mark follows the policy', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source() };
    await deployment.deploy(declare(props));
    const [first = ''] = deployment.copies();
    expect(deployment.aws.ec2.tagsOf(first)).not.toHaveProperty([TAG.retain]);
    const retained = { ...props, removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE };
    await deployment.deploy(declare(retained));
    expect(deployment.aws.ec2.tagsOf(first)).toMatchObject({ [TAG.retain]: 'RetainExceptOnCreate' });
    await deployment.deploy(declare({ ...retained, description: 'new' }));
    expect(deployment.copies()).toHaveLength(2);
    await deployment.destroy();
    expect(deployment.copies()).toHaveLength(2);
  });
});

test('tags of an ancestor reach the copy', async () => {
  const deployment = await start();
  const sourceSnapshotId = deployment.source();
  await deployment.deploy((stack) => {
    copyInto(stack, { sourceSnapshotId, tags: { own: '1' } });
    Tags.of(stack).add('cost-center', '42');
  });
  expect(deployment.aws.ec2.tagsOf(deployment.copies()[0] ?? '')).toMatchObject({ own: '1', 'cost-center': '42' });
});

describe('a library upgrade', () => {
  test('replaces no copy: properties from the first release are still the same inputs', async () => {
    const deployment = await start();
    const props: SnapshotCopyProps = { sourceSnapshotId: deployment.source(), destinationRegion: 'eu-west-1' };
    // As the first release wrote it: with explicit defaults, and in another order.
    await deployment.deploy((stack) => {
      const copy = copyInto(stack, props);
      const resource = copy.node.defaultChild as CfnResource;
      resource.addPropertyOverride('Description', '');
      resource.addPropertyOverride('Unknown', 'of some other release');
      new CfnOutput(stack, 'Id', { value: copy.snapshotId });
    });
    const before = deployment.copies();
    expect((await deployment.deploy(declare(props))).status).toBe('UPDATE_COMPLETE');
    expect(deployment.copies()).toEqual(before);
    expect(deployment.started()).toBe(1);
  });
});
