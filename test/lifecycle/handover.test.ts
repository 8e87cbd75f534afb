// What happens to a finished copy, end to end.
import { CfnOutput, CfnResource, Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { FastSnapshotRestore, SnapshotCopy, type SnapshotCopyProps, SnapshotLock, StorageTier } from '../../lib';
import { describeLock, tierAt } from '../../local-aws/snapshot';
import { copyInto, lineOf, type Deployment } from './deployment';
import { start } from './start';

const PARTNER = '555566667777';
const OTHER = '888899990000';
const RETAIN = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;

/** A copy, followed by a resource that can fail. */
const declare =
  (props: Partial<SnapshotCopyProps>, revision = '1') =>
  (stack: Stack) => {
    const copy = copyInto(stack, { sourceSnapshotId: 'snap-0123456789abcdef0', ...props });
    const sibling = new CfnResource(stack, 'Sibling', {
      type: 'AWS::SNS::Topic',
      properties: { DisplayName: revision },
    });
    sibling.node.addDependency(copy);
    new CfnOutput(stack, 'Id', { value: copy.snapshotId });
  };

async function deployed(props: Partial<SnapshotCopyProps>) {
  const deployment = await start();
  deployment.source({ id: 'snap-0123456789abcdef0', tags: { team: 'storage', 'dlm:managed': 'true' } });
  const result = await deployment.deploy(declare(props));
  expect(result.status).toBe('CREATE_COMPLETE');
  const [id = ''] = deployment.copies();
  return { deployment, id };
}

const sharedWith = ({ aws }: Deployment, id: string) => [...aws.ec2.snapshot(id).sharedWith].sort();
const tierOf = ({ aws }: Deployment, id: string) => tierAt(aws.ec2.snapshot(id), aws.clock.now());

function lockOf({ aws }: Deployment, id: string): string | undefined {
  const { lock } = aws.ec2.snapshot(id);
  return lock && describeLock(lock, aws.clock.now()).LockState;
}

/** An update that rolls back because a sibling fails. */
async function takenBack(deployment: Deployment, props: Partial<SnapshotCopyProps>): Promise<void> {
  deployment.aws.cloudFormation.failNext('Sibling', 'Update', { afterSeconds: 200, reason: 'No.' });
  const { status } = await deployment.deploy(declare(props, '2'));
  expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
}

test('sharing follows the declaration in place, is restored by a rollback, and ends with the prop', async () => {
  const { deployment, id } = await deployed({ shareWith: [PARTNER] });
  expect(sharedWith(deployment, id)).toEqual([PARTNER]);
  await takenBack(deployment, { shareWith: [OTHER] });
  expect(sharedWith(deployment, id)).toEqual([PARTNER]);
  await deployment.deploy(declare({}, '3'));
  expect(sharedWith(deployment, id)).toEqual([]);
  expect(deployment.copies()).toEqual([id]);
  expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
  expect(deployment.copies()).toEqual([]);
});

test('sharing is refused before copying if the source is encrypted and the copy has no key', async () => {
  const deployment = await start();
  const sourceSnapshotId = deployment.source({ encrypted: true });
  const result = await deployment.deploy(declare({ sourceSnapshotId, shareWith: [PARTNER] }));
  expect(result.status).toBe('ROLLBACK_COMPLETE');
  expect(lineOf(result)).toContain('"shareWith"');
  expect(deployment.started()).toBe(0);
});

test('a copy has its source’s tags, except those that mean something to other services', async () => {
  const { deployment, id } = await deployed({ copySourceTags: true, tags: { env: 'dr' } });
  const tags = deployment.aws.ec2.tagsOf(id);
  expect(tags).toMatchObject({ team: 'storage', env: 'dr' });
  expect(tags).not.toHaveProperty('dlm:managed');
});

test('a locked copy outlives its stack', async () => {
  const lock = SnapshotLock.governance(Duration.days(30));
  const { deployment, id } = await deployed({ lock, removalPolicy: RETAIN });
  expect(lockOf(deployment, id)).toBe('governance');
  expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
  expect(deployment.copies()).toEqual([id]);
});

test('a create that rolls back leaves no copy, even if the copy was already locked', async () => {
  const deployment = await start();
  deployment.source({ id: 'snap-0123456789abcdef0' });
  deployment.aws.cloudFormation.failNext('Sibling', 'Create', { afterSeconds: 60, reason: 'No.' });
  const lock = SnapshotLock.compliance(Duration.days(30), Duration.hours(24));
  const { status } = await deployment.deploy(declare({ lock, removalPolicy: RETAIN }));
  expect(status).toBe('ROLLBACK_COMPLETE');
  expect(deployment.copies()).toEqual([]);
});

test('a lock that an update sets is removed if the update rolls back', async () => {
  const { deployment, id } = await deployed({ removalPolicy: RETAIN });
  await takenBack(deployment, {
    lock: SnapshotLock.compliance(Duration.days(30), Duration.hours(24)),
    removalPolicy: RETAIN,
  });
  expect(lockOf(deployment, id)).toBeUndefined();
});

test('a copy is archived, restored without the prop, and deleted with the stack', async () => {
  const { deployment, id } = await deployed({ storageTier: StorageTier.ARCHIVE });
  await deployment.pass(72 * 60);
  expect(tierOf(deployment, id)).toBe('archive');
  expect((await deployment.deploy(declare({}, '2'))).status).toBe('UPDATE_COMPLETE');
  await deployment.pass(72 * 60);
  expect(tierOf(deployment, id)).toBe('standard');
  expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
  expect(deployment.copies()).toEqual([]);
});

describe('fast restore of a copy', () => {
  const declareFast = (zones: string[], description?: string) => (stack: Stack) => {
    const copy = new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: 'snap-0123456789abcdef0', description });
    new FastSnapshotRestore(stack, 'Fast', { snapshot: copy, availabilityZones: zones });
  };
  const active = ({ aws }: Deployment) =>
    aws.ec2.handover.fastRestores.active().map(({ snapshotId, zone }) => `${snapshotId} ${zone}`);

  test('is enabled, moves to a replacement copy, and ends with the stack', async () => {
    const deployment = await start();
    deployment.source({ id: 'snap-0123456789abcdef0' });
    expect((await deployment.deploy(declareFast(['us-east-1a']))).status).toBe('CREATE_COMPLETE');
    const [first = ''] = deployment.copies();
    expect(active(deployment)).toEqual([`${first} us-east-1a`]);
    expect((await deployment.deploy(declareFast(['us-east-1b'], 'new'))).status).toBe('UPDATE_COMPLETE');
    const [second = ''] = deployment.copies();
    expect(second).not.toBe(first);
    expect(active(deployment)).toEqual([`${second} us-east-1b`]);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(active(deployment)).toEqual([]);
    expect(deployment.copies()).toEqual([]);
  });

  test('that EC2 refuses fails the deployment, and leaves nothing enabled', async () => {
    const deployment = await start();
    deployment.source({ id: 'snap-0123456789abcdef0' });
    for (let n = 0; n < 5; n++) {
      const { id } = deployment.aws.ec2.addSnapshot({ region: 'us-east-1' });
      deployment.aws.ec2.handover.fastRestores.enable('us-east-1', {
        SourceSnapshotIds: [id],
        AvailabilityZones: ['us-east-1a'],
      });
    }
    const result = await deployment.deploy(declareFast(['us-east-1a']));
    expect(result.status).toBe('ROLLBACK_COMPLETE');
    expect(active(deployment)).toHaveLength(5);
    expect(deployment.copies()).toEqual([]);
  });
});
