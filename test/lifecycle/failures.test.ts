import { Duration } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { declare } from './declarations';
import { copyInto, MINUTE, reasonOf } from './deployment';
import { start } from './start';

describe('a failure', () => {
  test('is one line that names the handler’s log group', async () => {
    const deployment = await start();
    const result = await deployment.deploy(
      declare({ sourceSnapshotId: 'snap-0123456789abcdef0', destinationRegion: 'eu-west-1' }),
    );
    expect(result.status).toBe('ROLLBACK_COMPLETE');
    const [line = '', ...rest] = reasonOf(result)
      .replace(/^Received response status \[FAILED\] from custom resource. Message returned: /, '')
      .split('\n');
    expect(line).toMatch(
      /source snapshot snap-0123456789abcdef0 was not found in us-east-1: .* \(log group Test-\S*Logs\S*\)$/,
    );
    // The rest comes from the framework: the name of its function, but no stack trace.
    expect(rest.join('\n')).not.toMatch(/^\s+at /m);
    expect(deployment.started()).toBe(0);
  });

  test('due to a disabled key comes before anything is copied', async () => {
    const deployment = await start();
    const key = deployment.aws.kms.addKey({ region: 'us-east-1', state: 'Disabled' });
    const result = await deployment.deploy(declare({ sourceSnapshotId: deployment.source(), kmsKeyId: key.arn }));
    expect(reasonOf(result)).toContain(`KMS key ${key.arn} is in state Disabled in us-east-1`);
    expect(deployment.started()).toBe(0);
  });

  test('due to a source under an undeclared customer key says how to declare it', async () => {
    const deployment = await start();
    const key = deployment.aws.kms.addKey({ region: 'us-east-1' });
    const source = deployment.aws.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId: key.arn });
    const refused = await deployment.deploy(declare({ sourceSnapshotId: source.id }));
    expect(reasonOf(refused)).toContain('pass that key as "sourceKmsKey"');
    const result = await deployment.deploy((stack) => {
      copyInto(stack, { sourceSnapshotId: source.id, sourceKmsKey: kms.Key.fromKeyArn(stack, 'Key', key.arn) });
    });
    expect(result.status).toBe('CREATE_COMPLETE');
  });

  test('of the copy itself has EC2’s message and a hint, and leaves no copy', async () => {
    const course = () => ({ duration: 5 * MINUTE, outcome: 'error', message: 'Given key ID is not accessible' });
    const deployment = await start({ ec2: { course } });
    const result = await deployment.deploy(declare({ sourceSnapshotId: deployment.source() }));
    expect(reasonOf(result)).toMatch(
      /EC2 says of snap-\w+ "Given key ID is not accessible"; check that each key \(the account’s default EBS key in us-east-1\) is enabled/,
    );
    await deployment.aws.clock.settle();
    expect(deployment.copies()).toEqual([]);
  });

  test('due to a timeout comes from the handler, before the framework and CloudFormation give up', async () => {
    const deployment = await start({ ec2: { copyDuration: 115 * MINUTE } });
    const props = { sourceSnapshotId: deployment.source(), destinationRegion: 'eu-west-1' };
    const result = await deployment.deploy(declare(props));
    expect(reasonOf(result)).toContain(
      `copy of ${props.sourceSnapshotId} from us-east-1 to eu-west-1 was 43% done after 50 minutes; `,
    );
    expect(result.status).toBe('ROLLBACK_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });

  test('of a dead handler is noticed ten minutes after the copy’s timeout', async () => {
    const deployment = await start();
    deployment.aws.lambda.interceptor = ({ handler }, invoke) =>
      handler === 'index.isComplete' ? Promise.resolve({ payload: '{"IsComplete":false}' }) : invoke();
    const props = { sourceSnapshotId: deployment.source(), timeout: Duration.minutes(5) };
    const result = await deployment.deploy(declare(props), { disableRollback: true });
    expect(reasonOf(result)).toContain('did not receive a response from your Custom Resource');
    expect(deployment.minutes(result)).toBeLessThan(17);
  });
});
