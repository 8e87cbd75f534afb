import { Memory } from '../../lambda/memory';
import { AwsError } from '../../local-aws/faults';
import { FastWorld, names, REGION } from './fast-world';
import { MINUTE, SECOND } from './in-process';

const LATE = 110 * SECOND;
const WAITS = { WaitUntilEnabled: 'true', TimeoutSeconds: '6000' } as const;

describe('a fast restore', () => {
  test('is complete once EC2 has begun, and takes three calls', async () => {
    const world = new FastWorld();
    expect((await world.make(names('ab'))).after).toBe(30);
    const called = world.calls().filter((name) => name.includes('Restores'));
    const look = 'DescribeFastSnapshotRestores';
    expect(called).toEqual([look, 'EnableFastSnapshotRestores', look]);
  });

  test('logs the zones that it enables and disables, and their states', async () => {
    const world = new FastWorld();
    await world.make(names('ab'));
    await world.change(names('b'));
    const snapshotId = world.snapshot;
    const zones = { [`${REGION}a`]: 'enabling', [`${REGION}b`]: 'enabling' };
    expect(world.logs.filter(({ decision }) => decision !== 'accept')).toEqual([
      { decision: 'enable fast restore', snapshotId, zones: [`${REGION}a`, `${REGION}b`] },
      {
        decision: 'wait',
        reason: 'fast restore is being enabled',
        snapshotId,
        zones: { [`${REGION}a`]: 'disabled', [`${REGION}b`]: 'disabled' },
      },
      { decision: 'complete', snapshotId, zones },
      ...Array<unknown>(4).fill({ decision: 'wait', reason: 'a call of an earlier request may still be in progress' }),
      { decision: 'disable fast restore', snapshotId, zones: [`${REGION}a`] },
      { decision: 'complete', snapshotId, zones: { [`${REGION}b`]: 'optimizing' } },
    ]);
  });

  test('that was just disabled is enabled again, even if a late read still shows it', async () => {
    const world = new FastWorld();
    world.ec2.handover.settings.optimizationDuration = 2 * MINUTE;
    await world.make(names('a'));
    world.time += 10 * MINUTE;
    await world.end('DELETE_IN_PROGRESS');
    world.enter('CREATE_IN_PROGRESS');
    world.ec2.handover.settings.staleness = LATE;
    const { after, failure } = await world.make({ ...names('a'), ...WAITS });
    expect([after, failure]).toEqual([240, undefined]);
    expect(world.zones()).toBe('a');
  });

  test('that an Update does not change takes only one read', async () => {
    const world = new FastWorld();
    await world.make(names('ab'));
    const count = world.calls().length;
    expect((await world.change({ TimeoutSeconds: '600' })).after).toBe(120);
    const called = world.calls().slice(count);
    expect(called.filter((name) => name.includes('Restores'))).toEqual(['DescribeFastSnapshotRestores']);
  });

  test('is retried if EC2 throttles it, and logs why', async () => {
    const world = new FastWorld();
    world.services.faults = ({ action, count }) =>
      action === 'EnableFastSnapshotRestores' && count === 1 ? 'throttled' : undefined;
    expect((await world.make(names('a'))).after).toBe(60);
    const reason = expect.stringContaining('RequestLimitExceeded') as string;
    expect(world.logs).toContainEqual({ decision: 'wait', reason });
  });

  test('is disabled for the old snapshot first, so a full quota does not block the new one', async () => {
    const world = new FastWorld();
    for (let n = 0; n < 4; n += 1) {
      const { id } = world.ec2.addSnapshot({ region: REGION });
      world.ec2.handover.fastRestores.enable(REGION, { SourceSnapshotIds: [id], AvailabilityZones: [`${REGION}a`] });
    }
    await world.make(names('ab'));
    expect((await world.change({ SnapshotId: world.other })).after).toBe(150);
    expect([world.zones(), world.zones(world.other)]).toEqual(['', 'ab']);
  });

  test('fails with EC2’s error if the quota stays full', async () => {
    const world = new FastWorld();
    for (let n = 0; n < 5; n += 1) {
      const { id } = world.ec2.addSnapshot({ region: REGION });
      world.ec2.handover.fastRestores.enable(REGION, { SourceSnapshotIds: [id], AvailabilityZones: [`${REGION}a`] });
    }
    const { failure } = await world.make({ ...names('a'), TimeoutSeconds: '600' });
    expect(failure?.message).toContain(
      'was not enabled within 10 minutes (eu-west-1a is disabled); FastSnapshotRestoreLimitExceeded: eu-west-1a: At most 5',
    );
  });

  test('fails if EC2 refuses one of two zones, and the Delete disables the other one', async () => {
    const world = new FastWorld();
    const { after, failure } = await world.make({ AvailabilityZones: [`${REGION}a`, 'us-east-1a'] });
    expect(after).toBe(0);
    expect(failure?.message).toContain('InvalidAvailabilityZone: us-east-1a: Invalid availability zone: us-east-1a');
    expect(world.zones()).toBe('a');
    expect((await world.end('ROLLBACK_IN_PROGRESS')).failure).toBeUndefined();
    expect(world.zones()).toBe('');
  });

  test('disables its enabled zones even if EC2 refuses the whole call because of another one', async () => {
    const world = new FastWorld();
    await world.make(names('ab'));
    world.ec2.handover.disableFastSnapshotRestores(REGION, {
      SourceSnapshotIds: [world.snapshot],
      AvailabilityZones: [`${REGION}a`],
    });
    world.services.faults = ({ action, input }) =>
      action === 'DisableFastSnapshotRestores' &&
      (input as { AvailabilityZones: string[] }).AvailabilityZones.length > 1
        ? new AwsError('InvalidRequest', 'Not enabled in a.')
        : undefined;
    expect((await world.end('DELETE_IN_PROGRESS')).failure).toBeUndefined();
    expect(world.zones()).toBe('');
  });

  test('fails once it is certain that the snapshot is gone', async () => {
    const world = new FastWorld();
    world.ec2.deleteSnapshot(REGION, { SnapshotId: world.snapshot });
    const { after, failure } = await world.make(names('a'));
    expect([after, failure?.message]).toEqual([
      120,
      expect.stringContaining(`snapshot ${world.snapshot} was not found in ${REGION}; correct "snapshot"`),
    ]);
    expect((await world.end('ROLLBACK_IN_PROGRESS')).failure).toBeUndefined();
  });

  test('can be deleted after its snapshot', async () => {
    const world = new FastWorld(LATE);
    await world.make(names('a'));
    world.ec2.deleteSnapshot(REGION, { SnapshotId: world.snapshot });
    expect(await world.end('DELETE_IN_PROGRESS')).toMatchObject({ after: 240, answer: { IsComplete: true } });
  });

  test('is enabled again if somebody disables it while the request waits', async () => {
    const world = new FastWorld();
    const event = await world.accepted('Create', { ...names('a'), ...WAITS });
    await world.wait(event, 5 * MINUTE);
    world.ec2.handover.fastRestores.disable(REGION, {
      SourceSnapshotIds: [world.snapshot],
      AvailabilityZones: [`${REGION}a`],
    });
    world.time += 5 * MINUTE;
    expect((await world.wait(event)).failure).toBeUndefined();
    expect(world.zones()).toBe('a');
  });

  test('waits while EC2 takes minutes to disable a zone and refuses to enable it', async () => {
    const world = new FastWorld();
    await world.make(names('ab'));
    world.time += 10 * MINUTE;
    world.enter('CREATE_IN_PROGRESS');
    const event = await world.accepted('Create', names('ab'));
    world.time += 4 * MINUTE;
    world.ec2.handover.fastRestores.disable(REGION, {
      SourceSnapshotIds: [world.snapshot],
      AvailabilityZones: [`${REGION}a`],
    });
    const until = world.time + MINUTE;
    world.services.faults = ({ action, time }) =>
      action === 'EnableFastSnapshotRestores' && time < until
        ? new AwsError('InvalidSnapshot.InvalidState', 'Disabling.')
        : undefined;
    expect((await world.wait(event)).failure).toBeUndefined();
    expect(world.zones()).toBe('ab');
  });

  test('is retried if EC2 lacks capacity, and fails if the snapshot is at fault', async () => {
    const world = new FastWorld();
    world.ec2.handover.settings.enablingFailure = 'Server.InsufficientCapacity: Try again';
    world.ec2.handover.settings.optimizationDuration = MINUTE;
    const event = await world.accepted('Create', { ...names('a'), ...WAITS });
    await world.wait(event, 2 * MINUTE);
    world.ec2.handover.settings.enablingFailure = undefined;
    expect((await world.wait(event)).failure).toBeUndefined();
    const other = new FastWorld();
    other.ec2.handover.settings.enablingFailure = 'Client.InvalidSnapshot.InvalidState: Not usable';
    expect((await other.make({ ...names('a'), ...WAITS })).failure?.message).toContain(
      `fast restore of ${other.snapshot} in ${REGION}: EC2 says "Client.InvalidSnapshot.InvalidState: Not usable" of eu-west-1a`,
    );
  });
});

