import type { SnapshotCopyProps } from '../../lib';
import { AwsError } from '../../local-aws/faults';
import { declare, declareDryRun } from './declarations';
import { copyInto, lineOf, minutesUntil, type Deployment } from './deployment';
import { start } from './start';

/** A Region is closed to the account, or cannot be reached. */
interface Closure {
  readonly name: string;
  readonly close: (deployment: Deployment) => void;
  /** Minutes until a request that needs the Region fails. */
  readonly within: number;
  readonly advice: string;
}

const REGION = 'ap-east-1';
const CLOSED = `; check that the account has enabled ${REGION}, and that no service control policy denies it to the handler’s role (log group `;
const UNREACHABLE = `; check that ${REGION} is spelled right, and that the functions can reach it from their VPC, if they are in one (log group `;

function withAnswer(code: string, message: string, status: number): Closure {
  const error = new AwsError(code, message, status);
  return {
    name: code === 'UnauthorizedOperation' ? 'an explicit deny' : code,
    close: (deployment) => {
      deployment.close(REGION, error);
    },
    within: 2,
    advice: CLOSED,
  };
}

const CLOSURES: readonly Closure[] = [
  withAnswer('AuthFailure', 'AWS was not able to validate the provided access credentials', 401),
  withAnswer('OptInRequired', 'You are not subscribed to this service.', 401),
  withAnswer(
    'UnauthorizedOperation',
    'You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/handler/handler is not authorized to perform: ec2:DescribeSnapshots with an explicit deny in a service control policy',
    403,
  ),
  {
    name: 'no address for its endpoint',
    close: ({ aws }) => void aws.unknownRegions.push(REGION),
    within: 6,
    advice: UNREACHABLE,
  },
  {
    name: 'refused connections',
    close: (deployment) => {
      deployment.close(REGION, 'refused-connection');
    },
    within: 6,
    advice: UNREACHABLE,
  },
];

