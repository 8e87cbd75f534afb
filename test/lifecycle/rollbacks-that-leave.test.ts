// A replacement is rolled back, and something is in the way by then: the stack rolls back anyway.
import type { LocalAwsOptions } from '../../local-aws';
import { AwsError } from '../../local-aws/faults';
import { declareApart, declareWithSibling } from './declarations';
import { lineOf, type Deployment } from './deployment';
import { start } from './start';

const REGION = 'eu-west-1';
const DENIED = new AwsError('UnauthorizedOperation', 'No, with an explicit deny in a service control policy', 403);

/** What no documentation settles about the Update in a rollback. */
const ROLLBACKS: [string, LocalAwsOptions][] = [
  ['the new ID and cleans up', { rollbackPhysicalId: 'new' }],
  ['the new ID and does not clean up', { rollbackPhysicalId: 'new', rollbackCleansUp: false }],
  ['the old ID and cleans up', { rollbackPhysicalId: 'old' }],
];

interface History {
  readonly options?: LocalAwsOptions;
  /** Before the update that replaces the copy. */
  readonly before?: (deployment: Deployment, id: string) => void;
  /** When the new copy exists, before the update fails. */
  readonly meanwhile?: (deployment: Deployment, id: string) => void;
}

/** A replacement that rolls back because a sibling fails. */
async function takenBack({ options, before, meanwhile }: History) {
  let old = '';
  let isFirst = true;
  const deployment: Deployment = await start({
    ...options,
    onEvent: ({ type, status }) => {
      if (!type.startsWith('Custom::') || status !== 'UPDATE_COMPLETE' || !isFirst) return;
      isFirst = false;
      meanwhile?.(deployment, old);
    },
  });
  const props = { sourceSnapshotId: deployment.source(), destinationRegion: REGION };
  await deployment.deploy(declareWithSibling(props, '1'));
  [old = ''] = deployment.copies();
  before?.(deployment, old);
  deployment.aws.cloudFormation.failNext('Sibling', 'Update');
  const result = await deployment.deploy(declareWithSibling({ ...props, description: 'new' }, '2'));
  return { deployment, props, old, result };
}

const stripTags = ({ aws }: Deployment, id: string): void => {
  aws.ec2.deleteTags(REGION, { Resources: [id] });
};

describe.each(ROLLBACKS)('a rollback that carries %s', (_, options) => {
  test('succeeds if the old copy and the source are gone by then, and a later deployment works', async () => {
    const meanwhile = ({ aws }: Deployment, id: string): void => {
      aws.ec2.deleteSnapshot('us-east-1', { SnapshotId: aws.ec2.snapshot(id).source?.id });
      aws.ec2.deleteSnapshot(REGION, { SnapshotId: id });
    };
    const { deployment, props, result } = await takenBack({ options, meanwhile });
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(deployment.logged('left')).toContainEqual(
      expect.objectContaining({ reason: expect.stringContaining('was not found in us-east-1') as string }),
    );
    await deployment.aws.clock.settle();
    const again = await deployment.deploy(
      declareWithSibling({ ...props, sourceSnapshotId: deployment.source(), description: 'third' }, '3'),
    );
    expect(again.status).toBe('UPDATE_COMPLETE');
    expect(deployment.copies()).toHaveLength(1);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });

  test('succeeds if somebody removed the old copy’s tags: it stays, and a new copy is made', async () => {
    const { deployment, old, result } = await takenBack({ options, before: stripTags });
    const [, made = ''] = deployment.copies();
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(deployment.started()).toBe(3);
    expect(deployment.copies()).toEqual([old, made]);
    expect(deployment.aws.ec2.snapshot(made).description).toBe('');
    expect(deployment.aws.ec2.tagsOf(old)).toEqual({});
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([old]);
  });

  test('succeeds if the Region is closed by then, and deleting the stack later removes both copies', async () => {
    const meanwhile = (deployment: Deployment): void => {
      deployment.close(REGION, DENIED);
    };
    const { deployment, old, result } = await takenBack({ options, meanwhile });
    const [, made = ''] = deployment.copies();
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(deployment.copies()).toEqual([old, made]);
    expect(deployment.logged('left')).toContainEqual(
      expect.objectContaining({ reason: expect.stringContaining(DENIED.message) as string }),
    );
    deployment.open();
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });
});

describe('a policy that denies DeleteSnapshot', () => {
  async function denying() {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source(), destinationRegion: REGION };
    const deny = (): void => {
      deployment.aws.services.faults = ({ action }) => (action === 'DeleteSnapshot' ? DENIED : undefined);
    };
    return { deployment, props, deny };
  }

  test('does not fail the rollback of an update with a pending copy: it stays until the stack is deleted', async () => {
    const { deployment, props, deny } = await denying();
    await deployment.deploy(declareApart(props, '1'));
    const [old = ''] = deployment.copies();
    deny();
    deployment.aws.cloudFormation.failNext('Sibling', 'Update', { afterSeconds: 100 });
    const result = await deployment.deploy(declareApart({ ...props, description: 'new' }, '2'));
    const [, made = ''] = deployment.copies();
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(deployment.copies()).toEqual([old, made]);
    expect(deployment.logged('left')).toContainEqual(expect.objectContaining({ snapshotId: made, state: 'pending' }));
    deployment.open();
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });

  async function createTakenBack(declared: typeof declareApart, afterSeconds: number) {
    const { deployment, props, deny } = await denying();
    deny();
    deployment.aws.cloudFormation.failNext('Sibling', 'Create', { afterSeconds });
    const result = await deployment.deploy(declared(props, '1'));
    const [id = ''] = deployment.copies();
    return { deployment, result, id };
  }

  test('fails the rollback of a create whose copy is finished, until the policy is gone', async () => {
    const { deployment, result, id } = await createTakenBack(declareWithSibling, 0);
    expect(result.status).toBe('ROLLBACK_FAILED');
    expect(lineOf(result, /^DELETE_FAILED$/)).toContain(
      `${id} in ${REGION} could not be deleted: UnauthorizedOperation: ${DENIED.message}; `,
    );
    expect(deployment.copies()).toEqual([id]);
    deployment.open();
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });

  test('fails the rollback of a canceled create whose copy is in progress', async () => {
    const { result, id } = await createTakenBack(declareApart, 100);
    expect(lineOf(result, /^DELETE_FAILED$/)).toContain(`${id} in ${REGION} could not be deleted`);
    expect(result.status).toBe('ROLLBACK_FAILED');
  });
});