describe('waiting until it is enabled', () => {
  test('takes as long as EC2 does', async () => {
    const world = new FastWorld();
    world.ec2.handover.settings.optimizationDuration = 20 * MINUTE;
    expect((await world.make({ ...names('ab'), ...WAITS })).after).toBe(20 * 60);
  });

  test('ends in a later stage as soon as EC2 is done', async () => {
    const world = new FastWorld();
    world.ec2.handover.settings.optimizationDuration = 50.5 * MINUTE;
    expect((await world.make({ ...names('ab'), ...WAITS })).after).toBe(3_000);
    world.enter('CREATE_IN_PROGRESS');
    const event = await world.accepted('Create', { ...names('ab'), ...WAITS, Stage: '2' });
    expect((await world.wait(event)).after).toBe(30);
  });

  test('continues in a later stage, which fails at the timeout and gives the states', async () => {
    const world = new FastWorld();
    world.ec2.handover.settings.optimizationDuration = 120 * MINUTE;
    const first = await world.make({ ...names('ab'), ...WAITS });
    expect([first.after, first.answer]).toEqual([3_000, { IsComplete: true }]);
    world.enter('CREATE_IN_PROGRESS');
    const event = await world.accepted('Create', { ...names('ab'), ...WAITS, Stage: '2' });
    const { after, failure } = await world.wait(event);
    expect([after, failure?.message]).toEqual([
      3_000,
      expect.stringContaining(
        'was not enabled within 100 minutes (eu-west-1a is optimizing, eu-west-1b is optimizing); it takes 60 minutes per TiB: raise "timeout"',
      ),
    ]);
  });

  test('takes at least four minutes, because reads may be stale', async () => {
    const world = new FastWorld();
    world.ec2.handover.settings.optimizationDuration = MINUTE;
    await world.make(names('a'));
    world.time += 60 * MINUTE;
    world.enter('CREATE_IN_PROGRESS');
    const { after, failure } = await world.make({ ...names('a'), ...WAITS });
    expect([after, failure]).toEqual([240, undefined]);
  });

  test('includes a zone that the previous request re-enabled, even if a late read shows its old state', async () => {
    const world = new FastWorld();
    world.ec2.handover.settings.optimizationDuration = 20 * MINUTE;
    await world.make(names('ab'));
    world.time += 60 * MINUTE;
    await world.change(names('b'));
    await world.goBack();
    world.ec2.handover.settings.staleness = LATE;
    expect((await world.change(WAITS)).after).toBeGreaterThan(18 * 60);
  });

  test('covers all zones', async () => {
    const world = new FastWorld();
    world.ec2.handover.settings.optimizationDuration = 20 * MINUTE;
    await world.make({ ...names('a'), ...WAITS });
    expect((await world.change(names('ab'))).after).toBe(120 + 20 * 60);
  });

  test('reports at the timeout how long it takes, not an earlier error', async () => {
    const world = new FastWorld();
    world.ec2.handover.settings.optimizationDuration = 120 * MINUTE;
    world.services.faults = ({ action, count }) =>
      action === 'EnableFastSnapshotRestores' && count === 1 ? 'throttled' : undefined;
    const { failure } = await world.make({ ...names('a'), ...WAITS, TimeoutSeconds: '600' });
    expect(failure?.message).toContain('(eu-west-1a is optimizing); it takes 60 minutes per TiB');
  });

  test('in a later stage of an Update disables nothing', async () => {
    const world = new FastWorld();
    await world.make({ ...names('ab'), ...WAITS });
    world.enter('UPDATE_IN_PROGRESS');
    await world.begin(
      await world.accepted('Update', { ...names('b'), ...WAITS, Stage: '2' }, { ...names('ab'), ...WAITS }),
    );
    expect(world.zones()).toBe('ab');
  });

  test('in a later stage disables nothing, even in a Delete', async () => {
    const world = new FastWorld();
    world.ec2.handover.settings.optimizationDuration = MINUTE;
    await world.make({ ...names('ab'), ...WAITS });
    world.enter('DELETE_IN_PROGRESS');
    const event = await world.accepted('Delete', { ...names('ab'), ...WAITS, Stage: '2' });
    expect(await world.poll(event)).toEqual({ IsComplete: true });
    expect(world.zones()).toBe('ab');
  });
});

