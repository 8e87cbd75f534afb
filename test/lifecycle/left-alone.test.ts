// A rollback leaves what cannot be read, changed, or deleted. A Delete fails over it only if its owner can help.
import type { SnapshotCopyProps } from '../../lib';
import { AwsError, type FaultHook } from '../../local-aws/faults';
import { declare, declareWithSibling, logicalIdOfCopy } from './declarations';
import { lineOf, MINUTE, type Deployment } from './deployment';
import { start } from './start';

const REGION = 'eu-west-1';
const DENIED = new AwsError(
  'UnauthorizedOperation',
  'You are not authorized to perform this operation, with an explicit deny in a service control policy',
  403,
);
const DENY_DELETION: FaultHook = ({ action }) => (action === 'DeleteSnapshot' ? DENIED : undefined);

/** What prevents the deletion of a copy, what EC2 says about it, and what releases the copy. */
const HOLDS = [
  {
    name: 'is locked in governance mode',
    hold: ({ aws }: Deployment, id: string) => {
      aws.ec2.snapshot(id).lock = 'governance';
    },
    release: ({ aws }: Deployment, id: string) => {
      aws.ec2.snapshot(id).lock = undefined;
    },
    says: (id: string) =>
      `SnapshotLocked: The snapshot ${id} is locked and cannot be deleted.; its lock is in state governance: unlock it, then delete again`,
  },
  {
    name: 'backs an AMI',
    hold: ({ aws }: Deployment, id: string) => {
      aws.ec2.snapshot(id).imageId = 'ami-0123456789abcdef0';
    },
    release: ({ aws }: Deployment, id: string) => {
      aws.ec2.snapshot(id).imageId = undefined;
    },
    says: (id: string) =>
      `InvalidSnapshot.InUse: The snapshot ${id} is currently in use by ami-0123456789abcdef0; deregister the AMI, unlock the snapshot, or release what else holds it, then delete again`,
  },
  {
    name: 'is under a policy that denies its deletion',
    hold: ({ aws }: Deployment, id: string) => {
      aws.services.faults = (call) =>
        (call.input as { SnapshotId?: string }).SnapshotId === id ? DENY_DELETION(call) : undefined;
    },
    release: (deployment: Deployment) => {
      deployment.open();
    },
    says: () =>
      `UnauthorizedOperation: ${DENIED.message}; check that the account has enabled ${REGION}, and that no service control policy denies it to the handler’s role, then delete again`,
  },
];

async function deployed(more: Partial<SnapshotCopyProps> = {}) {
  const deployment = await start();
  const props = { sourceSnapshotId: deployment.source(), destinationRegion: REGION, ...more };
  const { outputs } = await deployment.deploy(declare(props));
  const [id = ''] = deployment.copies();
  expect(outputs).toEqual({ Id: id });
  return { deployment, props, id, outputs };
}

/** Acts as soon as a deployment's copy reaches this status, before anything else happens. */
async function startAndActOn(status: string, act: (deployment: Deployment) => void): Promise<Deployment> {
  const deployment: Deployment = await start({
    onEvent: (event) => {
      if (event.type.startsWith('Custom::') && event.status === status) act(deployment);
    },
  });
  return deployment;
}

