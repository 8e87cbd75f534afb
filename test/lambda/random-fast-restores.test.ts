// Random lives of a fast restore, with late reads, lost answers, and new processes. After each request, exactly the
// declared zones are enabled. Fewer would make volumes slow, and more would cost money.
import * as fc from 'fast-check';
import { Memory } from '../../lambda/memory';
import type { Call, Fault } from '../../local-aws/faults';
import { FastWorld, ids, names, type Declared } from './fast-world';
import { MINUTE, SECOND } from './in-process';

const LIVES = 300;

interface Wanted {
  readonly letters: string;
  readonly areIds: boolean;
  readonly isOther: boolean;
  readonly waits: boolean;
}

interface Step {
  readonly kind: 'change' | 'change and roll back' | 'change and cancel' | 'delete and create';
  readonly wanted: Wanted;
  readonly comesLater: boolean;
  /** If it is canceled. */
  readonly polledFor: number;
}

interface Weather {
  readonly lateness: number;
  /** One for each of the first calls. Later calls succeed. */
  readonly faults: readonly (Fault | 'new process' | undefined)[];
}

const wanted = fc.record<Wanted>({
  letters: fc.constantFrom('a', 'b', 'c', 'ab', 'bc', 'abc'),
  areIds: fc.boolean(),
  isOther: fc.boolean(),
  waits: fc.boolean(),
});

const step = fc.record<Step>({
  kind: fc.constantFrom('change', 'change and roll back', 'change and cancel', 'delete and create'),
  wanted,
  comesLater: fc.boolean(),
  polledFor: fc.constantFrom(0, 1, 2).map((minutes) => minutes * MINUTE),
});

const weather = fc.record<Weather>({
  lateness: fc.constantFrom(0, 60, 110, 119).map((seconds) => seconds * SECOND),
  faults: fc.array(
    fc.constantFrom(undefined, undefined, undefined, 'throttled', 'lost-response', 'refused-connection', 'new process'),
    { minLength: 40, maxLength: 80 },
  ),
});

function faultsOf(world: FastWorld, { faults }: Weather): (call: Call) => Fault | undefined {
  let calls = 0;
  return ({ service }) => {
    const fault = faults[calls++];
    if (fault !== 'new process') return service === 'ec2' ? fault : undefined;
    world.memory = new Memory();
    return undefined;
  };
}

const declare = (world: FastWorld, { areIds, isOther, letters, waits }: Wanted): Declared => ({
  ...(areIds ? ids : names)(letters),
  SnapshotId: isOther ? world.other : world.snapshot,
  WaitUntilEnabled: waits ? 'true' : undefined,
});

function check(world: FastWorld, { isOther, letters }: Wanted, failure?: Error): void {
  expect(failure).toBeUndefined();
  expect([world.zones(), world.zones(world.other)]).toEqual(isOther ? ['', letters] : [letters, '']);
  expect(world.left()).toEqual([]);
}

const NOTHING: Wanted = { letters: '', areIds: false, isOther: false, waits: false };

/** Takes the step, and returns what is declared after it. */
async function take(world: FastWorld, { comesLater, kind, polledFor, wanted }: Step, before: Wanted): Promise<Wanted> {
  if (comesLater) world.time += 10 * MINUTE;
  const declared = declare(world, wanted);
  if (kind === 'change and cancel') {
    check(world, before, (await world.changeAndCancel(declared, polledFor)).failure);
    return before;
  }
  if (kind === 'delete and create') {
    check(world, NOTHING, (await world.end('DELETE_IN_PROGRESS')).failure);
    world.enter('CREATE_IN_PROGRESS');
    check(world, wanted, (await world.make(declared)).failure);
    return wanted;
  }
  check(world, wanted, (await world.change(declared)).failure);
  if (kind === 'change') return wanted;
  check(world, before, (await world.goBack()).failure);
  return before;
}

test(`${LIVES} random lives of a fast restore`, async () => {
  const life = fc.asyncProperty(wanted, fc.array(step, { maxLength: 6 }), weather, async (first, steps, conditions) => {
    const world = new FastWorld(conditions.lateness);
    world.ec2.handover.settings.optimizationDuration = 5 * MINUTE;
    world.services.faults = faultsOf(world, conditions);
    check(world, first, (await world.make(declare(world, first))).failure);
    let present = first;
    for (const one of steps) present = await take(world, one, present);
  });
  await fc.assert(life, { numRuns: LIVES, seed: 20300101 });
}, 120_000);
