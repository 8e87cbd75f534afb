// The next poll reports a finished copy, unless something may be hidden.
import type { OperationResult } from '../../local-aws';
import { declare, logicalIdOfCopy } from './declarations';
import { MINUTE, type Deployment } from './deployment';
import { start } from './start';

const SECOND = 1_000;
/** A poll interval, a call, and the longest time that a read may be stale. */
const VISIBILITY_DELAY = 180;

const propsOf = (deployment: Deployment) => ({
  sourceSnapshotId: deployment.source(),
  destinationRegion: 'eu-west-1',
});

/** Seconds from an operation's first CopySnapshot call until CloudFormation has the response. */
function secondsFromStart(deployment: Deployment, { events }: OperationResult, status: RegExp): number {
  const begun = events[0]?.time ?? NaN;
  const started = deployment.starts().find(({ time }) => time >= begun)?.time ?? NaN;
  const answered = events.find((event) => event.type.startsWith('Custom::') && status.test(event.status))?.time ?? NaN;
  return (answered - started) / SECOND;
}

const untilCreated = (deployment: Deployment, result: OperationResult): number =>
  secondsFromStart(deployment, result, /^CREATE_COMPLETE$/);

describe('a copy that this process started, and whose response it received,', () => {
  test('is reported within 95 s of its start if EC2 takes 60 s, for a create and a replacement', async () => {
    const deployment = await start({ ec2: { copyDuration: MINUTE } });
    const props = propsOf(deployment);
    const created = await deployment.deploy(declare(props));
    expect(created.status).toBe('CREATE_COMPLETE');
    expect(untilCreated(deployment, created)).toBeGreaterThanOrEqual(60);
    expect(untilCreated(deployment, created)).toBeLessThanOrEqual(95);

    const replaced = await deployment.deploy(declare({ ...props, description: 'new' }));
    expect(replaced.status).toBe('UPDATE_COMPLETE');
    expect(secondsFromStart(deployment, replaced, /^UPDATE_COMPLETE$/)).toBeLessThanOrEqual(95);
    expect(deployment.copies()).toHaveLength(1);
    expect(deployment.started()).toBe(2);
  });

  test('is reported within 35 s of its end if EC2 takes 30 minutes', async () => {
    const deployment = await start({ ec2: { copyDuration: 30 * MINUTE } });
    const created = await deployment.deploy(declare(propsOf(deployment)));
    expect(created.status).toBe('CREATE_COMPLETE');
    expect(untilCreated(deployment, created)).toBeLessThanOrEqual(30 * 60 + 35);
  });

  test('is the only one that stays, even if a second event started another that no read shows yet', async () => {
    const staleness = { ids: 0, tags: 110 * SECOND, deletions: 0, writes: 0 };
    const deployment = await start({ ec2: { copyDuration: MINUTE, staleness } });
    deployment.aws.cloudFormation.duplicateNext(logicalIdOfCopy(), 'Create', { newRequestId: true, afterSeconds: 8 });
    const created = await deployment.deploy(declare(propsOf(deployment)));
    expect(created.status).toBe('CREATE_COMPLETE');
    await deployment.aws.clock.settle();
    expect(deployment.started()).toBe(2);
    expect(deployment.copies()).toEqual([created.outputs.Id]);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });
});

describe('a request waits out the visibility delay', () => {
  test('if the CopySnapshot response was lost, and one copy is made', async () => {
    const deployment = await start({
      ec2: { copyDuration: MINUTE },
      faults: ({ action, count }) => (action === 'CopySnapshot' && count === 1 ? 'lost-response' : undefined),
    });
    const created = await deployment.deploy(declare(propsOf(deployment)));
    expect(created.status).toBe('CREATE_COMPLETE');
    expect(untilCreated(deployment, created)).toBeGreaterThanOrEqual(VISIBILITY_DELAY);
    expect(deployment.copies()).toEqual([created.outputs.Id]);
    expect(deployment.started()).toBe(1);
  });

  test('if a process other than the one that started the copy polls', async () => {
    const deployment = await start({ ec2: { copyDuration: MINUTE } });
    let polls = 0;
    deployment.aws.lambda.interceptor = ({ handler }, invoke) => {
      if (handler === 'index.isComplete' && ++polls === 2) deployment.aws.lambda.kill();
      return invoke();
    };
    const created = await deployment.deploy(declare(propsOf(deployment)));
    expect(created.status).toBe('CREATE_COMPLETE');
    expect(untilCreated(deployment, created)).toBeGreaterThanOrEqual(VISIBILITY_DELAY);
    expect(deployment.copies()).toEqual([created.outputs.Id]);
    expect(deployment.started()).toBe(1);
  });
});