describe('a tag change that cannot be made rolls back and leaves', () => {
  test('nothing if the source and the copy are both gone', async () => {
    const { deployment, props, id, outputs } = await deployed();
    deployment.aws.ec2.deleteSnapshot('us-east-1', { SnapshotId: props.sourceSnapshotId });
    deployment.aws.ec2.deleteSnapshot(REGION, { SnapshotId: id });
    const updated = await deployment.deploy(declare({ ...props, tags: { team: 'b' } }));
    const reason = new RegExp(`^source snapshot ${props.sourceSnapshotId} was not found in us-east-1: .*; correct`);
    expect(updated).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE', outputs });
    expect(lineOf(updated, /^UPDATE_FAILED$/)).toMatch(reason);
    expect(deployment.logged('left')).toEqual([
      expect.objectContaining({ reason: expect.stringMatching(reason) as string }),
    ]);
    expect(deployment.copies()).toEqual([]);
    expect(deployment.started()).toBe(1);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
  });

  test('a copy whose tags somebody removed', async () => {
    const { deployment, props, id, outputs } = await deployed();
    const tags = Object.entries(deployment.aws.ec2.tagsOf(id)).map(([Key, Value]) => ({ Key, Value }));
    deployment.aws.ec2.deleteTags(REGION, { Resources: [id] });
    const updated = await deployment.deploy(declare({ ...props, tags: { team: 'b' } }));
    const reason = `${id} in ${REGION} does not carry the tags that make it this resource’s copy`;
    expect(updated).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE', outputs });
    expect(lineOf(updated, /^UPDATE_FAILED$/)).toContain(reason);
    expect(deployment.logged('left')).toEqual([
      expect.objectContaining({ reason: expect.stringContaining(reason) as string }),
    ]);
    expect(deployment.copies()).toEqual([id]);
    expect(deployment.aws.ec2.tagsOf(id)).toEqual({});

    // The copy exists, and its owner can restore the tags.
    const refused = await deployment.destroy();
    expect(refused.status).toBe('DELETE_FAILED');
    expect(lineOf(refused)).toContain(reason);
    deployment.aws.ec2.createTags(REGION, { Resources: [id], Tags: tags });
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });

  test('a copy that cannot be read', async () => {
    const { deployment, props, id, outputs } = await deployed();
    const tags = deployment.aws.ec2.tagsOf(id);
    deployment.close(REGION, 'denied');
    const updated = await deployment.deploy(declare({ ...props, tags: { team: 'b' } }));
    expect(updated).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE', outputs });
    expect(lineOf(updated, /^UPDATE_FAILED$/)).toContain(
      `in ${REGION}; check the policies, boundaries and key policies`,
    );
    expect(deployment.copies()).toEqual([id]);
    expect(deployment.aws.ec2.tagsOf(id)).toEqual(tags);
  });
});

describe.each(HOLDS)('a copy that $name', ({ hold, release, says }) => {
  test('stays after the rollback of the update that made it', async () => {
    const deployment = await startAndActOn('UPDATE_COMPLETE', (there) => {
      const [, made] = there.copies();
      if (made !== undefined) hold(there, made);
    });
    const props = { sourceSnapshotId: deployment.source(), destinationRegion: REGION };
    await deployment.deploy(declareWithSibling(props, '1'));
    const [old = ''] = deployment.copies();
    deployment.aws.cloudFormation.failNext('Sibling', 'Update');
    const updated = await deployment.deploy(declareWithSibling({ ...props, description: 'new' }, '2'));
    const [, made = ''] = deployment.copies();
    expect(updated.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(deployment.copies()).toEqual([old, made]);
    expect(deployment.logged('left')).toContainEqual(
      expect.objectContaining({ snapshotId: made, reason: expect.stringContaining(says(made)) as string }),
    );
    // CloudFormation also requested its deletion, and shows why that failed.
    expect(lineOf(updated, /^DELETE_FAILED$/)).toContain(`${made} in ${REGION} could not be deleted: ${says(made)}`);
  });

  test('stays after the update that replaced it, whose events say why', async () => {
    const { deployment, props, id } = await deployed();
    hold(deployment, id);
    const updated = await deployment.deploy(declare({ ...props, description: 'new' }));
    const [, made = ''] = deployment.copies();
    expect(updated).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Id: made } });
    expect(deployment.copies()).toEqual([id, made]);
    expect(lineOf(updated, /^DELETE_FAILED$/)).toContain(`${id} in ${REGION} could not be deleted: ${says(id)}`);
  });

  test('fails the deletion of the stack until it is released', async () => {
    const { deployment, id } = await deployed();
    hold(deployment, id);
    const refused = await deployment.destroy();
    expect(refused.status).toBe('DELETE_FAILED');
    expect(lineOf(refused)).toContain(`${id} in ${REGION} could not be deleted: ${says(id)}`);
    expect(deployment.copies()).toEqual([id]);
    release(deployment, id);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });
});

