// A history of a stack with several copies: what is done to it, with which faults; and its run on a machine.
import * as fc from 'fast-check';
import type { CloudFormationEvent, PollEvent } from '../../lambda/request';
import type { OperationResult } from '../../local-aws/cloudformation';
import type { RollbackOptions } from '../../local-aws/stack';
import { Injector, type Planned, type RowsOfStep, type Surroundings } from './injector';
import { FAULTS, pair, type Row } from './kinds';
import { Machine, STACK, type Hooks } from './machine';
import {
  CHANGES,
  changed,
  DRY_RUN,
  HANDOVERS,
  rowOf,
  Scenery,
  SIBLING,
  templateOf,
  type Change,
  type Declarations,
  type Declared,
} from './model';
import { Witness, type Violation } from './witness';

export interface Step {
  /** Deletes the stack instead. */
  readonly deletes: boolean;
  readonly changes: readonly { readonly change: Change; readonly copy: string }[];
  /** The sibling fails, and the operation is rolled back. */
  readonly failsAfterSeconds?: number;
  /** The next step waits until every waiter has ended. */
  readonly settles: boolean;
  /** Somebody then forges a Delete for each copy. */
  readonly forges: boolean;
  readonly faults: readonly Planned[];
}

export interface History {
  readonly copies: readonly Declared[];
  readonly steps: readonly Step[];
  readonly processes: number;
  readonly rollbackPhysicalId: 'new' | 'old';
  readonly rollbackCleansUp: boolean;
  readonly rollbackMovesTime: boolean;
  readonly showsOperations: boolean;
  readonly hasDryRun: boolean;
  /** Copies are made sooner than all of EC2's answers are up to date. */
  readonly isQuick: boolean;
}

export interface Report {
  readonly violations: readonly Violation[];
  readonly reached: readonly string[];
  readonly story: readonly string[];
  /** The status of the stack after each step. */
  readonly statuses: readonly string[];
  /** How many copies remain, by the resource that made them. */
  readonly remaining: Readonly<Record<string, number>>;
}

const NAMES = ['Copy0', 'Copy1', 'Copy2', 'Copy3'] as const;

// ---- Arbitraries --------------------------------------------------------------------------------------------------

const declared: fc.Arbitrary<Declared> = fc.record({
  source: fc.integer({ min: 0, max: 1 }),
  refresh: fc.constantFrom(undefined, undefined, 0),
  region: fc.integer({ min: 0, max: 1 }),
  key: fc.constantFrom(0, 1, 1, 2, 2),
  description: fc.constant(0),
  tags: fc.integer({ min: 0, max: 3 }),
  retain: fc.constantFrom(...Array<undefined>(4), 'Retain' as const, 'RetainExceptOnCreate' as const),
  handover: fc.constantFrom(0, 0, 0, ...HANDOVERS.keys()),
  timeoutSeconds: fc.constant(3000),
});

const copyName = fc.constantFrom(...NAMES);
const nth = fc.constantFrom(1, 1, 1, 1, 1, 2, 3, 6);
const seconds = fc.constantFrom(0, 0, 5, 40, 100, 200);

/** Rows that a step can be about; the others come with these. */
const FOCI: readonly Row[] = [
  ...([
    'tags',
    'retain',
    'handover',
    'handover',
    'timeout',
    'description',
    'region',
    'key',
    'source',
    'refresh',
    'dry run',
    'add',
    'add',
  ] as const),
  ...([
    'rollback of update',
    'rollback of update',
    'rollback of update',
    'abandoned',
    'abandoned',
    'abandoned',
    'clean-up',
    'clean-up',
    'delete',
  ] as const),
];

/** Calls that few requests make. */
const RARE = /DeleteTags|CreateTags|DeleteSnapshot/;

function faultIn(row: Row, copy: string): fc.Arbitrary<Planned> {
  const names = FAULTS.filter(({ rows }) => rows.includes(row)).map(({ name }) => name);
  const rare = names.filter((name) => RARE.test(name));
  const common = names.filter((name) => fittingFor(row, name) === undefined);
  return fc.constantFrom(...names, ...common, ...common, ...rare, ...rare).chain((fault) => planned(fault, row, copy));
}

function planned(fault: string, row: Row, copy: string): fc.Arbitrary<Planned> {
  return fc.record({
    ...{ fault: fc.constant(fault), row: fc.constant(row), copy: fc.constant(copy), nth },
    // Shorter, it would be over before most calls are made.
    seconds: fault.endsWith('for a while') ? fc.constantFrom(40, 100, 200) : seconds,
  });
}

