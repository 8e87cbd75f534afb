// Further rows: what several polls see, what is done with a finished copy, and fast restores.
import type { CopyProperties } from '../../lib/contract';
import type { PollEvent } from '../../lambda/request';
import { AwsError } from '../../local-aws/faults';
import { FastWorld, names } from './fast-world';
import { MINUTE, SECOND, type World } from './in-process';
import { after, any, create, DELAY, quick, remove, rollBack, slow, started, then, type Row } from './state-rows';

/** So many further polls of the same process, half a minute apart. */
const polled =
  (times: number, scene: Row['scene']): Row['scene'] =>
  async (world) => {
    const event = await scene(world);
    for (let n = 0; n < times; n += 1) {
      await world.poll(event);
      world.time += 30 * SECOND;
    }
    return event;
  };

/** Each call of EC2 takes so long. */
const slowCalls =
  (ms: number) =>
  (world: World): void => {
    world.services.delays = ({ action }) => (action === 'DescribeSnapshots' ? ms : 0);
  };

/** A snapshot that somebody has made with all the tags of the copy. */
function clone(world: World): void {
  const [id = ''] = world.copies();
  world.ec2.addSnapshot({ region: 'eu-west-1', startTime: world.time, tags: world.ec2.tagsOf(id) });
}

export const CONFIRMED_ROWS: readonly Row[] = [
  {
    request: 'Create',
    there: 'a finished copy, from the only CopySnapshot call of this process',
    time: 'a search has shown it for 30 s',
    scene: polled(1, after(quick, create(30 * SECOND, started))),
  },
  {
    request: 'Create',
    there: 'a finished copy, and a clone of it',
    time: 'later',
    scene: then(polled(1, after(quick, create(DELAY, started))), clone),
  },
  {
    request: 'Create',
    there: 'a pending copy, and the stack operation has ended',
    time: 'at the second read that shows it',
    scene: polled(1, then(after(slow, create(MINUTE, started)), rollBack)),
  },
  {
    request: 'Create',
    there: 'no copy, and the Region is closed to the account',
    time: 'after 60 s',
    scene: then(create(MINUTE), (world) => {
      world.services.faults = ({ service }) =>
        service === 'ec2' ? new AwsError('OptInRequired', 'You are not subscribed.') : undefined;
    }),
  },
  {
    request: 'Create',
    there: 'no copy, and a search takes 45 s',
    time: 'in a start window',
    scene: then(create(0), slowCalls(45 * SECOND)),
  },
  {
    request: 'Create',
    there: 'no copy, and a search takes 45 s',
    time: 'in a window that is open only to fast polls',
    scene: then(create(DELAY), slowCalls(45 * SECOND)),
  },
  {
    request: 'Delete',
    there: 'a copy, and the stack is at rest',
    time: any,
    scene: then(remove(), (world) => {
      world.stack.StackStatus = 'UPDATE_COMPLETE';
    }),
  },
]; // prettier-ignore

type Declared = Partial<CopyProperties>;

/** An Update in place, or its rollback. */
const change =
  (before: Declared, wanted: Declared, status = 'UPDATE_IN_PROGRESS'): Row['scene'] =>
  async (world) => {
    const declared = world.declare(before);
    await world.create(declared);
    world.enter(status);
    const event = await world.accept(world.update({ ...declared, ...wanted }, declared));
    world.time += 30 * SECOND;
    return event;
  };

const made =
  (declared: Declared): Row['scene'] =>
  async (world) => {
    quick(world);
    const event = await world.accept(world.event('Create', { ResourceProperties: world.declare(declared) }));
    await world.poll(event);
    world.time += DELAY;
    return event;
  };

const SHARED = { ShareWith: ['999988887777'] };
const ARCHIVED = { StorageTier: 'archive' } as const;
const LOCKED = { LockMode: 'governance', LockDurationDays: '7', DeletionPolicy: 'RetainExceptOnCreate' } as const;
const ROLLBACK = 'UPDATE_ROLLBACK_IN_PROGRESS';

