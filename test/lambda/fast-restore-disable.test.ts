// Disabling fast restore: whatever EC2 answers, nothing that costs money stays behind a request that succeeded.
import { AwsError, type Call, type Fault } from '../../local-aws/faults';
import { FastWorld, ids, names, REGION } from './fast-world';
import { MINUTE, SECOND } from './in-process';

const LATE = 119 * SECOND;
const REFUSED = new AwsError('InvalidRequest', 'No.');
const NOT_FOUND = new AwsError('InvalidSnapshot.NotFound', 'No.');
const DENIED_EXPLICITLY = new AwsError('UnauthorizedOperation', 'with an explicit deny in a policy', 403);

/** From now on, Disable meets this fault. */
function failDisable(world: FastWorld, fault: Fault, ms = Infinity): void {
  const until = world.time + ms;
  world.services.faults = ({ action, time }) =>
    action === 'DisableFastSnapshotRestores' && time < until ? fault : undefined;
}

/** EC2 refuses every call that is about more than one zone. */
const refuseWholeCalls = ({ action, input }: Call): Fault | undefined =>
  action === 'DisableFastSnapshotRestores' && (input as { AvailabilityZones: string[] }).AvailabilityZones.length > 1
    ? new AwsError('InvalidRequest', 'One of the zones is not enabled.')
    : undefined;

