// The fault matrix: every kind of fault in every operation on one copy, at every point where it can come.
import { GAPS } from './gaps';
import { fittingFor, runHistory, type History, type Report, type Step } from './history';
import { FAULTS, pair, type FaultKind, type Row } from './kinds';
import type { Change, Declared } from './model';

type CalmStep = Omit<Step, 'faults'>;

/** A way into an operation. The fault comes in the last step. */
interface Scenario {
  readonly steps: readonly CalmStep[];
  readonly declared?: Partial<Declared>;
  readonly isQuick?: boolean;
}

export interface Column {
  readonly name: string;
  readonly row: Row;
  readonly scenarios: readonly Scenario[];
  /** Instead, where what is done with the finished copy meets the fault. */
  readonly ofHandover?: readonly Scenario[];
}

const COPY = 'Copy0';

/** From another account and under a key, so that these can fail; with each change a tag comes, one goes, one changes. */
const DECLARED: Declared = {
  ...{ source: 1, region: 0, key: 1, description: 0, tags: 8, handover: 0 },
  timeoutSeconds: 3000,
};

const create: CalmStep = { deletes: false, settles: true, forges: false, changes: [] };
const change = (name: Change): CalmStep => ({ ...create, changes: [{ change: name, copy: COPY }] });
/** Its copy takes four minutes: one failure comes before its end, and one after. */
const failing = (step: CalmStep): CalmStep[] => [65, 300].map((failsAfterSeconds) => ({ ...step, failsAfterSeconds }));

/** A pending copy, one that has just been answered for, one that is finished and not yet answered for. */
const canceledCreates: Scenario[] = [
  ...failing(create).map((step) => ({ steps: [step] })),
  { steps: [{ ...create, failsAfterSeconds: 65 }], isQuick: true },
];

export const COLUMNS: readonly Column[] = [
  { name: 'create', row: 'create', scenarios: [{ steps: [create] }, { steps: [create], isQuick: true }] },
  { name: 'update in place', row: 'tags', scenarios: [{ steps: [create, change('tags')] }] },
  {
    name: 'handover changed',
    row: 'handover',
    scenarios: [{ steps: [create, change('handover')], declared: { retain: 'RetainExceptOnCreate' } }],
  },
  { name: 'replacement', row: 'description', scenarios: [{ steps: [create, change('description')] }] },
  { name: 'rollback of a create', row: 'rollback of create', scenarios: canceledCreates },
  {
    name: 'rollback of an update',
    row: 'rollback of update',
    scenarios: (['tags', 'description'] as const).flatMap((name) =>
      failing(change(name)).map((step) => ({ steps: [create, step] })),
    ),
    ofHandover: failing(change('handover')).map((step) => ({ steps: [create, step] })),
  },
  {
    name: 'canceled request',
    row: 'abandoned',
    // Where the policy is to retain, CloudFormation sends no Delete, and what is left is for the request itself.
    scenarios: [
      ...canceledCreates.flatMap((scenario) => [scenario, { ...scenario, declared: { retain: 'Retain' as const } }]),
      { steps: [create, { ...change('description'), failsAfterSeconds: 65 }], isQuick: true },
    ],
  },
  { name: 'clean-up', row: 'clean-up', scenarios: [{ steps: [create, change('description')] }] },
  { name: 'delete', row: 'delete', scenarios: [{ steps: [create, { ...create, deletes: true }] }] },
];

export interface Cell {
  readonly column: Column;
  readonly fault: FaultKind;
}

export const CELLS: readonly Cell[] = FAULTS.flatMap((fault) =>
  COLUMNS.filter(({ row }) => fault.rows.includes(row)).map((column) => ({ column, fault })),
);

/** What becomes of the operation, by the invariants. */
export function expectation({ column, fault: { consequence, name } }: Cell): string {
  if (column.row === 'abandoned') return 'leaves nothing';
  switch (consequence) {
    case 'transient':
    case 'alone':
      return 'goes well';
    case 'definite':
      // Whoever may not ask CloudFormation does not know that it is a rollback.
      return column.row === 'rollback of update' && name !== 'DescribeStacks denied'
        ? 'goes well, may leave something'
        : 'may fail, says why';
    default:
      return `fails: gap ${GAPS.findIndex(({ name }) => name === consequence) + 1}`;
  }
}

export interface Outcome {
  /** At which points the fault came. */
  readonly points: number;
  readonly wrong: readonly string[];
}

/** More points than these are more polls of the same. */
const MAX_POINTS = 4;

