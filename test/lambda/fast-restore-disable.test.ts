// Disabling fast restore: whatever EC2 answers, a Delete that succeeds leaves nothing behind that costs money.
import { AwsError, type Call, type Fault } from '../../local-aws/faults';
import { FastWorld, ids, names, REGION } from './fast-world';
import { MINUTE, SECOND } from './in-process';

const LATE = 119 * SECOND;
const REFUSED = new AwsError('InvalidRequest', 'No.');
const NOT_FOUND = new AwsError('InvalidSnapshot.NotFound', 'No.');
const DENIED_EXPLICITLY = new AwsError('UnauthorizedOperation', 'with an explicit deny in a policy', 403);

/** For this long, DisableFastSnapshotRestores gets this fault. */
function failDisable(world: FastWorld, fault: Fault, ms = Infinity): void {
  const until = world.time + ms;
  world.services.faults = ({ action, time }) =>
    action === 'DisableFastSnapshotRestores' && time < until ? fault : undefined;
}

/** EC2 refuses each disable call that names more than one zone. */
const refuseWholeCalls = ({ action, input }: Call): Fault | undefined =>
  action === 'DisableFastSnapshotRestores' && (input as { AvailabilityZones: string[] }).AvailabilityZones.length > 1
    ? new AwsError('InvalidRequest', 'One of the zones is not enabled.')
    : undefined;

/** The faults of disable calls, each until a time, by the last letters of the zones in the call. */
function failDisableOf(world: FastWorld, faults: Readonly<Record<string, readonly [Fault, until: number]>>): void {
  world.services.faults = ({ action, input, time }) => {
    if (action !== 'DisableFastSnapshotRestores') return undefined;
    const { AvailabilityZones: zones } = input as { AvailabilityZones: string[] };
    const [fault, until] = faults[zones.map((zone) => zone.slice(-1)).join('')] ?? [undefined, 0];
    return time < until ? fault : undefined;
  };
}