/** The faults of Disable, by the last letters of the zones that a call names, until a time. */
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
    'disables each zone if EC2 refuses the whole call, reads being %d ms late',
    async (staleness) => {
      const world = new FastWorld(staleness, refuseWholeCalls);
      const { failure } = await world.make({ AvailabilityZones: [`${REGION}a`, 'us-east-1a'] });
      expect([failure?.message, world.zones()]).toEqual([expect.stringContaining('InvalidAvailabilityZone'), 'a']);
      expect((await world.end('ROLLBACK_IN_PROGRESS')).failure).toBeUndefined();
      expect(world.zones()).toBe('');
    },
  );

  test.each<[string, Fault]>([
    ['throttled to the end', 'throttled'],
    ['denied', 'denied'],
    ['denied explicitly, while a late read does not show the zone', DENIED_EXPLICITLY],
  ])('in a rollback fails if it is %s, and says what it costs', async (_, fault) => {
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
    const refused = new AwsError('InvalidRequest', 'No.');
    world.services.faults = ({ action, input }) =>
      action === 'DisableFastSnapshotRestores' &&
      (input as { AvailabilityZones: string[] }).AvailabilityZones.includes(`${REGION}b`)
        ? refused
        : undefined;
    const { failure } = await world.end('DELETE_IN_PROGRESS');
    expect(failure?.message).toContain('is enabled in eu-west-1b, costs money');
    expect(world.zones()).toBe('b');
  });

  test('does not believe for two minutes that the snapshot does not exist', async () => {
    const world = new FastWorld();
    await world.make(names('a'));
    failDisable(world, new AwsError('InvalidSnapshot.NotFound', 'No.'), MINUTE);
    expect((await world.end('DELETE_IN_PROGRESS')).failure).toBeUndefined();
    expect(world.zones()).toBe('');
  });

  test('believes a refusal of one zone for that zone only', async () => {
    const world = new FastWorld(LATE);
    await world.make(names('ab'));
    const { fastRestores } = world.ec2.handover;
    fastRestores.disable(REGION, { SourceSnapshotIds: [world.snapshot], AvailabilityZones: [`${REGION}a`] });
    const disable = fastRestores.disable.bind(fastRestores);
    const until = world.time + MINUTE;
    fastRestores.disable = (region, input) => {
      const zones = input.AvailabilityZones ?? [];
      const isBusy = world.time < until && zones.includes(`${REGION}b`);
      const Unsuccessful = [{ FastSnapshotRestoreStateErrors: [{ Error: { Code: 'InternalError', Message: 'No.' } }] }];
      return isBusy ? { Unsuccessful } : disable(region, input);
    };
    expect((await world.end('DELETE_IN_PROGRESS')).failure).toBeUndefined();
    expect(world.zones()).toBe('');
  });

  test('that may disable one zone only waits until EC2 shows whether the other one is enabled', async () => {
    const world = new FastWorld(LATE);
    await world.begin(await world.accepted('Create', names('ab')));
    const until = world.time + 50 * SECOND;
    failDisableOf(world, { ab: [REFUSED, Infinity], b: [REFUSED, until] });
    world.enter('DELETE_IN_PROGRESS');
    expect((await world.wait(await world.accepted('Delete', names('ab')))).failure).toBeUndefined();
    expect(world.zones()).toBe('');
  });

  test('does not believe that the snapshot is gone, if EC2 has disabled one of two zones only', async () => {
    const world = new FastWorld();
    await world.make(names('ab'));
    const begun = world.time;
    failDisableOf(world, { b: ['throttled', begun + 20 * SECOND] });
    const { faults } = world.services;
    world.services.faults = (call) => {
      const fault = faults?.(call);
      const isWhole = call.action === 'DisableFastSnapshotRestores' && JSON.stringify(call.input).includes('1a","');
      if (!isWhole || call.time >= begun + 50 * SECOND) return fault;
      return call.time === begun ? REFUSED : NOT_FOUND;
    };
    expect((await world.end('DELETE_IN_PROGRESS')).failure).toBeUndefined();
    expect(world.zones()).toBe('');
  });

  test('fails over the zone that it cannot disable only after it has disabled the others', async () => {
    const world = new FastWorld();
    await world.make(names('ab'));
    const until = world.time + 6 * MINUTE;
    failDisableOf(world, { ab: [REFUSED, Infinity], a: [REFUSED, Infinity], b: ['throttled', until] });
    const { failure } = await world.end('DELETE_IN_PROGRESS');
    expect(failure?.message).toContain('is enabled in eu-west-1a, costs money');
    expect(world.zones()).toBe('a');
  });

  test('believes immediately that the snapshot is gone, if EC2 has disabled its zones before', async () => {
    const world = new FastWorld();
    await world.make(names('a'));
    world.time += 10 * MINUTE;
    world.ec2.handover.settings.staleness = LATE;
    const begun = world.time;
    world.services.faults = ({ action, time }) =>
      action === 'DisableFastSnapshotRestores' && time > begun ? NOT_FOUND : undefined;
    expect(await world.end('DELETE_IN_PROGRESS')).toMatchObject({ after: 30, answer: { IsComplete: true } });
  });

  test('fails if neither CloudFormation nor EC2 can be read', async () => {
    const world = new FastWorld();
    await world.make(names('a'));
    world.services.faults = ({ action, service }) =>
      service === 'cloudformation' || action.startsWith('Describe') ? 'denied' : undefined;
    expect((await world.end('DELETE_IN_PROGRESS')).failure?.message).toContain('AccessDenied');
    expect(world.zones()).toBe('a');
  });

  test('that cannot read CloudFormation leaves zones that are disabled, or not its own', async () => {
    const world = new FastWorld();
    await world.make(names('a'));
    const { fastRestores } = world.ec2.handover;
    fastRestores.enable(REGION, { SourceSnapshotIds: [world.snapshot], AvailabilityZones: [`${REGION}c`] });
    fastRestores.disable(REGION, { SourceSnapshotIds: [world.snapshot], AvailabilityZones: [`${REGION}a`] });
    world.services.faults = ({ service }) => (service === 'cloudformation' ? 'denied' : undefined);
    expect((await world.end('DELETE_IN_PROGRESS')).failure).toBeUndefined();
    expect(world.zones()).toBe('c');
  });

  test('succeeds although CloudFormation cannot be read, if nothing is enabled, and fails if something is', async () => {
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

  test('that cannot read CloudFormation waits until no late read can hide what is enabled', async () => {
    const world = new FastWorld(LATE);
    const explicit = new AwsError('AccessDenied', 'with an explicit deny in a policy', 403);
    await world.begin(await world.accepted('Create', names('a')));
    world.services.faults = ({ service }) => (service === 'cloudformation' ? explicit : undefined);
    world.time += SECOND;
    world.enter('ROLLBACK_IN_PROGRESS');
    const { after, failure } = await world.wait(await world.accepted('Delete', names('a')));
    expect([after, failure?.message]).toEqual([120, expect.stringContaining('AccessDenied')]);
  });
});

