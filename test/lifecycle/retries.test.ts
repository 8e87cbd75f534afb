import type { Call } from '../../local-aws/faults';
import { declare, logicalIdOfCopy } from './declarations';
import { start } from './start';

describe('a request makes one copy if', () => {
  test('the CopySnapshot response is lost while reads are stale', async () => {
    const staleness = { ids: 100_000, tags: 100_000, deletions: 0, writes: 0 };
    const faults = ({ action, count }: Call) =>
      action === 'CopySnapshot' && count === 1 ? 'lost-response' : undefined;
    const deployment = await start({ faults, ec2: { staleness } });
    expect((await deployment.deploy(declare({ sourceSnapshotId: deployment.source() }))).status).toBe(
      'CREATE_COMPLETE',
    );
    expect(deployment.started()).toBe(1);
  });

  test('onEvent runs twice because the framework did not get its first response', async () => {
    const deployment = await start();
    let lost = false;
    deployment.aws.lambda.interceptor = async ({ handler }, invoke) => {
      const answer = await invoke();
      if (handler !== 'index.onEvent' || lost) return answer;
      lost = true;
      throw new Error('socket hang up');
    };
    expect((await deployment.deploy(declare({ sourceSnapshotId: deployment.source() }))).status).toBe(
      'CREATE_COMPLETE',
    );
    expect(lost).toBe(true);
    expect(deployment.copies()).toHaveLength(1);
  });

  test.each([false, true])('the event is delivered twice (with a new RequestId: %s)', async (newRequestId) => {
    const deployment = await start({ ec2: { staleness: { ids: 0, tags: 60_000, deletions: 0, writes: 0 } } });
    const props = { sourceSnapshotId: deployment.source() };
    deployment.aws.cloudFormation.duplicateNext(logicalIdOfCopy(), 'Create', { newRequestId });
    expect((await deployment.deploy(declare(props))).status).toBe('CREATE_COMPLETE');
    await deployment.aws.clock.settle();
    expect(deployment.copies()).toHaveLength(1);
    await deployment.destroy();
    expect(deployment.copies()).toEqual([]);
  });
});

describe('nothing is lost if', () => {
  test('the waiter does not start on create: nothing was started', async () => {
    const deployment = await start();
    deployment.aws.stepFunctions.failNextStart();
    expect((await deployment.deploy(declare({ sourceSnapshotId: deployment.source() }))).status).toBe(
      'ROLLBACK_COMPLETE',
    );
    expect(deployment.started()).toBe(0);
  });

  test('the waiter does not start on update: the old copy stays', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source() };
    await deployment.deploy(declare(props));
    const before = deployment.copies();
    deployment.aws.stepFunctions.failNextStart();
    const result = await deployment.deploy(declare({ ...props, description: 'new' }));
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(deployment.copies()).toEqual(before);
    expect(deployment.started()).toBe(1);
  });

  test('the handler is killed while it polls: the rollback finds the copy by its handle', async () => {
    const deployment = await start();
    let polls = 0;
    deployment.aws.lambda.interceptor = ({ handler }, invoke) => {
      const isFatal = handler === 'index.isComplete' && ++polls === 3;
      return isFatal
        ? Promise.resolve({
            functionError: 'Unhandled',
            payload: '{"errorType":"Runtime.ExitError","errorMessage":"killed"}',
          })
        : invoke();
    };
    expect((await deployment.deploy(declare({ sourceSnapshotId: deployment.source() }))).status).toBe(
      'ROLLBACK_COMPLETE',
    );
    expect(deployment.started()).toBe(1);
    expect(deployment.copies()).toEqual([]);
  });
});
