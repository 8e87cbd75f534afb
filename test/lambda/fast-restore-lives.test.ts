import type { Call, Fault } from '../../local-aws/faults';
import { FastWorld, ids, names, type Declared } from './fast-world';
import { MINUTE, SECOND } from './in-process';

const LATE = 110 * SECOND;

/** Each call gets the fault the first time that it is made. */
function atFirst(fault: Fault, actions = ['EnableFastSnapshotRestores', 'DisableFastSnapshotRestores']) {
  const made = new Set<string>();
  return ({ action, input, time }: Call): Fault | undefined => {
    // The same call in another operation counts as a new one.
    const call = JSON.stringify([action, input, Math.floor(time / (5 * MINUTE))]);
    if (!actions.includes(action) || made.has(call)) return undefined;
    made.add(call);
    return fault;
  };
}

const WEATHERS: Record<string, () => FastWorld> = {
  'answers on time': () => new FastWorld(),
  'late reads': () => new FastWorld(LATE),
  'lost answers': () => new FastWorld(0, atFirst('lost-response')),
  'late reads and lost answers': () => new FastWorld(LATE, atFirst('lost-response')),
  throttling: () => new FastWorld(0, atFirst('throttled')),
  'throttling for three minutes': () => {
    const world = new FastWorld();
    world.services.faults = ({ action, time }) =>
      action === 'DisableFastSnapshotRestores' && time - world.resourceSince < 3 * MINUTE ? 'throttled' : undefined;
    return world;
  },
};

interface Row {
  readonly life: string;
  readonly before: Declared;
  readonly change?: (world: FastWorld) => Declared;
  readonly ending?: 'rolled back' | 'canceled';
  /** The zones of the first snapshot, and of the other one. */
  readonly zones: readonly [string, string];
}

const toOther = (world: FastWorld): Declared => ({ SnapshotId: world.other });
const to = (declared: Declared) => (): Declared => declared;

const ROWS: readonly Row[] = [
  { life: 'a create', before: names('ab'), zones: ['ab', ''] },
  { life: 'a create by zone IDs', before: ids('bc'), zones: ['bc', ''] },
  { life: 'other zones', before: names('ab'), change: to(names('bc')), zones: ['bc', ''] },
  { life: 'other zones and a rollback', before: names('ab'), change: to(names('bc')), ending: 'rolled back', zones: ['ab', ''] },
  { life: 'fewer zones and a rollback', before: names('ab'), change: to(names('b')), ending: 'rolled back', zones: ['ab', ''] },
  { life: 'other zones by IDs', before: ids('ab'), change: to(ids('c')), zones: ['c', ''] },
  { life: 'IDs instead of names', before: names('ab'), change: to(ids('ab')), zones: ['ab', ''] },
  { life: 'IDs of other zones instead of names', before: names('ab'), change: to(ids('bc')), zones: ['bc', ''] },
  { life: 'IDs instead of names and a rollback', before: names('ab'), change: to(ids('bc')), ending: 'rolled back', zones: ['ab', ''] },
  { life: 'another snapshot', before: names('ab'), change: toOther, zones: ['', 'ab'] },
  { life: 'another snapshot and other zones by IDs', before: names('ab'), change: (world) => ({ ...toOther(world), ...ids('c') }), zones: ['', 'c'] },
  { life: 'another snapshot and a rollback', before: names('ab'), change: toOther, ending: 'rolled back', zones: ['ab', ''] },
  { life: 'other zones, canceled', before: names('ab'), change: to(names('bc')), ending: 'canceled', zones: ['ab', ''] },
  { life: 'IDs instead of names, canceled', before: names('ab'), change: to(ids('bc')), ending: 'canceled', zones: ['ab', ''] },
  { life: 'another snapshot, canceled', before: names('ab'), change: toOther, ending: 'canceled', zones: ['ab', ''] },
  { life: 'another timeout and a rollback', before: names('ab'), change: to({ TimeoutSeconds: '600' }), ending: 'rolled back', zones: ['ab', ''] },
]; // prettier-ignore

describe.each(Object.keys(WEATHERS))('with %s, fast restore is enabled as declared after', (weather) => {
  test.each(ROWS)('$life', async ({ before, change, ending, zones }) => {
    const world = WEATHERS[weather]?.() ?? new FastWorld();
    expect((await world.make(before)).failure).toBeUndefined();
    if (ending === 'canceled') expect((await world.changeAndCancel(change?.(world) ?? {})).failure).toBeUndefined();
    else if (change) expect((await world.change(change(world))).failure).toBeUndefined();
    if (ending === 'rolled back') expect((await world.goBack()).failure).toBeUndefined();
    expect([world.zones(), world.zones(world.other)]).toEqual(zones);
    expect(world.left()).toEqual([]);
  });

  test.each(['ROLLBACK_IN_PROGRESS', 'DELETE_IN_PROGRESS'])('a Delete in %s: nowhere', async (status) => {
    const world = WEATHERS[weather]?.() ?? new FastWorld();
    await world.make(names('ab'));
    expect((await world.end(status)).failure).toBeUndefined();
    expect(world.zones()).toBe('');
  });
});
