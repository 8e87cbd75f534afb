// Accounts with a very large number of snapshots, and full queues.
import { Duration } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { AwsError } from '../../local-aws/faults';
import { declare } from './declarations';
import { copyInto, lineOf, MINUTE, minutesUntil, type Deployment } from './deployment';
import { start } from './start';

const SECOND = 1_000;
const REGION = 'eu-west-1';
/** The number of calls that a search of 20,000 snapshots takes: EC2 paginates before it filters. */
const PAGES = 20;

const propsOf = (deployment: Deployment) => ({ sourceSnapshotId: deployment.source(), destinationRegion: REGION });

/** Every search takes this many seconds. */
async function startSlow(seconds: number): Promise<Deployment> {
  const deployment = await start({ ec2: { crowd: PAGES * 1_000, copyDuration: 20 * MINUTE } });
  deployment.aws.services.delays = ({ input }) => ('Filters' in (input as object) ? (seconds * SECOND) / PAGES : 0);
  return deployment;
}

describe.each([31, 100, 235])('if a search takes %d s', (seconds) => {
  test('the first poll starts the copy once, and it is reported, replaced, and deleted', async () => {
    const deployment = await startSlow(seconds);
    const begun = deployment.aws.clock.now();
    const props = propsOf(deployment);
    const created = await deployment.deploy(declare(props));
    const [id = ''] = deployment.copies();
    expect(created).toMatchObject({ status: 'CREATE_COMPLETE', outputs: { Id: id } });
    expect(deployment.copies()).toEqual([id]);
    expect(deployment.started()).toBe(1);
    expect((deployment.starts()[0]?.time ?? NaN) - begun).toBeLessThan((seconds + 60) * SECOND);
    // The copy’s end is followed by the rest of an interval and one search.
    expect(minutesUntil(/^CREATE_COMPLETE$/, created)).toBeLessThan(20 + (2 * seconds + 60) / 60);

    const replaced = await deployment.deploy(declare({ ...props, description: 'new' }));
    expect(replaced).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Id: deployment.copies()[0] } });
    expect(deployment.copies()).toHaveLength(1);
    expect(deployment.started()).toBe(2);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });
});

describe('if a search takes longer than a poll may read', () => {
  async function created(seconds: number) {
    const deployment = await startSlow(seconds);
    return { deployment, result: await deployment.deploy(declare(propsOf(deployment))) };
  }

  test('the create fails within CloudFormation’s hour, names the slow search, and can be deleted', async () => {
    const { deployment, result } = await created(300);
    expect(result.status).toBe('ROLLBACK_COMPLETE');
    expect(lineOf(result)).toContain(`EC2 takes too long to list the snapshots in ${REGION}`);
    expect(minutesUntil(/^CREATE_FAILED$/, result)).toBeLessThan(60);
    expect(deployment.started()).toBe(0);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
  });

  test('the reason says so once, and says what to do', async () => {
    const { result } = await created(300);
    expect(lineOf(result)).toContain(
      `to ${REGION}: EC2 takes too long to list the snapshots in ${REGION}; delete those that nobody needs, or deploy again when the Region is less busy (log group `,
    );
  });
});