describe('a Delete', () => {
  test.each([0, LATE])(
    'disables zones one by one if EC2 refuses the whole call, with reads %d ms late',
    async (staleness) => {
      const world = new FastWorld(staleness, refuseWholeCalls);
      const { failure } = await world.make({ AvailabilityZones: [`${REGION}a`, 'us-east-1a'] });
      expect([failure?.message, world.zones()]).toEqual([expect.stringContaining('InvalidAvailabilityZone'), 'a']);
      expect((await world.end('ROLLBACK_IN_PROGRESS')).failure).toBeUndefined();
      expect(world.zones()).toBe('');
    },
  );

  test.each<[string, Fault]>([
    ['throttled until the timeout', 'throttled'],
    ['denied', 'denied'],
    ['denied explicitly, while a late read does not show the zone', DENIED_EXPLICITLY],
  ])('in a rollback fails if it is %s, and says what costs money', async (_, fault) => {
    const world = new FastWorld();
    await world.make({ ...names('a'), TimeoutSeconds: '60' });
    world.ec2.handover.settings.staleness = fault === DENIED_EXPLICITLY ? LATE : 0;
    failDisable(world, fault);
    const { failure } = await world.end('ROLLBACK_IN_PROGRESS');
    expect(failure?.message).toContain(
      `fast restore of ${world.snapshot} in ${REGION} is enabled in eu-west-1a, costs money, and could not be disabled`,
    );
  });

  test('disables what it can, and names the zone that it cannot', async () => {
    const world = new FastWorld();
    await world.make(names('ab'));
    failDisableOf(world, { ab: [REFUSED, Infinity], b: [REFUSED, Infinity] });
    const { failure } = await world.end('DELETE_IN_PROGRESS');
    expect(failure?.message).toContain('is enabled in eu-west-1b, costs money');
    expect(world.zones()).toBe('b');
  });

  test('does not trust "snapshot not found" in the first four minutes', async () => {
    const world = new FastWorld();
    await world.make(names('a'));
    failDisable(world, NOT_FOUND, 3 * MINUTE);
    expect((await world.end('DELETE_IN_PROGRESS')).failure).toBeUndefined();
    expect(world.zones()).toBe('');
  });

  test('applies a refusal of one zone to that zone only', async () => {
    const world = new FastWorld(LATE);
    await world.make(names('ab'));
    const { fastRestores } = world.ec2.handover;
    fastRestores.disable(REGION, { SourceSnapshotIds: [world.snapshot], AvailabilityZones: [`${REGION}a`] });
    const disable = fastRestores.disable.bind(fastRestores);
    const until = world.time + 3 * MINUTE;
    fastRestores.disable = (region, input) => {
      const zones = input.AvailabilityZones ?? [];
      const isBusy = world.time < until && zones.includes(`${REGION}b`);
      const Unsuccessful = [{ FastSnapshotRestoreStateErrors: [{ Error: { Code: 'InternalError', Message: 'No.' } }] }];
      return isBusy ? { Unsuccessful } : disable(region, input);
    };
    expect((await world.end('DELETE_IN_PROGRESS')).failure).toBeUndefined();
    expect(world.zones()).toBe('');
  });

  test('waits for a refused zone until EC2 shows whether it is enabled', async () => {
    const world = new FastWorld(LATE);
    await world.begin(await world.accepted('Create', names('ab')));
    const until = world.time + 170 * SECOND;
    failDisableOf(world, { ab: [REFUSED, Infinity], b: [REFUSED, until] });
    world.enter('DELETE_IN_PROGRESS');
    expect((await world.wait(await world.accepted('Delete', names('ab')))).failure).toBeUndefined();
    expect(world.zones()).toBe('');
  });

  test('does not trust "snapshot not found" if EC2 has disabled only one of two zones', async () => {
    const world = new FastWorld();
    await world.make(names('ab'));
    const begun = world.time;
    failDisableOf(world, { b: ['throttled', begun + 130 * SECOND] });
    const { faults } = world.services;
    world.services.faults = (call) => {
      const fault = faults?.(call);
      const isWhole = call.action === 'DisableFastSnapshotRestores' && JSON.stringify(call.input).includes('1a","');
      if (!isWhole || call.time >= begun + 170 * SECOND) return fault;
      return call.time < begun + 130 * SECOND ? REFUSED : NOT_FOUND;
    };
    expect((await world.end('DELETE_IN_PROGRESS')).failure).toBeUndefined();
    expect(world.zones()).toBe('');
  });

  test('disables the other zones before it fails because of one', async () => {
    const world = new FastWorld();
    await world.make(names('ab'));
    const until = world.time + 6 * MINUTE;
    failDisableOf(world, { ab: [REFUSED, Infinity], a: [REFUSED, Infinity], b: ['throttled', until] });
    const { failure } = await world.end('DELETE_IN_PROGRESS');
    expect(failure?.message).toContain('is enabled in eu-west-1a, costs money');
    expect(world.zones()).toBe('a');
  });

  test('fails if neither CloudFormation nor EC2 can be read', async () => {
    const world = new FastWorld();
    await world.make(names('a'));
    world.services.faults = ({ action, service }) =>
      service === 'cloudformation' || action.startsWith('Describe') ? 'denied' : undefined;
    expect((await world.end('DELETE_IN_PROGRESS')).failure?.message).toContain('AccessDenied');
    expect(world.zones()).toBe('a');
  });

  test('that cannot read CloudFormation ignores zones that are disabled or not its own', async () => {
    const world = new FastWorld();
    await world.make(names('a'));
    const { fastRestores } = world.ec2.handover;
    fastRestores.enable(REGION, { SourceSnapshotIds: [world.snapshot], AvailabilityZones: [`${REGION}c`] });
    fastRestores.disable(REGION, { SourceSnapshotIds: [world.snapshot], AvailabilityZones: [`${REGION}a`] });
    world.services.faults = ({ service }) => (service === 'cloudformation' ? 'denied' : undefined);
    expect((await world.end('DELETE_IN_PROGRESS')).failure).toBeUndefined();
    expect(world.zones()).toBe('c');
  });

  test('that cannot read CloudFormation succeeds if nothing is enabled, and fails otherwise', async () => {
    for (const isEnabled of [false, true]) {
      const world = new FastWorld();
      if (isEnabled) await world.make(names('a'));
      world.services.faults = ({ service }) => (service === 'cloudformation' ? 'denied' : undefined);
      if (!isEnabled) expect((await world.make(names('a'))).failure?.message).toContain('DescribeStacks');
      const { after, failure } = await world.end('ROLLBACK_IN_PROGRESS');
      expect(after).toBe(300);
      expect(failure?.message).toEqual(isEnabled ? expect.stringContaining('AccessDenied') : undefined);
      expect(world.zones()).toBe(isEnabled ? 'a' : '');
      const reason = expect.stringContaining('AccessDenied') as string;
      expect(world.logs.at(-1)).toEqual({ decision: isEnabled ? 'fast restore failed' : 'left', reason });
    }
  });

  test.each(['ROLLBACK_IN_PROGRESS', 'DELETE_IN_PROGRESS'])(
    'in %s disables only after the last call that an unfinished Create may make',
    async (status) => {
      const world = new FastWorld();
      await world.make(names('a'));
      const count = world.calls().length;
      expect((await world.end(status)).after).toBe(120);
      expect(
        world
          .calls()
          .slice(count)
          .filter((name) => name.startsWith('Disable')),
      ).toHaveLength(1);
      const reason = 'a call of an earlier request may still be in progress';
      expect(world.logs).toContainEqual({ decision: 'wait', reason });
    },
  );

  test('that cannot read CloudFormation waits until no late read can hide what is enabled', async () => {
    const world = new FastWorld(LATE);
    const explicit = new AwsError('AccessDenied', 'with an explicit deny in a policy', 403);
    await world.begin(await world.accepted('Create', names('a')));
    world.services.faults = ({ service }) => (service === 'cloudformation' ? explicit : undefined);
    world.time += SECOND;
    world.enter('ROLLBACK_IN_PROGRESS');
    const { after, failure } = await world.wait(await world.accepted('Delete', names('a')));
    expect([after, failure?.message]).toEqual([240, expect.stringContaining('AccessDenied')]);
  });
});