test('a copy whose compliance lock is past its cool-off stays after the deletion, and the log names it', async () => {
  const { deployment, id } = await deployed();
  const { clock, ec2 } = deployment.aws;
  ec2.snapshot(id).lock = { mode: 'compliance', days: 30, coolOffHours: 24, createdAt: clock.now() };
  await deployment.pass(25 * 60);
  expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
  expect(deployment.copies()).toEqual([id]);
  expect(deployment.logged('left')).toEqual([expect.objectContaining({ snapshotId: id, lock: 'compliance' })]);
});

describe('a failed copy that cannot be deleted', () => {
  const failing = async () => {
    const course = () => ({ duration: MINUTE, outcome: 'error', message: 'Internal fault' });
    const deployment = await start({ ec2: { course }, faults: DENY_DELETION });
    return { deployment, declared: declare({ sourceSnapshotId: deployment.source(), destinationRegion: REGION }) };
  };

  /** A failed copy costs nothing. */
  const expectLeft = (deployment: Deployment): void => {
    const [id = ''] = deployment.copies();
    expect(deployment.copies()).toHaveLength(1);
    expect(deployment.aws.ec2.stateOf(id)).toBe('error');
    expect(deployment.logged('left')).toContainEqual(
      expect.objectContaining({
        snapshotId: id,
        state: 'error',
        reason: expect.stringContaining(DENIED.message) as string,
      }),
    );
  };

  test('does not fail the rollback of its create', async () => {
    const { deployment, declared } = await failing();
    const created = await deployment.deploy(declared);
    expect(created.status).toBe('ROLLBACK_COMPLETE');
    expect(lineOf(created)).toMatch(
      /failed: EC2 says of snap-\w+ "Internal fault"; check that the source still exists/,
    );
    expectLeft(deployment);
  });

  test('does not fail the deletion of its stack', async () => {
    const { deployment, declared } = await failing();
    expect((await deployment.deploy(declared, { disableRollback: true })).status).toBe('CREATE_FAILED');
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expectLeft(deployment);
  });
});

test('after a rollback that skips the copy, an update restores the old one, and a replacement deletes it', async () => {
  const logicalId = logicalIdOfCopy();
  const deployment = await startAndActOn('UPDATE_COMPLETE', ({ aws }) => {
    if (isFirst) aws.cloudFormation.failNext(logicalId, 'Update');
    isFirst = false;
  });
  let isFirst = true;
  const props = { sourceSnapshotId: deployment.source(), destinationRegion: REGION };
  await deployment.deploy(declareWithSibling(props, '1'));
  const [first = ''] = deployment.copies();
  const { clock, cloudFormation } = deployment.aws;
  cloudFormation.failNext('Sibling', 'Update');
  const updated = await deployment.deploy(declareWithSibling({ ...props, description: 'second' }, '2'));
  expect(updated.status).toBe('UPDATE_ROLLBACK_FAILED');
  const skipped = await clock.run(() => cloudFormation.continueUpdateRollback('Test', [logicalId]));
  expect(skipped.status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(deployment.copies()).toHaveLength(2);

  const tagged = await deployment.deploy(declareWithSibling({ ...props, tags: { team: 'a' } }, '1'));
  expect(tagged.status).toBe('UPDATE_COMPLETE');
  expect(deployment.copies()).toEqual([first]);
  const replaced = await deployment.deploy(declareWithSibling({ ...props, description: 'third' }, '1'));
  expect(replaced.status).toBe('UPDATE_COMPLETE');
  expect(deployment.copies()).toHaveLength(1);
  expect(deployment.copies()).not.toContain(first);
  expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
  expect(deployment.copies()).toEqual([]);
});
