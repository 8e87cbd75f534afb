import { CfnOutput, CfnResource, Duration, type Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { SnapshotCopyProps } from '../../lib';
import { declareDryRun } from './declarations';
import { copyInto, lineOf, MINUTE, type Deployment } from './deployment';
import { start } from './start';

const VOLUME = 'vol-0123456789abcdef0';
const HOUR = 60 * MINUTE;

const backup = ({ aws, source }: Deployment, ageMs: number): string =>
  source({ volumeId: VOLUME, startTime: aws.clock.now() - ageMs });

/** The copy of the latest backup, followed by another resource. */
const declare =
  (refresh: string | undefined, more: Partial<SnapshotCopyProps> = {}, revision = '1') =>
  (stack: Stack) => {
    const copy = copyInto(stack, { latestSource: { volumeId: VOLUME }, refresh, ...more });
    const sibling = new CfnResource(stack, 'Sibling', {
      type: 'AWS::SNS::Topic',
      properties: { DisplayName: revision },
    });
    sibling.node.addDependency(copy);
    new CfnOutput(stack, 'Id', { value: copy.snapshotId });
    new CfnOutput(stack, 'Source', { value: copy.sourceSnapshotId });
  };

async function created() {
  const deployment = await start();
  backup(deployment, 26 * HOUR);
  const source = backup(deployment, HOUR);
  const { outputs } = await deployment.deploy(declare('1'));
  const [copy = ''] = deployment.copies();
  expect(outputs).toEqual({ Id: copy, Source: source });
  return { deployment, copy, source };
}

describe.each(['newer', 'same', 'none'] as const)('a refresh (source found: %s)', (found) => {
  const prepare = async () => {
    const scene = await created();
    const { aws } = scene.deployment;
    await scene.deployment.pass(10);
    const newer = found === 'newer' ? backup(scene.deployment, 0) : undefined;
    if (found === 'none') {
      for (const { id, source } of aws.ec2.all()) if (!source) aws.ec2.deleteSnapshot('us-east-1', { SnapshotId: id });
    }
    return { ...scene, newer };
  };

  test('makes a copy only of a newer source, and fails without a source', async () => {
    const { deployment, copy, source, newer } = await prepare();
    const result = await deployment.deploy(declare('2'));
    const [id = ''] = deployment.copies();
    expect(deployment.copies()).toHaveLength(1);
    if (found === 'newer') {
      expect(result).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Id: id, Source: newer } });
      expect(id).not.toBe(copy);
    } else {
      const status = found === 'same' ? 'UPDATE_COMPLETE' : 'UPDATE_ROLLBACK_COMPLETE';
      expect(result).toMatchObject({ status, outputs: { Id: copy, Source: source } });
      expect(id).toBe(copy);
    }
    if (found === 'none') {
      expect(lineOf(result)).toContain(`no snapshot of volume ${VOLUME} in us-east-1 can be copied: EC2 shows none`);
    }
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });

  test.each([
    ['because another resource fails', undefined],
    ['because it is canceled', 60],
  ])('rolls back %s', async (_, afterSeconds) => {
    const { deployment, copy, source } = await prepare();
    const [logicalId, after] = afterSeconds === undefined ? ['Sibling', 5] : ['Other', afterSeconds];
    const other = (revision: string) => (stack: Stack) => {
      new CfnResource(stack, 'Other', { type: 'AWS::SNS::Topic', properties: { DisplayName: revision } });
    };
    const both =
      (...parts: ((stack: Stack) => void)[]) =>
      (stack: Stack) => {
        for (const part of parts) part(stack);
      };
    await deployment.deploy(both(declare('1'), other('1')));
    deployment.aws.cloudFormation.failNext(logicalId, 'Update', { afterSeconds: after, reason: 'No.' });
    const result = await deployment.deploy(both(declare('2', {}, '2'), other('2')));
    await deployment.aws.clock.settle();
    expect(result).toMatchObject({
      status: 'UPDATE_ROLLBACK_COMPLETE',
      outputs: { Id: copy, Source: source },
    });
    expect(deployment.copies()).toEqual([copy]);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });
});

test('thirty deployments without a refresh copy once, even if new backups are made', async () => {
  const { deployment, copy } = await created();
  for (let n = 0; n < 30; n++) {
    await deployment.pass(60);
    backup(deployment, 0);
    await deployment.deploy(declare('1', { tags: { build: `${n}` } }));
  }
  expect(deployment.copies()).toEqual([copy]);
  expect(deployment.started()).toBe(1);
});

test('a refresh keeps a copy with stages, and its readers see the same ID', async () => {
  const deployment = await start({ ec2: { copyDuration: 100 * MINUTE } });
  const source = backup(deployment, HOUR);
  const staged = { timeout: Duration.hours(3) };
  const { outputs } = await deployment.deploy(declare('1', staged));
  const [copy = ''] = deployment.copies();
  expect(outputs).toEqual({ Id: copy, Source: source });
  const refreshed = await deployment.deploy(declare('2', staged));
  expect(refreshed).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Id: copy, Source: source } });
  const tagged = await deployment.deploy(declare('2', { ...staged, tags: { a: 'b' } }));
  expect(tagged).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Id: copy, Source: source } });
  expect(deployment.started()).toBe(1);
});

test('a dry run succeeds with a latest source, and fails without one', async () => {
  const deployment = await start();
  const props = { latestSource: { volumeId: VOLUME } };
  const refused = await deployment.deploy(declareDryRun(props));
  expect(refused.status).toBe('ROLLBACK_COMPLETE');
  expect(lineOf(refused)).toContain('EC2 shows none');
  await deployment.destroy();
  backup(deployment, HOUR);
  expect((await deployment.deploy(declareDryRun(props))).status).toBe('CREATE_COMPLETE');
  expect(deployment.copies()).toEqual([]);
});

test('a snapshot that the stack takes itself is copied, and both are deleted with the stack', async () => {
  const deployment = await start();
  const declareBoth = (description: string) => (stack: Stack) => {
    const snapshot = new ec2.CfnSnapshot(stack, 'Snapshot', { volumeId: VOLUME, description });
    const copy = copyInto(stack, { sourceSnapshotId: snapshot.attrSnapshotId, destinationRegion: 'eu-west-1' });
    new CfnOutput(stack, 'Source', { value: copy.sourceSnapshotId });
  };
  const result = await deployment.deploy(declareBoth('release 1'));
  const [source] = deployment.aws.ec2.all();
  expect(result).toMatchObject({ status: 'CREATE_COMPLETE', outputs: { Source: source?.id } });
  expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
  expect(deployment.aws.ec2.all().map(({ id }) => deployment.aws.ec2.stateOf(id))).toEqual(['deleted', 'deleted']);
});
