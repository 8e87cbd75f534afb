// The tables of docs/how-it-works.md. Each row is one poll of the handler on the simulated services, and the last column
// is what that poll logged, so that the tables cannot go stale.
import { TAG } from '../../lib/contract';
import { CALL_MS, mayStart, STALENESS_MS, visibilityDelay } from '../../lambda/times';
import { MINUTE, SECOND, World } from './in-process';
import { requestFor } from './requests';

const INTERVAL = 30 * SECOND;
const TIMING = { request: requestFor(), now: () => 0, beganAt: 0, pollIntervalMs: INTERVAL };
const DELAY = visibilityDelay(TIMING);
const STAGE = 50 * MINUTE;

interface Row {
  readonly request: 'Create' | 'Update' | 'Delete';
  /** What EC2 and CloudFormation show. */
  readonly there: string;
  readonly time: string;
  readonly stage?: 'last' | 'not the last';
  /** Plays what came before, and answers the event to poll once. */
  readonly scene: (world: World) => Promise<Parameters<World['poll']>[0]>;
}

/** A Create that has been polled once, so that its copy was started, or not. The next poll comes after `ms`. */
function create(ms: number, options: { starts?: boolean; seconds?: number } = {}): Row['scene'] {
  return async (world) => {
    const properties = world.declare({ TimeoutSeconds: String(options.seconds ?? 3_000) });
    const event = await world.accept(world.event('Create', { ResourceProperties: properties }));
    if (options.starts) await world.poll(event);
    world.time += ms;
    return event;
  };
}

const started = { starts: true };
const FIRST_OF_TWO = { seconds: 6_000 };
const course = (outcome: string, duration: number, message?: string) => (world: World) => {
  world.ec2.settings.course = () => ({ outcome, duration, message });
};

function after(prepare: (world: World) => void, scene: Row['scene']): Row['scene'] {
  return (world) => {
    prepare(world);
    return scene(world);
  };
}

/** What happens right before the poll. */
function then(scene: Row['scene'], act: (world: World) => void): Row['scene'] {
  return async (world) => {
    const event = await scene(world);
    act(world);
    return event;
  };
}

const slow = course('completed', 120 * MINUTE);
const quick = course('completed', 10 * SECOND);
const failing = course('error', 10 * SECOND, 'Internal fault');
const keyless = course('error', 10 * SECOND, 'Given key ID is not accessible');
const unknown = course('hydrating', 10 * SECOND);
const rollBack = (world: World): void => {
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
function remove(PhysicalResourceId?: string, ms = 0, hasCopy = true): Row['scene'] {
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
const any = 'any';
const last = 'last' as const;
const notLast = 'not the last' as const;

const ROWS: readonly Row[] = [
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
    there: 'a copy that failed over its key',
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
    there: 'a finished copy, and the request has its answer',
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
    time: 'while a call of the update may be under way',
    scene: update(() => undefined, 'UPDATE_ROLLBACK_IN_PROGRESS'),
  },
  {
    request: 'Update',
    there: 'the present copy, without our tags',
    time: any,
    scene: update((world, id) => {
      world.ec2.deleteTags('eu-west-1', { Resources: [id], Tags: [{ Key: TAG.stack }] });
    }),
  },
  {
    request: 'Update',
    there: 'the present copy has gone',
    time: 'in a start window',
    scene: update((world, id) => {
      world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
    }),
  },
  { request: 'Delete', there: 'the copy that the physical id names', time: any, scene: remove() },
  {
    request: 'Delete',
    there: 'a copy, and the physical id is a handle',
    time: 'within the visibility delay',
    scene: remove(HANDLE),
  },
  { request: 'Delete', there: 'no copy', time: 'within the visibility delay', scene: remove(HANDLE, 0, false) },
  {
    request: 'Delete',
    there: 'a copy, and the physical id is unknown',
    time: 'later',
    scene: remove('app-Copy-1XYZ', DELAY),
  },
];

async function outcomeOf({ scene }: Row): Promise<string> {
  const world = new World();
  const event = await scene(world);
  const before = world.logs.length;
  await world.poll(event).catch(() => undefined);
  return world.logs.slice(before).map(describe).join('; ');
}

function describe({ decision, reason }: World['logs'][number]): string {
  const text = typeof reason === 'string' ? `${decision} (${reason})` : decision;
  return text
    .replace(/ \(log group .*?\)/, '')
    .replace(/snap-[0-9a-f]{17}/g, 'snap-…')
    .replace(/:\s.*(?=\))/, '…');
}

/** docs/how-it-works.md, the part between its marks. */
async function statesTable(): Promise<string> {
  const lines: string[] = [];
  for (const row of ROWS) {
    lines.push(`| ${[row.request, row.there, row.time, row.stage ?? any, await outcomeOf(row)].join(' | ')} |`);
  }
  return [
    '| request | what is there | time | stage | what the poll logs |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

/** One character for each poll: where a poll may start a copy. */
function timeline(): string {
  const polls = Array.from({ length: 20 }, (_, index) => index * INTERVAL);
  const mark = (ms: number, stage: number): string => {
    const beganAt = TIMING.request.startedAt + ms;
    const isOpen = mayStart({ ...TIMING, request: { ...TIMING.request, stage }, beganAt, now: () => beganAt });
    return isOpen ? 'S' : '.';
  };
  const clock = polls.filter((ms) => ms % DELAY === 0).map((ms) => `${ms / MINUTE} min`.padEnd(DELAY / INTERVAL));
  return [
    `time          ${clock.join('').trimEnd()}`,
    `stage 1       ${polls.map((ms) => mark(ms, 1)).join('')}`,
    `later stages  ${polls.map((ms) => mark(ms, 2)).join('')}`,
    '',
    `S: a poll in a start window. A window lasts ${INTERVAL / SECOND} s, a call ends within ${CALL_MS / SECOND} s, and a read is at`,
    `most ${STALENESS_MS / SECOND} s old. So ${DELAY / SECOND} s after a window opens, everything that it started is visible.`,
  ].join('\n');
}

/** The document with its generated parts as they are now. */
export async function filled(text: string): Promise<string> {
  const parts = { timeline: `\`\`\`text\n${timeline()}\n\`\`\``, states: await statesTable() };
  return Object.entries(parts).reduce(
    (whole, [name, part]) =>
      whole.replace(new RegExp(`(<!-- ${name} -->\\n)[^]*?(<!-- /${name} -->)`), (_, start: string, end: string) =>
        [start, '\n', part, '\n\n', end].join(''),
      ),
    text,
  );
}