describe.each(CLOSURES)('a Region with $name', ({ advice, close, within }) => {
  test('quickly fails a create, which rolls back, and the stack can be deleted', async () => {
    const deployment = await start();
    close(deployment);
    const created = await deployment.deploy(
      declare({ sourceSnapshotId: deployment.source(), destinationRegion: REGION }),
    );
    expect(created.status).toBe('ROLLBACK_COMPLETE');
    expect(lineOf(created)).toContain(advice);
    expect(minutesUntil(/^CREATE_FAILED$/, created)).toBeLessThan(within);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.started()).toBe(0);
  });

  test('fails an update of a healthy copy, which rolls back and leaves the copy unchanged', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source(), tags: { team: 'a' } };
    const { outputs } = await deployment.deploy(declare(props));
    const [id = ''] = deployment.copies();
    const tags = deployment.aws.ec2.tagsOf(id);
    close(deployment);
    const updated = await deployment.deploy(declare({ ...props, destinationRegion: REGION, tags: { team: 'b' } }));
    expect(updated).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE', outputs });
    expect(lineOf(updated)).toContain(advice);
    expect(minutesUntil(/^UPDATE_FAILED$/, updated)).toBeLessThan(within);
    expect(deployment.copies()).toEqual([id]);
    expect(deployment.aws.ec2.tagsOf(id)).toEqual(tags);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });

  test('does not prevent moving the copy out: the old one stays, and an event says so', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source() };
    await deployment.deploy(declare({ ...props, destinationRegion: REGION }));
    const [old = ''] = deployment.copies();
    close(deployment);
    const moved = await deployment.deploy(declare({ ...props, destinationRegion: 'eu-west-1' }));
    const [, id = ''] = deployment.copies();
    expect(moved).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Id: id } });
    expect(deployment.aws.ec2.snapshot(id).region).toBe('eu-west-1');
    expect(deployment.copies()).toEqual([old, id]);
    expect(lineOf(moved, /^DELETE_FAILED$/)).toMatch(new RegExp(`^deletion of ${old}: .* in ${REGION}`));
    expect(lineOf(moved, /^DELETE_FAILED$/)).toContain(advice);
  });

  test('is named if it is the source’s Region', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source({ region: REGION }), sourceRegion: REGION };
    close(deployment);
    const created = await deployment.deploy(declare(props));
    expect(created.status).toBe('ROLLBACK_COMPLETE');
    expect(lineOf(created)).toContain(` in ${REGION}${advice}`);
    expect(minutesUntil(/^CREATE_FAILED$/, created)).toBeLessThan(within);
    expect(deployment.started()).toBe(0);
  });

  test('fails the deletion of a stack with a finished copy until the Region opens', async () => {
    const deployment = await start();
    await deployment.deploy(declare({ sourceSnapshotId: deployment.source(), destinationRegion: REGION }));
    const before = deployment.copies();
    close(deployment);
    const refused = await deployment.destroy();
    expect(refused.status).toBe('DELETE_FAILED');
    expect(lineOf(refused)).toMatch(new RegExp(`^deletion of ${before[0] ?? ''}: .* in ${REGION}`));
    expect(lineOf(refused)).toContain(advice);
    expect(deployment.copies()).toEqual(before);
    deployment.open();
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });

  test('quickly fails a dry run, but not its rollback or deletion', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source() };
    expect((await deployment.deploy(declareDryRun(props))).status).toBe('CREATE_COMPLETE');
    close(deployment);
    const updated = await deployment.deploy(declareDryRun({ ...props, destinationRegion: REGION }));
    expect(updated.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(lineOf(updated)).toContain(advice);
    expect(minutesUntil(/^UPDATE_FAILED$/, updated)).toBeLessThan(within);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    const created = await deployment.deploy(declareDryRun({ ...props, destinationRegion: REGION }));
    expect(created.status).toBe('ROLLBACK_COMPLETE');
    expect(minutesUntil(/^CREATE_FAILED$/, created)).toBeLessThan(within);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
  });
});

test('a plain denial may be a propagating policy: it fails a create after five minutes', async () => {
  const deployment = await start();
  deployment.close(REGION, 'denied');
  const props = { sourceSnapshotId: deployment.source(), destinationRegion: REGION };
  const created = await deployment.deploy(declare(props));
  expect(created.status).toBe('ROLLBACK_COMPLETE');
  expect(lineOf(created)).toContain(`in ${REGION}; check the policies, boundaries and key policies`);
  expect(minutesUntil(/^CREATE_FAILED$/, created)).toBeGreaterThan(5);
  expect(minutesUntil(/^CREATE_FAILED$/, created)).toBeLessThan(6);
  expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
});

describe('a literal Region', () => {
  const messagesOf = (props: Partial<SnapshotCopyProps>) => {
    const messages: unknown[] = [];
    const declareCopy = (stack: Parameters<typeof copyInto>[0]) => {
      const { node } = copyInto(stack, { sourceSnapshotId: 'snap-0123456789abcdef0', ...props });
      messages.push(...node.metadata.map(({ data }) => data as unknown));
    };
    return { declareCopy, messages };
  };

  test('that the CDK does not know causes a warning, since it may be new', async () => {
    const deployment = await start();
    deployment.aws.unknownRegions.push('eu-west-9');
    const { declareCopy, messages } = messagesOf({ destinationRegion: 'eu-west-9' });
    expect((await deployment.deploy(declareCopy)).status).toBe('ROLLBACK_COMPLETE');
    expect(messages.join()).toContain('The CDK does not know destinationRegion "eu-west-9": check its spelling');
  });

  test('that is in another partition is refused', async () => {
    const deployment = await start();
    const { declareCopy } = messagesOf({ destinationRegion: 'cn-north-1' });
    expect(() => deployment.deploy(declareCopy)).toThrow(/"cn-north-1" is in the partition "aws-cn"/);
  });
});
