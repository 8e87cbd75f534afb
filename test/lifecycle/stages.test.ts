import { CfnOutput, Duration, type Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { SnapshotCopyProps } from '../../lib';
import { declare } from './declarations';
import { copyInto, MINUTE, reasonOf } from './deployment';
import { start } from './start';

describe('a copy that takes longer than CloudFormation’s hour', () => {
  test('completes through its stages, and its dependents wait for the end', async () => {
    const deployment = await start({ ec2: { copyDuration: 175 * MINUTE } });
    const props = { sourceSnapshotId: deployment.source(), timeout: Duration.hours(4) };
    const declareLong =
      (more: Partial<SnapshotCopyProps> = {}) =>
      (stack: Stack) => {
        const { snapshotId } = copyInto(stack, { ...props, ...more });
        new ec2.Volume(stack, 'Volume', { availabilityZone: 'us-east-1a', snapshotId });
        new CfnOutput(stack, 'Id', { value: snapshotId });
      };
    const created = await deployment.deploy(declareLong());
    const [id = ''] = deployment.copies();
    expect(created).toMatchObject({ status: 'CREATE_COMPLETE', outputs: { Id: id } });
    expect(deployment.minutes(created)).toBeGreaterThan(175);
    expect(deployment.minutes(created)).toBeLessThan(178);
    expect(deployment.aws.ec2.stateOf(id)).toBe('completed');

    for (const timeout of [Duration.hours(40), Duration.minutes(10)]) {
      const changed = await deployment.deploy(declareLong({ timeout }));
      expect(changed).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Id: id } });
      expect(deployment.minutes(changed)).toBeLessThan(5);
    }
    expect(deployment.started()).toBe(1);
    await deployment.destroy();
    expect(deployment.copies()).toEqual([]);
  });

  test('is deleted if an update times out in a later stage', async () => {
    const deployment = await start({ ec2: { copyDuration: 60 * MINUTE } });
    const props = { sourceSnapshotId: deployment.source(), timeout: Duration.minutes(90) };
    expect((await deployment.deploy(declare(props))).status).toBe('CREATE_COMPLETE');
    const before = deployment.copies();
    deployment.aws.ec2.settings.copyDuration = 200 * MINUTE;
    const result = await deployment.deploy(declare({ ...props, description: 'new' }));
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(reasonOf(result)).toContain('was 45% done after 90 minutes; raise "timeout" (now 90 minutes)');
    await deployment.aws.clock.settle();
    expect(deployment.copies()).toEqual(before);
    await deployment.destroy();
    expect(deployment.copies()).toEqual([]);
  });
});