describe('a request that nobody waits for', () => {
  test('enables nothing, and fails when a second read confirms it', async () => {
    const world = new FastWorld();
    const event = await world.accepted('Create', names('a'));
    world.time += 30 * SECOND;
    world.enter('ROLLBACK_IN_PROGRESS');
    const { after, failure } = await world.wait(event);
    expect([after, failure?.message]).toEqual([30, expect.stringContaining('has ended, or already has its answer')]);
    const reason = 'CloudFormation does not seem to wait for the answer; a later poll will confirm it';
    expect(world.logs).toContainEqual({ decision: 'wait', reason });
    expect(world.zones()).toBe('');
  });

  test.each(['Delete in a rollback', 'rollback'])('may still enable a zone, which the %s disables', async (what) => {
    const world = new FastWorld();
    if (what === 'rollback') await world.make(names('a'));
    if (what === 'rollback') await world.change(names('ab'));
    else await world.make(names('b'));
    const begun = world.time;
    const zone = { SourceSnapshotIds: [world.snapshot], AvailabilityZones: [`${REGION}b`] };
    let hasArrived = false;
    const arrive = (): void => {
      if (!hasArrived) world.ec2.handover.fastRestores.enable(REGION, zone);
      hasArrived = true;
    };
    // The call arrives between the first poll of the request that undoes it and the second one, if any.
    world.services.faults = ({ time }) => {
      if (time === begun + 30 * SECOND) arrive();
      return undefined;
    };
    const back = await (what === 'rollback' ? world.goBack() : world.end('ROLLBACK_IN_PROGRESS'));
    arrive();
    expect(back.failure).toBeUndefined();
    expect(world.zones()).toBe(what === 'rollback' ? 'a' : '');
  });

  test('disables nothing if it is a forged Delete and the stack is idle', async () => {
    const world = new FastWorld();
    await world.make(names('a'));
    const event = await world.accept(world.forge('Delete'));
    world.stack.StackStatus = 'CREATE_COMPLETE';
    const { after, failure } = await world.wait({
      ...event,
      ResourceProperties: {
        Region: REGION,
        SnapshotId: world.snapshot,
        TimeoutSeconds: '3000',
        ...names('a'),
      },
    });
    expect(after).toBe(30);
    const reason = 'the stack seems to be idle; a later poll will confirm it';
    expect(world.logs).toContainEqual({ decision: 'wait', reason });
    expect(failure?.message).toContain(
      'the stack is idle, so CloudFormation did not request the deletion of fast-restore-Fast',
    );
    expect(world.zones()).toBe('a');
  });
});