/** Mostly one fault; sometimes none, sometimes more. */
function faultsIn(rows: readonly Row[], copy: string): fc.Arbitrary<Planned[]> {
  const one = fc.constantFrom(...rows).chain((row) => faultIn(row, copy));
  return fc.array(one, { minLength: 0, maxLength: 3, size: 'max' });
}

const rarely = fc.constantFrom(true, false, false, false);
const failsAfter = fc.constantFrom(1, 20, 65, 200, 300, 500);

/** The first step. */
function creationAbout(focus: Row, copy: string): fc.Arbitrary<Step> {
  return fc.record({
    deletes: fc.constant(false),
    changes: fc.constant([]),
    failsAfterSeconds: focus === 'create' ? fc.constant(undefined) : failsAfter,
    settles: fc.boolean(),
    forges: rarely,
    faults: faultsIn(focus === 'create' ? [focus] : [focus, focus, focus, 'create'], copy),
  });
}

const creation = fc
  .tuple(fc.constantFrom<Row>('create', 'create', 'rollback of create', 'abandoned'), copyName)
  .chain(([focus, copy]) => creationAbout(focus, copy));

function stepAbout(focus: Row, copy: string): fc.Arbitrary<Step> {
  const isChange = (CHANGES as readonly string[]).includes(focus);
  const isAlone = isChange || focus === 'delete' || focus === 'dry run';
  const cleaning = fc.constantFrom<Change>('remove', 'description', 'region', 'key', 'source');
  const anyChange = fc.constantFrom<Change>(
    ...CHANGES,
    'refresh',
    'handover',
    'tags',
    'tags',
    'tags',
    'retain',
    'description',
  );
  const isRolledBack = focus === 'rollback of update' || focus === 'abandoned';
  const fitting: Partial<Record<Row, fc.Arbitrary<Change>>> = {
    'clean-up': cleaning,
    'dry run': fc.constantFrom('description', 'region', 'key', 'source'),
    'rollback of update': fc.oneof(anyChange, fc.constant<Change>('tags')),
    abandoned: fc.oneof(anyChange, cleaning),
  };
  const change = isChange ? fc.constant(focus as Change) : (fitting[focus] ?? anyChange);
  const besides = fc.array(fc.record({ change: anyChange, copy: copyName }), { maxLength: 2 });
  return fc.tuple(change, besides).chain(([main, more]) =>
    fc.record({
      deletes: fc.constant(focus === 'delete'),
      changes: fc.constant([{ change: main, copy }, ...more]),
      failsAfterSeconds: isRolledBack ? failsAfter : fc.constant(undefined),
      settles: fc.boolean(),
      forges: rarely,
      faults: faultsIn(isAlone ? [focus] : [focus, focus, rowOf(main, copy)], copy),
    }),
  );
}

/** The last one is never there from the beginning. */
function nameFor(focus: Row): fc.Arbitrary<string> {
  if (focus === 'dry run') return fc.constant(DRY_RUN);
  return focus === 'add' ? fc.constantFrom('Copy2', 'Copy3') : copyName;
}

const laterStep = fc.constantFrom(...FOCI).chain((focus) => nameFor(focus).chain((copy) => stepAbout(focus, copy)));

const laterSteps = fc.array(laterStep, { minLength: 1, maxLength: 4, size: 'max' });

const historiesOf = (steps: fc.Arbitrary<Step[]>, fitting: Partial<Declared> = {}): fc.Arbitrary<History> =>
  fc.record({
    copies: fc.array(
      declared.map((one) => ({ ...one, ...fitting })),
      { minLength: 2, maxLength: 3 },
    ),
    steps,
    processes: fc.integer({ min: 1, max: 2 }),
    rollbackPhysicalId: fc.constantFrom('new', 'old'),
    rollbackCleansUp: fc.boolean(),
    rollbackMovesTime: fc.boolean(),
    showsOperations: fc.boolean(),
    hasDryRun: fc.boolean(),
    isQuick: fc.boolean(),
  });

export const histories = historiesOf(fc.tuple(creation, laterSteps).map(([first, rest]) => [first, ...rest]));

/** What is to be declared so that the handler makes a call at all. */
export function fittingFor(row: Row, fault: string): Partial<Declared> | undefined {
  const handover = HANDOVER_WITH.find(([call]) => call.test(fault))?.[1];
  if (handover === undefined) return undefined;
  const key = fault.includes('GetEbsEncryptionByDefault') ? (row === 'key' ? 2 : 0) : 1;
  // A change leads to it, or away from it; and a rollback then undoes that.
  const isLedTo =
    row === 'handover' ? !/Unlock|Restore/.test(fault) : row === 'rollback of update' && /Modify|Unlock/.test(fault);
  const before = (handover + HANDOVERS.length - (isLedTo ? 3 : 0)) % HANDOVERS.length;
  return { handover: before, key, retain: 'RetainExceptOnCreate', refresh: undefined };
}