describe('a rollback', () => {
  test.each<[string, Fault]>([
    ['denied', 'denied'],
    ['denied explicitly', DENIED_EXPLICITLY],
  ])('enables the old zones, and leaves the new ones if disabling those is %s', async (_, fault) => {
    const world = new FastWorld();
    await world.make(names('a'));
    world.time += 10 * MINUTE;
    await world.change(names('c'));
    failDisable(world, fault);
    expect((await world.goBack()).failure).toBeUndefined();
    expect(world.zones()).toBe('ac');
    expect(world.left()[0]).toContain('is enabled in eu-west-1c, costs money, and could not be disabled');
  });

  test('enables the old zones, even with a short timeout', async () => {
    const world = new FastWorld();
    await world.make({ ...names('a'), TimeoutSeconds: '60' });
    await world.change(names('b'));
    expect(await world.goBack()).toMatchObject({ after: 150, answer: { IsComplete: true } });
    expect([world.zones(), world.left()]).toEqual(['a', []]);
  });

  test.each([
    ['still shown as enabled', LATE, 0, 3 * MINUTE],
    ['shown as disabling while another one is shown as disabled', 90 * SECOND, 2 * MINUTE, 260 * SECOND],
  ])(
    'waits while EC2 refuses to enable a zone that is being disabled and is %s',
    async (_, late, polledFor, refusedFor) => {
      const world = new FastWorld();
      await world.make(names('ab'));
      const zone = { SourceSnapshotIds: [world.snapshot], AvailabilityZones: [`${REGION}b`] };
      world.ec2.handover.fastRestores.disable(REGION, zone);
      world.time += 10 * MINUTE;
      world.ec2.handover.settings.staleness = late;
      const begun = world.time + 10 * MINUTE + 10 * SECOND;
      world.services.faults = ({ action, time }) =>
        action === 'EnableFastSnapshotRestores' && time > begun + polledFor && time < begun + refusedFor
          ? new AwsError('InvalidSnapshot.InvalidState', 'Disabling.')
          : undefined;
      expect((await world.changeAndCancel(names('c'), polledFor)).failure).toBeUndefined();
      expect([world.zones(), world.left()]).toEqual(['ab', []]);
    },
  );

  test.each([
    ['another Region’s zone', { AvailabilityZones: ['us-east-1a'] }],
    ['a missing snapshot', { SnapshotId: 'snap-0123456789abcdef0' }],
  ])('of an Update to %s enables the old zone, even with the shortest timeout', async (_, wrong) => {
    const world = new FastWorld();
    await world.make({ ...names('a'), TimeoutSeconds: '60' });
    world.time += 10 * MINUTE;
    expect((await world.change(wrong)).failure).toBeDefined();
    expect((await world.goBack()).failure).toBeUndefined();
    expect([world.zones(), world.left()]).toEqual(['a', []]);
  });

  test('leaves two zones that EC2 refuses to disable, and enables the old one soon', async () => {
    const world = new FastWorld();
    await world.make(names('a'));
    world.time += 10 * MINUTE;
    await world.change(names('bc'));
    failDisable(world, REFUSED);
    expect(await world.goBack()).toMatchObject({ answer: { IsComplete: true }, after: 390 });
    expect(world.zones()).toBe('abc');
    expect(world.left()[0]).toContain('costs money, and could not be disabled');
  });

  test('to a deleted snapshot succeeds, and logs that it is gone', async () => {
    const world = new FastWorld();
    await world.make(names('a'));
    await world.change({ SnapshotId: world.other });
    world.ec2.deleteSnapshot(REGION, { SnapshotId: world.snapshot });
    expect((await world.goBack()).failure).toBeUndefined();
    expect([world.zones(), world.zones(world.other)]).toEqual(['', '']);
    expect(world.left()).toEqual([expect.stringContaining(`snapshot ${world.snapshot} was not found`)]);
  });

  test('waits while EC2 refuses to enable a zone that it is still disabling', async () => {
    const world = new FastWorld();
    await world.make(names('a'));
    world.time += 10 * MINUTE;
    await world.change(names('b'));
    const until = world.time + 2.5 * MINUTE;
    world.services.faults = ({ action, time }) =>
      action === 'EnableFastSnapshotRestores' && time < until
        ? new AwsError('InvalidSnapshot.InvalidState', 'Disabling.')
        : undefined;
    world.ec2.handover.settings.staleness = LATE;
    expect((await world.goBack()).failure).toBeUndefined();
    expect([world.zones(), world.left()]).toEqual(['a', []]);
  });
});