describe('a policy that denies fast restore', () => {
  const denies = (world: FastWorld, ...actions: string[]): void => {
    world.services.faults = ({ action }) => (actions.includes(action) ? 'denied' : undefined);
  };

  test('fails the Create after five minutes, and its Delete succeeds', async () => {
    const world = new FastWorld();
    denies(world, 'EnableFastSnapshotRestores', 'DisableFastSnapshotRestores');
    const { after, failure } = await world.make(names('a'));
    expect([after, failure?.message]).toEqual([300, expect.stringContaining('UnauthorizedOperation')]);
    expect((await world.end('ROLLBACK_IN_PROGRESS')).failure).toBeUndefined();
  });

  test('fails the Delete if zones are enabled and cost money, even in a rollback', async () => {
    for (const status of ['DELETE_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS']) {
      const world = new FastWorld();
      await world.make(names('ab'));
      denies(world, 'DisableFastSnapshotRestores');
      const { after, failure } = await world.end(status);
      expect([after, failure?.message]).toEqual([
        300,
        expect.stringContaining(
          'is enabled in eu-west-1a, eu-west-1b, costs money, and could not be disabled: Unauthorized',
        ),
      ]);
    }
  });

  test('never fails the rollback of an Update', async () => {
    const world = new FastWorld();
    await world.make(names('a'));
    await world.change(names('b'));
    denies(world, 'EnableFastSnapshotRestores');
    expect((await world.goBack()).answer?.IsComplete).toBe(true);
    expect(world.left()).toEqual([expect.stringContaining('UnauthorizedOperation')]);
    expect(world.zones()).toBe('');
  });
});

