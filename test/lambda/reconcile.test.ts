// What holds for every step: which errors the handler waits out, for how long, and what the user reads in the end.
import { AwsError, type Fault } from '../../local-aws/faults';
import { MINUTE, World } from './in-process';

describe('a Create', () => {
  test.each<[string, Fault]>([
    ['throttled', 'throttled'],
    ['unavailable', 'unavailable'],
    ['cut off', 'refused-connection'],
    ['denied, because policies take time to take effect', 'denied'],
    ['over quota', new AwsError('ResourceLimitExceeded', 'Too many snapshot copies in progress.')],
  ])('survives four minutes in which every call is %s', async (_, fault) => {
    const world = new World();
    const begun = world.time;
    world.services.faults = ({ time }) => (time - begun < 4 * MINUTE ? fault : undefined);
    const { answer } = await world.runCreate();
    expect(answer?.IsComplete).toBe(true);
    expect(world.copies()).toHaveLength(1);
  });

  test('fails after five minutes of denied calls, in one line with the action, role, and log group', async () => {
    const world = new World();
    world.services.faults = ({ action }) => (action === 'CopySnapshot' ? 'denied' : undefined);
    const { failure, after } = await world.runCreate();
    expect(after).toBe(360);
    expect(failure?.message).toContain('UnauthorizedOperation: You are not authorized to perform this operation.');
    expect(failure?.message).toContain('ec2:CopySnapshot');
    expect(failure?.message).toContain('handler’s role');
    expect(failure?.message).toContain('(log group handler-logs)');
    expect(failure?.message).not.toContain('Encoded');
    expect(failure?.stack).toBe(failure?.message);
  });

  test('fails at once if EC2 refuses the copy', async () => {
    const world = new World();
    const refusal = new AwsError('SnapshotLimitExceeded', 'You have reached the limit of snapshots.');
    world.services.faults = ({ action }) => (action === 'CopySnapshot' ? refusal : undefined);
    const { failure, after } = await world.runCreate();
    expect(after).toBe(0);
    expect(failure?.message).toMatch(
      /^copy of snap-\w+ from us-east-1 to eu-west-1: SnapshotLimitExceeded: You have reached the limit of snapshots. in eu-west-1/,
    );
  });
});

describe('a Delete', () => {
  test.each<Fault>(['throttled', 'unavailable', 'lost-response', 'denied'])(
    'survives two minutes in which every call is %s',
    async (fault) => {
      const world = new World();
      await world.create();
      const begun = world.time;
      world.services.faults = ({ time }) => (time - begun < 2 * MINUTE ? fault : undefined);
      expect((await world.run(world.event('Delete'))).answer).toEqual({ IsComplete: true });
      expect(world.copies()).toEqual([]);
    },
  );

  test('fails after five minutes of denied calls, and says where to look', async () => {
    const world = new World();
    await world.create();
    world.services.faults = ({ action }) => (action === 'DeleteSnapshot' ? 'denied' : undefined);
    const { failure, after } = await world.run(world.event('Delete'));
    expect(after).toBe(300);
    expect(failure?.message).toMatch(
      /; check the policies, boundaries and key policies that apply to the handler’s role, then delete again \(log group handler-logs\)$/,
    );
  });

  test('fails with the last error when its overtime is over, before CloudFormation gives up', async () => {
    const world = new World();
    await world.create();
    world.services.faults = ({ service }) => (service === 'ec2' ? 'throttled' : undefined);
    const ResourceProperties = world.declare({ TimeoutSeconds: '60' });
    const { failure, after } = await world.run(world.event('Delete', { ResourceProperties }));
    expect(after).toBe(360);
    expect(failure?.message).toBe(
      `deletion of ${world.physicalId ?? ''}: RequestLimitExceeded: Request limit exceeded. in eu-west-1 (log group handler-logs)`,
    );
  });
});