/** The fault alone, at each of its points. */
export async function runCell(cell: Cell): Promise<Outcome> {
  const wrong: string[] = [];
  let points = 0;
  const { ofHandover, row, scenarios } = cell.column;
  const fitting = fittingFor(row, cell.fault.name);
  for (const [index, scenario] of ((fitting && ofHandover) ?? scenarios).entries()) {
    for (const { nth, seconds } of timesOf(cell.fault)) {
      const history = historyOf(cell, { ...scenario, declared: { ...scenario.declared, ...fitting } }, nth, seconds);
      const report = await runHistory(history);
      if (!report.reached.includes(pair(cell.column.row, cell.fault.name))) continue;
      points += 1;
      const messages = await faultsOf(cell, history, report);
      wrong.push(...messages.map((message) => `scenario ${index}, ${seconds} s, point ${nth}: ${message}`));
    }
  }
  return { points, wrong };
}

/** Calls fail once, at each point, or for a while; scenes are set early or late. */
function timesOf({ means, name }: FaultKind): { nth: number; seconds: number }[] {
  if (means.at === 'scene') return [0, 45, 65, 200, 242].map((seconds) => ({ nth: 1, seconds }));
  const once = Array.from({ length: MAX_POINTS }, (_, index) => ({ nth: index + 1, seconds: 0 }));
  // The age of the request counts, and whoever was abandoned calls late.
  const seconds = name.endsWith('denied for a while') ? 250 : 100;
  return means.at === 'call' ? [...once, { nth: 1, seconds }] : once;
}

async function faultsOf(cell: Cell, history: History, report: Report): Promise<string[]> {
  const messages = report.violations.map(({ message }) => message);
  if (!/goes well|leaves nothing/.test(expectation(cell))) return messages;
  const [is, ought] = [report.statuses.join(), await calmStatuses(history)];
  return is === ought ? messages : [...messages, `${is} instead of ${ought}`];
}

const known = new Map<string, string>();

/** How the history ends without the fault. */
async function calmStatuses(history: History): Promise<string> {
  const calm = { ...history, steps: history.steps.map((step) => ({ ...step, faults: [] })) };
  const key = JSON.stringify(calm);
  const statuses = known.get(key) ?? (await runHistory(calm)).statuses.join();
  known.set(key, statuses);
  return statuses;
}

function historyOf({ column, fault }: Cell, scenario: Scenario, nth: number, seconds: number): History {
  const planned = { fault: fault.name, row: column.row, copy: COPY, nth, seconds };
  const last = scenario.steps.length - 1;
  return {
    copies: [{ ...DECLARED, ...scenario.declared }],
    steps: scenario.steps.map((step, index) => ({ ...step, faults: index === last ? [planned] : [] })),
    ...{
      processes: 1,
      rollbackPhysicalId: 'new',
      rollbackCleansUp: true,
      rollbackMovesTime: false,
      showsOperations: true,
      hasDryRun: false,
      isQuick: scenario.isQuick ?? false,
    },
  };
}

/** docs/fault-matrix.md */
export function matrixDocument(): string {
  const names = COLUMNS.map(({ name }) => name);
  const lines = FAULTS.filter((fault) => CELLS.some((cell) => cell.fault === fault)).map((fault) => {
    const cells = COLUMNS.map((column) => {
      const cell = CELLS.find((one) => one.fault === fault && one.column === column);
      return cell ? expectation(cell) : '–';
    });
    return `| ${[fault.name, ...cells].join(' | ')} |`;
  });
  const gaps = GAPS.map(
    ({ name, excuses, reason }, index) => `${index + 1}. **${name}** (${excuses.join(', ')}): ${reason}.`,
  );
  return `# Fault matrix

Generated by \`npm run docs:faults\` from the list that the tests run (\`test/faults/\`). Each fault comes alone, at every
point of the operation where it can come, and the six invariants hold after each run: no orphan and no double, no false
success, no false failure, no other snapshot touched, one short line as the reason, no stack that is stuck over what can
be left alone.

- *goes well*: the operation ends as it would have without the fault.
- *goes well, may leave something*: so does the rollback. What the handler cannot put back it leaves, and its log says so.
- *may fail, says why*: the fault is not one that passes. Where the operation fails, its reason names it.
- *fails: gap N*: the operation fails, and nothing is left behind. The gaps are below.
- *leaves nothing*: CloudFormation no longer waits for the request, and what it began is gone in the end.
- –: cannot come there.

| fault | ${names.join(' | ')} |
|${' --- |'.repeat(names.length + 1)}
${lines.join('\n')}

## Gaps

What the Provider framework and CloudFormation leave open, and no code of the handler can close.

${gaps.join('\n')}
`;
}