test('an Update that EC2 refuses fails', async () => {
  const world = new FastWorld();
  await world.make(names('a'));
  const { after, failure } = await world.change({ AvailabilityZones: ['us-east-1a'] });
  expect([after, failure?.message]).toEqual([120, expect.stringContaining('InvalidAvailabilityZone')]);
});

test('the rollback of an Update leaves what it cannot disable, and logs that it costs money', async () => {
  const world = new FastWorld();
  await world.make(names('a'));
  await world.change(names('ab'));
  world.services.faults = ({ action }) => (action === 'DisableFastSnapshotRestores' ? 'denied' : undefined);
  expect((await world.goBack()).answer?.IsComplete).toBe(true);
  expect(world.left()).toEqual([expect.stringContaining('is enabled in eu-west-1b, costs money, and could not be')]);
});

test('the failure of an earlier request does not fail a later one', async () => {
  const world = new FastWorld();
  world.ec2.handover.settings.enablingFailure = 'Client.InvalidSnapshot.InvalidState: Not usable';
  expect((await world.make({ ...names('a'), ...WAITS })).failure).toBeDefined();
  world.ec2.handover.settings.enablingFailure = undefined;
  world.ec2.handover.settings.optimizationDuration = MINUTE;
  world.time += 10 * MINUTE;
  expect((await world.change({ TimeoutSeconds: '3000' })).failure).toBeUndefined();
  expect(world.zones()).toBe('a');
});

describe('a Region that is closed to the account', () => {
  function closed(): FastWorld {
    const world = new FastWorld();
    world.services.faults = ({ service }) =>
      service === 'ec2' ? new AwsError('OptInRequired', 'You are not subscribed to this service.') : undefined;
    return world;
  }

  test('fails the Create within two minutes, but not its rollback', async () => {
    const world = closed();
    const { after, failure } = await world.make(names('a'));
    expect([after, failure?.message]).toEqual([
      60,
      expect.stringContaining(`in ${REGION}; check that the account has enabled`),
    ]);
    expect((await world.end('ROLLBACK_IN_PROGRESS')).answer?.IsComplete).toBe(true);
    expect(world.left()).toEqual([expect.stringContaining('OptInRequired')]);
  });

  test('fails the Delete with the stack, since zones may be enabled there', async () => {
    const world = closed();
    await world.make(names('a'));
    expect((await world.end('DELETE_IN_PROGRESS')).failure?.message).toContain('OptInRequired');
  });
});

test('late reads of the stack do not fail a rollback', async () => {
  const world = new FastWorld();
  await world.make(names('a'));
  await world.change(names('b'));
  world.services.faults = ({ action }) =>
    action === 'EnableFastSnapshotRestores' ? new AwsError('InvalidParameterValue', 'No.') : undefined;
  // The reads of the stack in onEvent and in the first poll.
  world.lag(2);
  const back = world.goBack();
  expect((await back).answer?.IsComplete).toBe(true);
});

test('another process continues the request', async () => {
  const world = new FastWorld();
  world.ec2.handover.settings.optimizationDuration = 10 * MINUTE;
  const event = await world.accepted('Create', { ...names('a'), ...WAITS });
  await world.wait(event, 5 * MINUTE);
  world.memory = new Memory();
  expect((await world.wait(event)).after).toBe(300);
});
