import { AwsError } from '../../local-aws/faults';
import { declare } from './declarations';
import { MINUTE, reasonOf } from './deployment';
import { start } from './start';

describe('a transient error is never final', () => {
  test.each([
    ['throttled', 'throttled'],
    ['unavailable', 'unavailable'],
    ['cut off', 'refused-connection'],
    ['denied until policies propagate', 'denied'],
  ] as const)('create, replacement, and deletion succeed after four minutes of calls that are %s', async (_, fault) => {
    const deployment = await start();
    const { aws } = deployment;
    const beset = (): void => {
      const begun = aws.clock.now();
      aws.services.faults = ({ time }) => (time < begun + 4.5 * MINUTE ? fault : undefined);
    };
    const props = { sourceSnapshotId: deployment.source() };
    beset();
    expect((await deployment.deploy(declare(props))).status).toBe('CREATE_COMPLETE');
    beset();
    expect((await deployment.deploy(declare({ ...props, description: 'new' }))).status).toBe('UPDATE_COMPLETE');
    expect(deployment.copies()).toHaveLength(1);
    beset();
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });

  test('a full queue only delays the copy', async () => {
    const deployment = await start();
    const { aws } = deployment;
    aws.ec2.settings.maxConcurrentCopies = 1;
    aws.ec2.copySnapshot('us-east-1', { SourceRegion: 'us-east-1', SourceSnapshotId: deployment.source() });
    const result = await deployment.deploy(declare({ sourceSnapshotId: deployment.source() }));
    expect(result.status).toBe('CREATE_COMPLETE');
    expect(deployment.started()).toBeGreaterThan(1);
  });

  test('a permanent refusal is reported promptly', async () => {
    const refusal = new AwsError('TagPolicyViolation', 'The tag policy does not allow the specified value.');
    const deployment = await start({ faults: ({ action }) => (action === 'CopySnapshot' ? refusal : undefined) });
    const result = await deployment.deploy(declare({ sourceSnapshotId: deployment.source() }));
    expect(reasonOf(result)).toContain('TagPolicyViolation: The tag policy does not allow the specified value.');
    expect(deployment.minutes(result)).toBeLessThan(5);
  });
});