describe('a rollback', () => {
  test.each<[string, Fault]>([
    ['denied', 'denied'],
    ['denied explicitly', DENIED_EXPLICITLY],
  ])('enables the old zones although disabling the new ones is %s, and leaves those', async (_, fault) => {
    const world = new FastWorld();
    await world.make(names('a'));
    world.time += 10 * MINUTE;
    await world.change(names('c'));
    failDisable(world, fault);
    expect((await world.goBack()).failure).toBeUndefined();
    expect(world.zones()).toBe('ac');
    expect(world.left()[0]).toContain('is enabled in eu-west-1c, costs money, and could not be disabled');
  });

  test('enables the old zones, however short the timeout is', async () => {
    const world = new FastWorld();
    await world.make({ ...names('a'), TimeoutSeconds: '60' });
    await world.change(names('b'));
    expect(await world.goBack()).toMatchObject({ after: 120, answer: { IsComplete: true } });
    expect([world.zones(), world.left()]).toEqual(['a', []]);
  });

  test.each([
    ['is still shown as enabled', LATE, 150],
    ['is shown as disabling, and another one as disabled', 60 * SECOND, 110],
  ])('waits while EC2 refuses to enable a zone that it is disabling, and that %s', async (_, staleness, seconds) => {
    const world = new FastWorld();
    await world.make(names('ab'));
    const zone = { SourceSnapshotIds: [world.snapshot], AvailabilityZones: [`${REGION}b`] };
    world.ec2.handover.fastRestores.disable(REGION, zone);
    world.time += 10 * MINUTE;
    world.ec2.handover.settings.staleness = staleness;
    const begun = world.time + 10 * MINUTE;
    world.services.faults = ({ action, time }) =>
      action === 'EnableFastSnapshotRestores' && time > begun + MINUTE && time < begun + seconds * SECOND
        ? new AwsError('InvalidSnapshot.InvalidState', 'Disabling.')
        : undefined;
    expect((await world.changeAndCancel(names('c'))).failure).toBeUndefined();
    expect([world.zones(), world.left()]).toEqual(['ab', []]);
  });

  test('to a snapshot that has gone meanwhile leaves it, and says so', async () => {
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

  test.each(['ROLLBACK_IN_PROGRESS', 'DELETE_IN_PROGRESS'])(
    'waits longer than another operation for the calls of a canceled request: a Delete in %s',
    async (status) => {
      const world = new FastWorld();
      await world.make(names('a'));
      expect((await world.end(status)).after).toBe(status === 'ROLLBACK_IN_PROGRESS' ? 90 : 30);
    },
  );
});

test('a poll that is too old to know what CloudFormation waits for changes nothing', async () => {
  const world = new FastWorld();
  const event = await world.accepted('Create', names('a'));
  world.services.delays = ({ action }) => (action === 'DescribeStackResource' ? 31 * SECOND : 0);
  expect(await world.poll(event)).toEqual({ IsComplete: false });
  const reason = 'this poll took too long to change anything safely';
  expect(world.logs.at(-1)).toEqual({ decision: 'wait', reason });
  expect(world.zones()).toBe('');
  world.services.delays = undefined;
  expect((await world.wait(event)).answer?.IsComplete).toBe(true);
});

describe('zone IDs instead of names', () => {
  const called = (world: FastWorld, since: number): string[] =>
    world
      .calls()
      .slice(since)
      .filter((name) => name.startsWith('Enable') || name.startsWith('Disable'));

  test('of the same zones: nothing is disabled, and nothing is waited for', async () => {
    const world = new FastWorld();
    await world.make(names('ab'));
    world.time += 10 * MINUTE;
    const since = world.calls().length;
    expect((await world.change(ids('ab'))).after).toBe(30);
    expect(called(world, since)).toEqual(['EnableFastSnapshotRestores']);
  });

  test('of other zones: those that are enabled are disabled, and those that somebody disabled are left alone', async () => {
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

  test('nothing is decided while a late read does not show all of the old zones', async () => {
    const world = new FastWorld();
    await world.make(names('b'));
    world.time += 10 * MINUTE;
    await world.change(names('ab'));
    world.ec2.handover.settings.staleness = LATE;
    expect((await world.change(ids('b'))).failure).toBeUndefined();
    expect(world.zones()).toBe('b');
    expect(world.logs).toContainEqual({ decision: 'wait', reason: 'some zones are not visible yet' });
  });
});
