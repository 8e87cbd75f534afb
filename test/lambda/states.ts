// The tables of docs/how-it-works.md. Each row is one poll of the handler on the simulated services, and the last column
// is what that poll logged, so that the tables cannot go stale.
import { CALL_MS, mayStart, STALENESS_MS } from '../../lambda/times';
import { FastWorld } from './fast-world';
import { MINUTE, SECOND, World } from './in-process';
import { any, COPY_ROWS, DELAY, INTERVAL, TIMING } from './state-rows';
import { ASPECT_ROWS, CONFIRMED_ROWS, FAST_ROWS } from './state-rows-more';

/** Polls that search for so long, in an account with very many snapshots. */
const SLOW = 45 * SECOND;

async function outcomeOf<W extends World>(
  world: W,
  { scene }: { readonly scene: (world: W) => ReturnType<W['accept']> },
): Promise<string> {
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
  const lines: string[][] = [];
  for (const row of [...COPY_ROWS, ...CONFIRMED_ROWS, ...ASPECT_ROWS]) {
    lines.push([row.request, row.there, row.time, row.stage ?? any, await outcomeOf(new World(), row)]);
  }
  return tableOf(['request', 'what exists', 'time', 'stage', 'what the poll logs'], lines);
}

async function fastRestoresTable(): Promise<string> {
  const lines: string[][] = [];
  for (const row of FAST_ROWS) {
    lines.push([row.request, row.there, row.time, await outcomeOf(new FastWorld(), row)]);
  }
  return tableOf(['request', 'fast restore is', 'time', 'what the poll logs'], lines);
}

function tableOf(head: readonly string[], lines: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** One character for each poll: where a poll may start a copy. */
function timeline(): string {
  const polls = Array.from({ length: 20 }, (_, index) => index * INTERVAL);
  const mark = (ms: number, stage: number, age = 0): string => {
    const beganAt = TIMING.request.startedAt + ms;
    const isOpen = mayStart({ ...TIMING, request: { ...TIMING.request, stage }, beganAt, now: () => beganAt + age });
    return isOpen ? 'S' : '.';
  };
  const clock = polls.filter((ms) => ms % DELAY === 0).map((ms) => `${ms / MINUTE} min`.padEnd(DELAY / INTERVAL));
  return [
    `time          ${clock.join('').trimEnd()}`,
    `stage 1       ${polls.map((ms) => mark(ms, 1)).join('')}`,
    `later stages  ${polls.map((ms) => mark(ms, 2)).join('')}`,
    `slow polls    ${polls.map((ms) => mark(ms, 1, SLOW)).join('')}`,
    '',
    `S: a poll in a start window. A window lasts ${INTERVAL / SECOND} s, a call ends within ${CALL_MS / SECOND} s, and a read is at`,
    `most ${STALENESS_MS / SECOND} s old. So ${DELAY / SECOND} s after a window opens, everything that it started is visible.`,
    `A slow poll, here one that reads for ${SLOW / SECOND} s, has windows that are longer and further apart.`,
  ].join('\n');
}

/** The document with its generated parts as they are now. */
export async function filled(text: string): Promise<string> {
  const parts = {
    timeline: `\`\`\`text\n${timeline()}\n\`\`\``,
    states: await statesTable(),
    'fast restores': await fastRestoresTable(),
  };
  return Object.entries(parts).reduce(
    (whole, [name, part]) =>
      whole.replace(new RegExp(`(<!-- ${name} -->\\n)[^]*?(<!-- /${name} -->)`), (_, start: string, end: string) =>
        [start, '\n', part, '\n\n', end].join(''),
      ),
    text,
  );
}