test('a poll whose view of CloudFormation is too old changes nothing', async () => {
  const world = new FastWorld();
  const event = await world.accepted('Create', names('a'));
  world.services.delays = ({ action }) => (action === 'DescribeStackResource' ? 61 * SECOND : 0);
  expect(await world.poll(event)).toEqual({ IsComplete: false });
  const reason = 'this poll took too long to change anything safely';
  expect(world.logs.at(-1)).toEqual({ decision: 'wait', reason });
  expect(world.zones()).toBe('');
  world.services.delays = undefined;
  expect((await world.wait(event)).answer?.IsComplete).toBe(true);
});

test('an Update whose calls each take eight seconds succeeds', async () => {
  const world = new FastWorld();
  await world.make(names('a'));
  world.time += 10 * MINUTE;
  world.services.delays = () => 8 * SECOND;
  expect((await world.change(names('b'))).failure).toBeUndefined();
  expect(world.zones()).toBe('b');
});

test('the Delete of a later stage needs no answer from CloudFormation', async () => {
  const world = new FastWorld();
  world.enter('DELETE_IN_PROGRESS');
  const event = await world.accepted('Delete', { ...names('a'), TimeoutSeconds: '6000', Stage: '2' });
  world.services.faults = ({ service }) => (service === 'cloudformation' ? 'denied' : undefined);
  expect(await world.poll(event)).toEqual({ IsComplete: true });
});