const HANDOVER_WITH: readonly (readonly [RegExp, number])[] = [
  [/Restore/, 8],
  [/Tier/, 5],
  [/Lock|Unlock/, 3],
  [/SnapshotAttribute|EncryptionByDefault/, 4],
];

/** Those whose last step is about such an operation, with such a fault. */
export function historiesAbout(row: Row, fault: string): fc.Arbitrary<History> {
  const isCreation = row === 'create' || row === 'rollback of create';
  const fitting = fittingFor(row, fault);
  const last = nameFor(row).chain((copy) =>
    fc
      .tuple(isCreation ? creationAbout(row, copy) : stepAbout(row, copy), planned(fault, row, copy))
      .map(([step, one]) => ({
        ...step,
        ...(row === 'rollback of update' && fitting && { changes: [{ change: 'handover' as const, copy }] }),
        faults: [one],
      })),
  );
  return historiesOf(isCreation ? last.map((step) => [step]) : fc.tuple(creation, last), fitting);
}

// ---- Run ----------------------------------------------------------------------------------------------------------

const MINUTE = 60_000;
const COPY_MS = 4 * MINUTE;
const QUICK_MS = 20_000;
/** EC2 takes longer, and than a request may wait, too. */
const ARCHIVE_MS = 2 * MINUTE;

/** Where a history takes place: in one process, or over the whole local AWS. */
export interface Account extends Surroundings {
  /** How long a new stack takes before it comes to its copies. */
  readonly setUpSeconds: number;
  deploy(declarations: Declarations, scenery: Scenery, version: number): Promise<OperationResult>;
  destroy(): Promise<OperationResult>;
  forge?(event: CloudFormationEvent): Promise<unknown>;
}

export interface AccountOptions extends RollbackOptions {
  readonly showsOperations: boolean;
  readonly processes: number;
  readonly copyDuration: number;
  readonly hooks: Hooks;
}

class Run {
  readonly injector = new Injector();
  readonly statuses: string[] = [];
  readonly witness: Witness;
  private readonly scenery: Scenery;
  private declarations: Declarations;
  private version = 0;

  constructor(
    private readonly history: History,
    private readonly account: Account,
    hooks: RunHooks,
  ) {
    this.scenery = new Scenery(account.ec2);
    if (!history.isQuick) account.ec2.handover.settings.archiveDuration = ARCHIVE_MS;
    this.witness = new Witness(account, this.injector, this.scenery.sources);
    this.injector.attach(account, this.scenery);
    const copies = history.copies.map((copy, index): [string, Declared] => [NAMES[index] ?? '', copy]);
    const [, dryRun] = copies[0] ?? [];
    this.declarations = { ...Object.fromEntries(copies), ...(history.hasDryRun && dryRun && { [DRY_RUN]: dryRun }) };
    hooks.run = this;
  }

  async all(): Promise<void> {
    for (const [index, step] of this.history.steps.entries()) {
      await this.step(index, step);
      if (this.witness.violations.length > 0) break;
      await (step.settles ? this.account.clock.settle() : this.pass(2_000));
      if (step.settles && step.forges) await this.forge();
      if (step.settles) this.witness.checkAtRest();
    }
    await this.account.clock.settle();
    await this.pass(2 * MINUTE);
    this.witness.checkAtRest();
  }

  private async forge(): Promise<void> {
    for (const event of this.witness.forgedDeletes()) await this.account.forge?.(event);
    await this.account.clock.settle();
  }

  private pass(ms: number): Promise<void> {
    const { clock } = this.account;
    return clock.run(() => clock.sleep(ms));
  }

  private async step(index: number, step: Step): Promise<void> {
    if (index > 0) await this.makeReady();
    const isThere = index > 0;
    const deletes = step.deletes;
    const before = this.declarations;
    const rows = isThere && !deletes ? this.change(step) : {};
    this.injector.begin(index, rows, { ...before, ...this.declarations }, step.faults);
    if (!deletes && step.failsAfterSeconds !== undefined) {
      const afterSeconds = step.failsAfterSeconds + (isThere ? 0 : this.account.setUpSeconds);
      this.account.cloudFormation.failNext(SIBLING, isThere ? 'Update' : 'Create', { afterSeconds });
    }
    const result = deletes ? await this.account.destroy() : await this.deploy();
    if (result.status.startsWith('UPDATE_ROLLBACK')) this.declarations = before;
    this.injector.end();
    this.statuses.push(result.status);
  }

