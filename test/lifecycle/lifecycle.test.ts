import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnOutput, CfnResource, CustomResource, Duration, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as cr from 'aws-cdk-lib/custom-resources';
import { SnapshotCopyDryRun, type SnapshotCopyDryRunProps, type SnapshotCopyProps } from '../../lib';
import { TAG } from '../../lib/contract';
import { AwsError, type Call } from '../../local-aws/faults';
import type { LocalAwsOptions } from '../../local-aws';
import { copyInto, Deployment, ENV, MINUTE, reasonOf } from './deployment';

const deployments: Deployment[] = [];
async function start(options?: LocalAwsOptions): Promise<Deployment> {
  const deployment = await Deployment.start(options);
  deployments.push(deployment);
  return deployment;
}
afterEach(async () => {
  await Promise.all(deployments.splice(0).map(({ aws }) => aws.stop()));
});

const declare = (props: SnapshotCopyProps) => (stack: Stack) => {
  const copy = copyInto(stack, props);
  new CfnOutput(stack, 'Id', { value: copy.snapshotId });
};
/** A resource that comes after the copy, and whose failure takes the operation back. */
const declareWithSibling = (props: SnapshotCopyProps, revision: string) => (stack: Stack) => {
  const copy = copyInto(stack, props);
  const sibling = new CfnResource(stack, 'Sibling', { type: 'AWS::SNS::Topic', properties: { DisplayName: revision } });
  sibling.node.addDependency(copy);
};
const firstOf =
  (action: string, fault: 'lost-response' | 'throttled') =>
  (call: Call): 'lost-response' | 'throttled' | undefined =>
    call.action === action && call.count === 1 ? fault : undefined;

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
    // In place there is nothing to wait for.
    expect(deployment.minutes(tagged)).toBeLessThan(1);
    expect(deployment.aws.ec2.tagsOf(first)).toMatchObject({ team: 'b' });
    expect(deployment.started()).toBe(1);

    const replaced = await deployment.deploy(declare({ ...props, description: 'new', tags: { team: 'b' } }));
    const [second = ''] = deployment.copies();
    expect(replaced).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Id: second } });
    expect(second).not.toBe(first);
    expect(deployment.copies()).toEqual([second]);
    // New copy first: that keeps incremental copies incremental.
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

  test('a copy of a copy, a source of another custom resource, and two Regions in one stack come and go', async () => {
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

  test('the answer is far below 4096 bytes, the log has a line for each decision and never the ResponseURL', async () => {
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

describe('one copy per request, whatever is retried', () => {
  test('the answer of CopySnapshot is lost while reads are stale', async () => {
    const staleness = { ids: 100_000, tags: 100_000, deletions: 0, writes: 0 };
    const deployment = await start({ faults: firstOf('CopySnapshot', 'lost-response'), ec2: { staleness } });
    expect((await deployment.deploy(declare({ sourceSnapshotId: deployment.source() }))).status).toBe(
      'CREATE_COMPLETE',
    );
    expect(deployment.started()).toBe(1);
  });

  test('onEvent runs twice, since the framework did not get its first answer', async () => {
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

  test.each([false, true])('the event is delivered twice (with a RequestId of its own: %s)', async (newRequestId) => {
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

describe('what the framework loses is not lost', () => {
  test('its waiter does not start on create: nothing was begun', async () => {
    const deployment = await start();
    deployment.aws.stepFunctions.failNextStart();
    expect((await deployment.deploy(declare({ sourceSnapshotId: deployment.source() }))).status).toBe(
      'ROLLBACK_COMPLETE',
    );
    expect(deployment.started()).toBe(0);
  });

  test('its waiter does not start on update: the old copy stays', async () => {
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

  test('the handler is killed while it polls: the roll-back finds the copy by its handle', async () => {
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

describe('a cancelled operation', () => {
  const withFailingSibling =
    (props: SnapshotCopyProps, revision = '1') =>
    (stack: Stack) => {
      copyInto(stack, props);
      new CfnResource(stack, 'Sibling', { type: 'AWS::SNS::Topic', properties: { DisplayName: revision } });
    };

  test.each([RemovalPolicy.DESTROY, RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE])(
    'create: CloudFormation deletes by an invented id, and nothing is left (%s)',
    async (removalPolicy) => {
      const deployment = await start();
      deployment.aws.cloudFormation.failNext('Sibling', 'Create', { afterSeconds: 240 });
      const result = await deployment.deploy(
        withFailingSibling({ sourceSnapshotId: deployment.source(), removalPolicy }),
      );
      expect(result.status).toBe('ROLLBACK_COMPLETE');
      expect(deployment.started()).toBe(1);
      await deployment.aws.clock.settle();
      expect(deployment.copies()).toEqual([]);
    },
  );

  test('create, before the copy was started: it is not started any more', async () => {
    const deployment = await start({
      faults: ({ action, time }) =>
        action === 'DescribeSnapshots' && time < begun + 5 * MINUTE ? 'throttled' : undefined,
    });
    const begun = deployment.aws.clock.now();
    deployment.aws.cloudFormation.failNext('Sibling', 'Create', { afterSeconds: 100 });
    await deployment.deploy(withFailingSibling({ sourceSnapshotId: deployment.source() }));
    await deployment.aws.clock.settle();
    expect(deployment.started()).toBe(0);
  });

  test('create in an update, whose functions stay: a copy that found no room is not started any more', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source() };
    await deployment.deploy(withFailingSibling(props));
    const before = deployment.copies();
    const begun = deployment.aws.clock.now();
    deployment.aws.services.faults = ({ action, time }) =>
      action === 'CopySnapshot' && time < begun + 2 * MINUTE ? 'throttled' : undefined;
    deployment.aws.cloudFormation.failNext('Sibling', 'Update', { afterSeconds: 100 });
    const result = await deployment.deploy((stack) => {
      withFailingSibling(props, '2')(stack);
      copyInto(stack, { ...props, description: 'added' }, 'Added');
    });
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    await deployment.aws.clock.settle();
    expect(deployment.aws.ec2.all().filter(({ source }) => source)).toHaveLength(1);
    expect(deployment.copies()).toEqual(before);
  });

  test('update: the old copy is kept, the new one is deleted', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source() };
    await deployment.deploy(withFailingSibling(props));
    const before = deployment.copies();
    deployment.aws.cloudFormation.failNext('Sibling', 'Update', { afterSeconds: 100 });
    const result = await deployment.deploy(withFailingSibling({ ...props, description: 'new' }, '2'));
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    await deployment.aws.clock.settle();
    expect(deployment.started()).toBe(2);
    expect(deployment.copies()).toEqual(before);
  });
});

describe('a rollback goes back', () => {
  test.each([
    ['new', true],
    ['old', true],
  ] as const)('to the old copy, when the Update carries the %s id', async (rollbackPhysicalId, rollbackCleansUp) => {
    const deployment = await start({ rollbackPhysicalId, rollbackCleansUp });
    const props = { sourceSnapshotId: deployment.source() };
    await deployment.deploy(declareWithSibling(props, '1'));
    const before = deployment.copies();
    deployment.aws.cloudFormation.failNext('Sibling', 'Update');
    const result = await deployment.deploy(
      declareWithSibling({ ...props, destinationRegion: 'eu-west-1', tags: { a: 'b' } }, '2'),
    );
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(deployment.started()).toBe(2);
    expect(deployment.copies()).toEqual(before);
    await deployment.destroy();
    expect(deployment.copies()).toEqual([]);
  });

  test('of tags in place', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source() };
    await deployment.deploy(declareWithSibling({ ...props, tags: { a: '1' } }, '1'));
    const [id = ''] = deployment.copies();
    deployment.aws.cloudFormation.failNext('Sibling', 'Update');
    await deployment.deploy(declareWithSibling({ ...props, tags: { b: '2' } }, '2'));
    expect(deployment.aws.ec2.tagsOf(id)).toMatchObject({ a: '1' });
    expect(deployment.aws.ec2.tagsOf(id)).not.toHaveProperty('b');
  });

  test('of a create leaves nothing under RETAIN_ON_UPDATE_OR_DELETE, and what RETAIN says under RETAIN', async () => {
    for (const [removalPolicy, left] of [
      [RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, 0],
      [RemovalPolicy.RETAIN, 1],
    ] as const) {
      const deployment = await start();
      deployment.aws.cloudFormation.failNext('Sibling', 'Create');
      await deployment.deploy(declareWithSibling({ sourceSnapshotId: deployment.source(), removalPolicy }, '1'));
      expect(deployment.copies()).toHaveLength(left);
    }
  });
});

describe('a failure', () => {
  test('is one line, which names the log group of the handler', async () => {
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
    // What follows is the framework's: the name of its function, no stack trace.
    expect(rest.join('\n')).not.toMatch(/^\s+at /m);
    expect(deployment.started()).toBe(0);
  });

  test('of a disabled key comes before anything is copied', async () => {
    const deployment = await start();
    const key = deployment.aws.kms.addKey({ region: 'us-east-1', state: 'Disabled' });
    const result = await deployment.deploy(declare({ sourceSnapshotId: deployment.source(), kmsKeyId: key.arn }));
    expect(reasonOf(result)).toContain(`KMS key ${key.arn} is in state Disabled in us-east-1`);
    expect(deployment.started()).toBe(0);
  });

  test('of an encrypted source under an undeclared customer key says how to declare it', async () => {
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

  test('of the copy itself has EC2’s words and a hint, and leaves nothing', async () => {
    const course = () => ({ duration: 5 * MINUTE, outcome: 'error', message: 'Given key ID is not accessible' });
    const deployment = await start({ ec2: { course } });
    const result = await deployment.deploy(declare({ sourceSnapshotId: deployment.source() }));
    expect(reasonOf(result)).toMatch(/EC2 says of snap-\w+ "Given key ID is not accessible"; check of each key/);
    await deployment.aws.clock.settle();
    expect(deployment.copies()).toEqual([]);
  });

  test('for time comes from the handler, before the framework and CloudFormation give up', async () => {
    const deployment = await start({ ec2: { copyDuration: 115 * MINUTE } });
    const props = { sourceSnapshotId: deployment.source(), destinationRegion: 'eu-west-1' };
    const result = await deployment.deploy(declare(props));
    expect(reasonOf(result)).toContain(
      `copy of ${props.sourceSnapshotId} from us-east-1 to eu-west-1 was 43 % done after 50 minutes; `,
    );
    expect(result.status).toBe('ROLLBACK_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });

  test('of a dead handler is noticed ten minutes after the copy’s own time', async () => {
    const deployment = await start();
    deployment.aws.lambda.interceptor = ({ handler }, invoke) =>
      handler === 'index.isComplete' ? Promise.resolve({ payload: '{"IsComplete":false}' }) : invoke();
    const props = { sourceSnapshotId: deployment.source(), timeout: Duration.minutes(5) };
    const result = await deployment.deploy(declare(props), { disableRollback: true });
    expect(reasonOf(result)).toContain('did not receive a response from your Custom Resource');
    expect(deployment.minutes(result)).toBeLessThan(17);
  });
});

describe('a copy that takes longer than CloudFormation’s hour', () => {
  test('is waited for through its stages; what depends on it waits for the end', async () => {
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

  test('that does not end in time is deleted, and so is one whose update fails in a later stage', async () => {
    const deployment = await start({ ec2: { copyDuration: 60 * MINUTE } });
    const props = { sourceSnapshotId: deployment.source(), timeout: Duration.minutes(90) };
    expect((await deployment.deploy(declare(props))).status).toBe('CREATE_COMPLETE');
    const before = deployment.copies();
    deployment.aws.ec2.settings.copyDuration = 200 * MINUTE;
    const result = await deployment.deploy(declare({ ...props, description: 'new' }));
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(reasonOf(result)).toContain('was 45 % done after 90 minutes; raise "timeout" (now 90 minutes)');
    await deployment.aws.clock.settle();
    expect(deployment.copies()).toEqual(before);
    await deployment.destroy();
    expect(deployment.copies()).toEqual([]);
  });
});

describe('a transient error is never the end', () => {
  test.each([
    ['throttled', 'throttled'],
    ['unavailable', 'unavailable'],
    ['cut off', 'refused-connection'],
    ['denied, as policies arrive', 'denied'],
  ] as const)('four minutes in which each call is %s delay create, replacement and destruction', async (_, fault) => {
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

  test('a full queue is waited out', async () => {
    const deployment = await start();
    const { aws } = deployment;
    aws.ec2.settings.maxConcurrentCopies = 1;
    aws.ec2.copySnapshot('us-east-1', { SourceRegion: 'us-east-1', SourceSnapshotId: deployment.source() });
    const result = await deployment.deploy(declare({ sourceSnapshotId: deployment.source() }));
    expect(result.status).toBe('CREATE_COMPLETE');
    expect(deployment.started()).toBeGreaterThan(1);
  });

  test('a definite refusal is told at once', async () => {
    const refusal = new AwsError('TagPolicyViolation', 'The tag policy does not allow the specified value.');
    const deployment = await start({ faults: ({ action }) => (action === 'CopySnapshot' ? refusal : undefined) });
    const result = await deployment.deploy(declare({ sourceSnapshotId: deployment.source() }));
    expect(reasonOf(result)).toContain('TagPolicyViolation: The tag policy does not allow the specified value.');
    expect(deployment.minutes(result)).toBeLessThan(5);
  });
});

describe('a dry run', () => {
  const declareDryRun = (props: SnapshotCopyDryRunProps) => (stack: Stack) => {
    new SnapshotCopyDryRun(stack, 'DryRun', props);
  };

  test('copies nothing, at create, update and delete', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source() };
    expect((await deployment.deploy(declareDryRun(props))).status).toBe('CREATE_COMPLETE');
    expect((await deployment.deploy(declareDryRun({ ...props, description: 'new' }))).status).toBe('UPDATE_COMPLETE');
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.aws.ec2.all().filter(({ source }) => source)).toEqual([]);
  });

  test('beside a copy leaves the copy alone', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source() };
    await deployment.deploy(declare(props));
    const before = deployment.copies();
    await deployment.deploy((stack) => {
      declare(props)(stack);
      declareDryRun({ ...props, destinationRegion: 'eu-west-1' })(stack);
    });
    await deployment.deploy(declare(props));
    expect(deployment.copies()).toEqual(before);
  });

  test('fails with the reason that the copy would have', async () => {
    const deployment = await start();
    const key = deployment.aws.kms.addKey({ region: 'us-east-1', state: 'Disabled' });
    const props = { sourceSnapshotId: deployment.source(), kmsKeyId: key.arn };
    const result = await deployment.deploy(declareDryRun(props));
    expect(result.status).toBe('ROLLBACK_COMPLETE');
    expect(reasonOf(result)).toContain(`KMS key ${key.arn} is in state Disabled in us-east-1`);
  });
});

describe('a retained copy', () => {
  test('stays when it is replaced and when the stack goes, and its mark follows the policy', async () => {
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

  test('tags of an ancestor reach the copy', async () => {
    const deployment = await start();
    const sourceSnapshotId = deployment.source();
    await deployment.deploy((stack) => {
      copyInto(stack, { sourceSnapshotId, tags: { own: '1' } });
      Tags.of(stack).add('cost-centre', '42');
    });
    expect(deployment.aws.ec2.tagsOf(deployment.copies()[0] ?? '')).toMatchObject({ own: '1', 'cost-centre': '42' });
  });
});

describe('an upgrade of the library', () => {
  test('replaces no copy: the properties of the first release are still the same inputs', async () => {
    const deployment = await start();
    const props: SnapshotCopyProps = { sourceSnapshotId: deployment.source(), destinationRegion: 'eu-west-1' };
    // As the first release wrote it: explicit defaults, another order.
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

/** A custom resource of somebody else, which hands out a snapshot id as an attribute. */
function madeIn(stack: Stack, snapshotId: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'maker-'));
  writeFileSync(
    join(directory, 'index.js'),
    'exports.onEvent = async ({ ResourceProperties: { Id } }) => ({ PhysicalResourceId: Id, Data: { Id } });',
  );
  const onEventHandler = new lambda.Function(stack, 'Maker', {
    code: lambda.Code.fromAsset(directory),
    handler: 'index.onEvent',
    runtime: lambda.Runtime.NODEJS_22_X,
  });
  const { serviceToken } = new cr.Provider(stack, 'MakerProvider', { onEventHandler });
  return new CustomResource(stack, 'Made', { serviceToken, properties: { Id: snapshotId } }).getAttString('Id');
}

function logicalIdOfCopy(): string {
  const stack = new Stack(new App(), 'Test', { env: ENV });
  const copy = copyInto(stack, { sourceSnapshotId: 'snap-0123456789abcdef0' });
  return stack.getLogicalId(copy.node.defaultChild as CfnResource);
}