test('a canceled Update fails, although the stack shows a rollback, and leaves nothing', async () => {
  const world = new FastWorld();
  await world.make(names('a'));
  world.time += 10 * MINUTE;
  world.enter('UPDATE_IN_PROGRESS');
  const event = await world.accepted('Update', names('b'), names('a'));
  world.time += 10 * SECOND;
  world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
  expect((await world.wait(event)).failure?.message).toContain('has ended, or already has its answer');
  expect([world.zones(), world.left()]).toEqual(['a', []]);
});

test('an Update trusts "snapshot not found" immediately if EC2 has already disabled its zones', async () => {
  const world = new FastWorld();
  await world.make(names('a'));
  world.time += 10 * MINUTE;
  world.ec2.handover.settings.staleness = LATE;
  const until = world.time + 130 * SECOND;
  world.services.faults = ({ action, time }) =>
    action === 'DisableFastSnapshotRestores' && time > until ? NOT_FOUND : undefined;
  expect((await world.change({ SnapshotId: world.other })).failure).toBeUndefined();
  expect([world.zones(), world.zones(world.other)]).toEqual(['', 'a']);
});

test.each(['DescribeStackResource', 'DescribeFastSnapshotRestores'])(
  'an Update whose poll takes too long in %s leaves the rest to a later poll',
  async (slow) => {
    const world = new FastWorld();
    await world.make(names('a'));
    world.time += 10 * MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    const event = await world.accepted('Update', names('b'), names('a'));
    world.time += 2 * MINUTE;
    world.services.delays = ({ action }) => (action === slow ? 61 * SECOND : 0);
    expect(await world.poll(event)).toEqual({ IsComplete: false });
    expect(world.zones()).toBe(slow === 'DescribeStackResource' ? 'a' : '');
    world.services.delays = undefined;
    expect((await world.wait(event)).failure).toBeUndefined();
    expect(world.zones()).toBe('b');
  },
);

describe('a switch from zone names to zone IDs', () => {
  const called = (world: FastWorld, since: number): string[] =>
    world
      .calls()
      .slice(since)
      .filter((name) => name.startsWith('Enable') || name.startsWith('Disable'));

  test('of the same zones disables nothing, and ends at the second poll', async () => {
    const world = new FastWorld();
    await world.make(names('ab'));
    world.time += 10 * MINUTE;
    const since = world.calls().length;
    expect((await world.change(ids('ab'))).after).toBe(150);
    expect(called(world, since)).toEqual(['EnableFastSnapshotRestores']);
  });

  test('of other zones disables the enabled ones, and ignores those that somebody has disabled', async () => {
    const world = new FastWorld();
    await world.make(names('abc'));
    world.ec2.handover.fastRestores.disable(REGION, {
      SourceSnapshotIds: [world.snapshot],
      AvailabilityZones: [`${REGION}a`],
    });
    world.time += 10 * MINUTE;
    const since = world.calls().length;
    world.services.faults = ({ action, input }) =>
      action === 'DisableFastSnapshotRestores' && JSON.stringify(input).includes(`${REGION}a`) ? 'denied' : undefined;
    expect((await world.change(ids('b'))).failure).toBeUndefined();
    expect(world.zones()).toBe('b');
    expect(called(world, since)).toContain('DisableFastSnapshotRestores');
  });

  test('waits in its rollback until a late read shows all zones', async () => {
    const world = new FastWorld();
    await world.make(ids('b'));
    world.ec2.handover.settings.staleness = LATE;
    expect((await world.changeAndCancel(names('ab'), 0)).failure).toBeUndefined();
    expect(world.zones()).toBe('b');
    expect(world.logs).toContainEqual({ decision: 'wait', reason: 'some zones are not visible yet' });
  });
});