describe('a queue that stays full', () => {
  test('forever fails the create with EC2’s last error', async () => {
    const deployment = await start({ ec2: { maxConcurrentCopies: 0 } });
    const props = propsOf(deployment);
    const created = await deployment.deploy(declare(props));
    expect(created.status).toBe('ROLLBACK_COMPLETE');
    expect(lineOf(created)).toContain(
      `copy of ${props.sourceSnapshotId} from us-east-1 to ${REGION} could not be started within 50 minutes: ResourceLimitExceeded: Too many snapshot copies in progress. The limit is 0 for this destination region.; raise "timeout" (now 50 minutes)`,
    );
    expect(deployment.copies()).toEqual([]);
  });

  test.each([
    ['a quota with an unknown name', 'FooLimitExceeded'],
    ['the throughput of time-based copies', 'CopyThroughputQuotaExceeded'],
    ['a rate', 'SnapshotCopyRateExceeded'],
  ])('for ten minutes only delays the create: %s', async (_, code) => {
    const deployment = await start();
    const begun = deployment.aws.clock.now();
    const full = new AwsError(code, 'You have reached the limit.');
    deployment.aws.services.faults = ({ action, time }) =>
      action === 'CopySnapshot' && time < begun + 10 * MINUTE ? full : undefined;
    const created = await deployment.deploy(declare(propsOf(deployment)));
    expect(created).toMatchObject({ status: 'CREATE_COMPLETE', outputs: { Id: deployment.copies()[0] } });
    expect(deployment.copies()).toHaveLength(1);
    expect(deployment.started()).toBeGreaterThan(1);
  });
});

test('the handler waits while somebody else changes the tags', async () => {
  const deployment = await start();
  const busy = new AwsError('ConcurrentTagAccess', 'Concurrent tag access is not supported.');
  const makeBusy = (): void => {
    const until = deployment.aws.clock.now() + 2 * MINUTE;
    deployment.aws.services.faults = ({ action, time }) =>
      ['CreateTags', 'DeleteTags', 'CopySnapshot'].includes(action) && time < until ? busy : undefined;
  };
  const props = propsOf(deployment);
  makeBusy();
  expect((await deployment.deploy(declare({ ...props, tags: { old: '1' } }))).status).toBe('CREATE_COMPLETE');
  const [id = ''] = deployment.copies();
  makeBusy();
  const tagged = await deployment.deploy(declare({ ...props, tags: { team: 'b' } }));
  expect(tagged).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Id: id } });
  expect(deployment.aws.ec2.tagsOf(id)).toMatchObject({ team: 'b' });
  expect(deployment.aws.ec2.tagsOf(id)).not.toHaveProperty('old');
  expect(deployment.copies()).toEqual([id]);
});

describe('a copy that fails while its key policy propagates succeeds on a retry if EC2 reports the failure', () => {
  async function expectSecondStart(seconds: number): Promise<void> {
    const deployment = await start({ ec2: { lateErrorDelay: seconds * SECOND } });
    const { clock, ec2 } = deployment.aws;
    const key = ec2.kms.addKey({ region: REGION, access: 'describe' });
    clock.at(clock.now() + 2 * MINUTE, () => {
      key.access = 'full';
    });
    const created = await deployment.deploy((stack) => {
      copyInto(stack, { ...propsOf(deployment), kmsKey: kms.Key.fromKeyArn(stack, 'Key', key.arn) });
    });
    expect(created.status).toBe('CREATE_COMPLETE');
    expect(deployment.started()).toBe(2);
    const [id = ''] = deployment.copies();
    expect(deployment.copies()).toEqual([id]);
    expect(ec2.snapshot(id)).toMatchObject({ kmsKeyId: key.arn });
    expect(ec2.stateOf(id)).toBe('completed');
  }

  test('2 min 40 s after the start', () => expectSecondStart(160));

  // When the next start window opens, 6 minutes after the start, the failure counts as late.
  test.each([
    ['4 minutes', 240],
    ['5 minutes', 300],
  ])('%s after the start', (_, seconds) => expectSecondStart(seconds));
});

test('the advice for a late copy does not suggest a completion duration that is already set', async () => {
  const deployment = await start({ ec2: { course: () => ({ duration: 115 * MINUTE }) } });
  const props = propsOf(deployment);
  const created = await deployment.deploy(declare({ ...props, completionDuration: Duration.minutes(15) }));
  expect(created.status).toBe('ROLLBACK_COMPLETE');
  expect(lineOf(created)).toMatch(/ was 43% done after 50 minutes; raise "timeout" \(now 50 minutes\) \(log group /);
  expect(lineOf(created)).not.toContain('completionDuration');
  expect(deployment.copies()).toEqual([]);
});