  /** A stack that is not there, or can only be deleted, is made anew without faults. */
  private async makeReady(): Promise<void> {
    for (;;) {
      const status = this.account.cloudFormation.describeStack(STACK)?.StackStatus ?? '';
      if (status.endsWith('FAILED')) await this.destroy();
      else if (status === '' || status === 'ROLLBACK_COMPLETE') this.check(await this.deploy());
      else return;
    }
  }

  /** A rollback that failed may have left a lock, which the owner of the stack removes. */
  private async destroy(): Promise<void> {
    const result = await this.account.destroy();
    const { ec2 } = this.account;
    const locked = ec2.remainingCopies().filter(({ lock }) => lock !== undefined);
    if (!result.reason?.includes('its lock is in state')) this.check(result);
    else for (const { id, region } of locked) ec2.handover.unlockSnapshot(region, { SnapshotId: id });
  }

  private check({ status, reason = '' }: OperationResult): void {
    if (/FAILED|ROLLBACK/.test(status)) throw new Error(`without a fault, ${status}: ${reason}`);
  }

  private deploy(): Promise<OperationResult> {
    return this.account.deploy(this.declarations, this.scenery, ++this.version);
  }

  private change({ changes }: Step): RowsOfStep {
    const [fresh] = this.history.copies;
    const rows: Record<string, Row> = {};
    for (const { change, copy } of changes) {
      const before = this.declarations;
      if (!fresh || copy in rows) continue;
      const actual = copy in before ? change : 'add';
      this.declarations = changed(before, actual, copy, fresh);
      if (this.declarations !== before) rows[copy] = rowOf(actual, copy);
    }
    return rows;
  }

  remaining(): Record<string, number> {
    const { ec2 } = this.account;
    const count: Record<string, number> = {};
    for (const { id } of ec2.remainingCopies()) {
      const name = ec2.tagsOf(id)['cdk-ebs-snapshot-copy:resource'] ?? 'nobody';
      count[name] = (count[name] ?? 0) + 1;
    }
    return count;
  }
}

/** What an account tells the run in it. */
class RunHooks implements Hooks {
  run!: Run;

  readonly delivery: Hooks['delivery'] = (event) => {
    this.run.witness.asks(event);
    return this.run.injector.hooks.delivery?.(event);
  };
  readonly call: Hooks['call'] = (call, invocation) => {
    this.run.witness.seesCall(call, invocation);
    return this.run.injector.hooks.call?.(call, invocation);
  };
  readonly invocation: Hooks['invocation'] = (...occasion) => this.run.injector.hooks.invocation?.(...occasion);
  readonly startExecution = (event: PollEvent): boolean => this.run.injector.hooks.startExecution?.(event) ?? false;
  readonly thrown: Hooks['thrown'] = (event, error) => {
    this.run.witness.thrown(event, error);
  };
  readonly onStackEvent: Hooks['onStackEvent'] = (event) => {
    this.run.witness.sees(event);
  };
  readonly log: Hooks['log'] = (event, decision, details) => {
    const { LogicalResourceId, RequestType, RequestId } = event;
    const request = `${LogicalResourceId} ${RequestType} ${RequestId.slice(0, 8)}`;
    this.run.witness.tell(`  ${request} ${decision} ${JSON.stringify(details ?? {})}`);
    if (decision === 'left') this.run.witness.leaves(event, details ?? {});
    if (decision === 'not searched') this.run.witness.cannotSearch(event, details ?? {});
  };
}

function oneProcess(options: AccountOptions): Account {
  const machine = new Machine({ ...options, ec2: { copyDuration: options.copyDuration } });
  const { clock, ec2, cloudFormation, services } = machine;
  return {
    ...{ clock, ec2, cloudFormation, services, setUpSeconds: 0 },
    deploy: (...declared) => machine.deploy(templateOf(...declared)),
    destroy: () => machine.destroy(),
    forge: (event) => machine.forge(event),
  };
}

export async function runHistory(
  history: History,
  start: (options: AccountOptions) => Account | Promise<Account> = oneProcess,
): Promise<Report> {
  const { processes, isQuick } = history;
  const hooks = new RunHooks();
  const copyDuration = isQuick ? QUICK_MS : COPY_MS;
  const { rollbackPhysicalId, rollbackCleansUp, rollbackMovesTime, showsOperations } = history;
  const unknowns = { rollbackPhysicalId, rollbackCleansUp, rollbackMovesTime, showsOperations };
  const account = await start({ processes, ...unknowns, copyDuration, hooks });
  const run = new Run(history, account, hooks);
  await run.all();
  const { violations, story } = run.witness;
  const reached = run.injector.fired.map(({ row, fault }) => pair(row, fault.name));
  return { violations, story, reached, statuses: run.statuses, remaining: run.remaining() };
}