export const ASPECT_ROWS: readonly Row[] = [
  { request: 'Create', there: 'a finished copy, to be shared', time: 'later', scene: made(SHARED) },
  { request: 'Create', there: 'a finished copy, to be archived', time: 'later', scene: made(ARCHIVED) },
  { request: 'Create', there: 'a finished copy, to be locked', time: 'later', scene: made(LOCKED) },
  { request: 'Update', there: 'the present copy, shared, no longer declared as shared', time: any, scene: change(SHARED, { ShareWith: [] }) },
  { request: 'Update', there: 'the present copy, being archived, no longer declared as archived', time: any, scene: change(ARCHIVED, { StorageTier: undefined }) },
  { request: 'Update', there: 'the present copy, locked, no longer declared as locked', time: any, scene: change(LOCKED, { LockMode: undefined }) },
  { request: 'Update', there: 'the present copy, shared by the update that is rolled back', time: any, scene: change(SHARED, { ShareWith: [] }, ROLLBACK) },
  { request: 'Update', there: 'the present copy, archived by the update that is rolled back', time: any, scene: change(ARCHIVED, { StorageTier: undefined }, ROLLBACK) },
  { request: 'Update', there: 'the present copy, locked by the update that is rolled back', time: any, scene: change(LOCKED, { LockMode: undefined }, ROLLBACK) },
  {
    request: 'Delete',
    there: 'the locked copy of a create that is rolled back',
    time: any,
    scene: async (world) => {
      const properties = world.declare(LOCKED);
      await world.create(properties);
      world.enter('ROLLBACK_IN_PROGRESS');
      return world.accept(world.event('Delete', { ResourceProperties: properties }));
    },
  },
]; // prettier-ignore

export interface FastRow {
  readonly request: 'Create' | 'Update' | 'Delete';
  readonly there: string;
  readonly time: string;
  readonly scene: (world: FastWorld) => Promise<PollEvent>;
}

const early = 'while an earlier call may still be in progress';
const WAITS = { WaitUntilEnabled: 'true' } as const;
const fresh =
  (more = {}) =>
  (world: FastWorld) =>
    world.accepted('Create', { ...names('ab'), ...more });

const later =
  (ms: number, scene: FastRow['scene']): FastRow['scene'] =>
  async (world) => {
    const event = await scene(world);
    await world.poll(event);
    world.time += ms;
    return event;
  };

const changed =
  (status: string): FastRow['scene'] =>
  async (world) => {
    await world.make(names('ab'));
    world.enter(status);
    return world.accepted('Update', { ...names('ab'), SnapshotId: world.other }, names('ab'));
  };

const removed: FastRow['scene'] = async (world) => {
  await world.make(names('ab'));
  world.enter('DELETE_IN_PROGRESS');
  return world.accepted('Delete', names('ab'));
};

export const FAST_ROWS: readonly FastRow[] = [
  { request: 'Create', there: 'enabled nowhere', time: any, scene: fresh() },
  { request: 'Create', there: 'being enabled', time: any, scene: later(MINUTE, fresh()) },
  { request: 'Create', there: 'being enabled, with `waitUntilEnabled`', time: any, scene: later(MINUTE, fresh(WAITS)) },
  { request: 'Create', there: 'being enabled, with `waitUntilEnabled`', time: 'the last stage is over', scene: later(50 * MINUTE, fresh(WAITS)) },
  { request: 'Update', there: 'enabled for another snapshot', time: early, scene: changed('UPDATE_IN_PROGRESS') },
  { request: 'Update', there: 'enabled for another snapshot', time: 'later', scene: later(2 * MINUTE, changed('UPDATE_IN_PROGRESS')) },
  { request: 'Update', there: 'enabled for another snapshot, in a rollback', time: early, scene: changed(ROLLBACK) },
  { request: 'Update', there: 'enabled for another snapshot, in a rollback', time: 'later', scene: later(2 * MINUTE, changed(ROLLBACK)) },
  { request: 'Delete', there: 'enabled', time: early, scene: removed },
  { request: 'Delete', there: 'enabled', time: 'later', scene: later(2 * MINUTE, removed) },
]; // prettier-ignore
