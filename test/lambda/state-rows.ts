// The rows of the table of docs/how-it-works.md: what comes before the one poll that a row is about.
import { TAG } from '../../lib/contract';
import { visibilityDelay } from '../../lambda/times';
import { MINUTE, SECOND, World } from './in-process';
import { requestFor } from './requests';

export const INTERVAL = 30 * SECOND;
export const TIMING = { request: requestFor(), now: () => 0, beganAt: 0, pollIntervalMs: INTERVAL };
export const DELAY = visibilityDelay(TIMING);
const STAGE = 50 * MINUTE;

export interface Row {
  readonly request: 'Create' | 'Update' | 'Delete';
  /** What EC2 and CloudFormation show. */
  readonly there: string;
  readonly time: string;
  readonly stage?: 'last' | 'not the last';
  /** Plays what came before, and answers the event to poll once. */
  readonly scene: (world: World) => Promise<Parameters<World['poll']>[0]>;
}

/** A Create that has been polled once, so that its copy was started, or not. The next poll comes after `ms`. */
export function create(ms: number, options: { starts?: boolean; seconds?: number } = {}): Row['scene'] {
  return async (world) => {
    const properties = world.declare({ TimeoutSeconds: String(options.seconds ?? 3_000) });
    const event = await world.accept(world.event('Create', { ResourceProperties: properties }));
    if (options.starts) await world.poll(event);
    world.time += ms;
    return event;
  };
}

export const started = { starts: true };
const FIRST_OF_TWO = { seconds: 6_000 };
const course = (outcome: string, duration: number, message?: string) => (world: World) => {
  world.ec2.settings.course = () => ({ outcome, duration, message });
};

export function after(prepare: (world: World) => void, scene: Row['scene']): Row['scene'] {
  return (world) => {
    prepare(world);
    return scene(world);
  };
}

/** What happens right before the poll. */
export function then(scene: Row['scene'], act: (world: World) => void): Row['scene'] {
  return async (world) => {
    const event = await scene(world);
    act(world);
    return event;
  };
}

export const slow = course('completed', 120 * MINUTE);
export const quick = course('completed', 10 * SECOND);
const failing = course('error', 10 * SECOND, 'Internal fault');
const keyless = course('error', 10 * SECOND, 'Given key ID is not accessible');
const unknown = course('hydrating', 10 * SECOND);
export const rollBack = (world: World): void => {
  world.enter('ROLLBACK_IN_PROGRESS');
};

/** An Update that keeps the copy of the Create before it. */
function update(act: (world: World, id: string) => void, status = 'UPDATE_IN_PROGRESS'): Row['scene'] {
  return async (world) => {
    const before = world.declare();
    const id = await world.create(before);
    act(world, id);
    world.enter(status);
    const Tags = [{ Key: 'team', Value: 'storage' }];
    return world.accept(world.update({ ...before, Tags }, before));
  };
}

/** A Delete, with the copy's id or another one. */
export function remove(PhysicalResourceId?: string, ms = 0, hasCopy = true): Row['scene'] {
  return async (world) => {
    if (hasCopy) await world.create();
    world.enter('DELETE_IN_PROGRESS');
    const event = world.event('Delete', { PhysicalResourceId: PhysicalResourceId ?? world.physicalId });
    if (PhysicalResourceId) world.physicalId = undefined;
    const accepted = await world.accept(event);
    world.time += ms;
    return accepted;
  };
}

const HANDLE = `copy-${'0'.repeat(32)}`;
export const any = 'any';
const last = 'last' as const;
const notLast = 'not the last' as const;

export const COPY_ROWS: readonly Row[] = [
  { request: 'Create', there: 'no copy', time: 'in a start window', scene: create(DELAY) },
  { request: 'Create', there: 'no copy', time: 'between start windows', scene: create(DELAY + MINUTE) },
  { request: 'Create', there: 'no copy', time: 'stage over', stage: notLast, scene: create(STAGE, FIRST_OF_TWO) },
  { request: 'Create', there: 'no copy', time: 'stage over', stage: last, scene: create(STAGE) },
  { request: 'Create', there: 'a pending copy', time: any, scene: after(slow, create(MINUTE, started)) },
  {
    request: 'Create',
    there: 'a pending copy',
    time: 'stage over',
    stage: notLast,
    scene: after(slow, create(STAGE, { ...started, ...FIRST_OF_TWO })),
  },
  {
    request: 'Create',
    there: 'a pending copy',
    time: 'stage over',
    stage: last,
    scene: after(slow, create(STAGE, started)),
  },
  { request: 'Create', there: 'a failed copy', time: any, scene: after(failing, create(MINUTE, started)) },
  {
    request: 'Create',
    there: 'a copy that failed because of its key',
    time: 'second start window',
    scene: after(keyless, create(DELAY, started)),
  },
  { request: 'Create', there: 'a copy in an unknown state', time: any, scene: after(unknown, create(MINUTE, started)) },
  {
    request: 'Create',
    there: 'a copy in an unknown state',
    time: 'stage over',
    stage: last,
    scene: after(unknown, create(STAGE, started)),
  },
  {
    request: 'Create',
    there: 'a finished copy',
    time: 'within the visibility delay of its start',
    scene: after(quick, create(MINUTE, started)),
  },
  { request: 'Create', there: 'a finished copy', time: 'later', scene: after(quick, create(DELAY, started)) },
  {
    request: 'Create',
    there: 'a finished copy and a duplicate',
    time: 'later',
    scene: then(after(quick, create(DELAY, started)), (world) => {
      world.duplicate();
    }),
  },
  {
    request: 'Create',
    there: 'no copy, and the stack operation has ended',
    time: 'until the last start window is visible',
    scene: then(create(MINUTE), rollBack),
  },
  {
    request: 'Create',
    there: 'no copy, and the stack operation has ended',
    time: 'later',
    scene: then(create(DELAY - SECOND), rollBack),
  },
  {
    request: 'Create',
    there: 'a pending copy, and the stack operation has ended',
    time: any,
    scene: then(after(slow, create(MINUTE, started)), rollBack),
  },
  {
    request: 'Create',
    there: 'a finished copy, and the request was answered',
    time: 'later',
    scene: then(after(quick, create(DELAY, started)), (world) => {
      world.resourceStatus = 'CREATE_COMPLETE';
      [world.physicalId] = world.copies();
    }),
  },
  { request: 'Update', there: 'the present copy', time: any, scene: update(() => undefined) },
  {
    request: 'Update',
    there: 'the present copy, in a rollback',
    time: 'while a call of the update may still be in progress',
    scene: update(() => undefined, 'UPDATE_ROLLBACK_IN_PROGRESS'),
  },
  {
    request: 'Update',
    there: 'the present copy, without its owner tags',
    time: any,
    scene: update((world, id) => {
      world.ec2.deleteTags('eu-west-1', { Resources: [id], Tags: [{ Key: TAG.stack }] });
    }),
  },
  {
    request: 'Update',
    there: 'the present copy is gone',
    time: 'in a start window',
    scene: update((world, id) => {
      world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
    }),
  },
  { request: 'Delete', there: 'the copy that the physical ID names', time: any, scene: remove() },
  {
    request: 'Delete',
    there: 'a copy, and the physical ID is a handle',
    time: 'within the visibility delay',
    scene: remove(HANDLE),
  },
  { request: 'Delete', there: 'no copy', time: 'within the visibility delay', scene: remove(HANDLE, 0, false) },
  {
    request: 'Delete',
    there: 'a copy, and the physical ID is unknown',
    time: 'later',
    scene: remove('app-Copy-1XYZ', DELAY),
  },
];
