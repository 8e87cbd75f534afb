// Runs one scenario: deploys its steps, shows what happens, and checks it against the expectations.
import { setTimeout as sleepFor } from 'node:timers/promises';
import { App, CfnElement, type Stack } from 'aws-cdk-lib';
import { LocalAws, type OperationResult } from '../../local-aws';
import type { StoredSnapshot } from '../../local-aws/snapshot';
import { propsFromContext } from '../context';
import { SnapshotCopyStack } from '../snapshot-copy-stack';
import { Console, type Output } from './console';
import { Outputs } from './outputs';
import { Pace, type Sleep } from './pace';
import { addSource, REGION, wholeContext, type Expectation, type Scenario, type Step } from './scenarios';
import { Meter, type StepResult, tableOf } from './summary';
import { Watch } from './watch';

const STACK = 'SnapshotCopy';
const LEGEND =
  'Time is virtual. (handler) is the log of the library’s function, without repeats. (provider) stands for the resources ' +
  'that all copies of a stack share.';
const WAITING =
  'The column "waiting" is the cost of Lambda and Step Functions. EC2 also bills the transfer and storage of copies.';
const LAST =
  'That was the last scenario. To copy one of your own snapshots: npx cdk deploy -c sourceSnapshotId=snap-… -c sourceRegion=…';

export interface ShowOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Do not pace the output on a terminal. */
  readonly isFast?: boolean;
  /** The scenario to recommend next. */
  readonly next?: Scenario;
  /** In real time. */
  readonly sleep?: Sleep;
}

/** Returns whether everything is as expected. */
export async function show(scenario: Scenario, output: Output, options: ShowOptions): Promise<boolean> {
  const { env, isFast = false, next, sleep = sleepFor } = options;
  const pace = new Pace(output, sleep);
  const console = new Console(pace, env);
  console.line(console.styled('bold', `Scenario ${scenario.name}`));
  console.paragraph(scenario.shows);
  console.paragraph(LEGEND);
  // Set after the scene is prepared, so that the output starts with the first deployment.
  let watch: Watch | undefined;
  const aws = await LocalAws.start({
    region: REGION,
    ...scenario.settings,
    onEvent: (event) => watch?.event(event),
    onLog: (line) => watch?.handlerLog(line),
  });
  try {
    (scenario.scene ?? addSource)(aws);
    watch = new Watch(console, aws, scenario.isCrowd);
    if (console.redraws && !isFast) {
      console.sketch('Deploying on the local AWS …');
      pace.keep(() => aws.clock.now());
    }
    const isAsExpected = await new Run(console, aws, watch).run(scenario, next);
    await pace.play();
    return isAsExpected;
  } finally {
    watch?.stop();
    await aws.stop();
  }
}

/** An expectation and what happened, in words. */
interface Check {
  readonly expected: string;
  readonly happened: string;
  readonly holds: boolean;
}

class Run {
  private readonly meter: Meter;
  private readonly outputs: Outputs;
  private readonly results: StepResult[] = [];
  private snapshotId?: string;
  private isAsExpected = true;

  constructor(
    private readonly console: Console,
    private readonly aws: LocalAws,
    private readonly watch: Watch,
  ) {
    this.meter = new Meter(aws);
    this.outputs = new Outputs(console);
  }

  async run({ steps, copySnapshotCalls, lesson }: Scenario, next?: Scenario): Promise<boolean> {
    for (const step of steps) await this.perform(step);
    const calls = this.results.reduce((sum, result) => sum + result.copySnapshotCalls, 0);
    this.console.heading('Summary');
    for (const line of tableOf(this.results)) this.console.line(line);
    this.console.paragraph(WAITING);
    this.sumUp(steps.at(-1)?.expected.copies ?? 0);
    this.judge([equal(counted(copySnapshotCalls, 'call of CopySnapshot'), counted(calls, 'call of CopySnapshot'))]);
    this.console.line();
    this.console.paragraph(lesson);
    this.console.line();
    if (next) this.recommend(next);
    else this.console.paragraph(LAST);
    return this.isAsExpected;
  }

  private recommend({ name, summary }: Scenario): void {
    this.console.line(`Next: npm run demo -- --scenario ${name}`);
    this.console.paragraph(summary);
  }

  private async perform(step: Step): Promise<void> {
    this.console.heading(step.title);
    this.console.command(commandOf(step));
    step.trouble?.(this.aws);
    this.meter.begin();
    const stack = step.context ? synthesized(step) : undefined;
    this.watch.beginOperation(stack && pathsIn(stack));
    const result = await (stack ? this.aws.deploy(stack) : this.aws.destroy(STACK));
    const endedAt = this.aws.clock.now();
    // A poll that runs on after a canceled operation may still make or delete a copy.
    await this.aws.clock.settle();
    this.watch.endOperation();
    this.results.push(this.meter.end(step.title, endedAt, this.watch.copies().length));
    this.outputs.show(result.outputs, result.status);
    this.judge(this.checksOf(step.expected, result));
    this.snapshotId = result.outputs.SnapshotId ?? this.snapshotId;
  }

  private checksOf(expected: Expectation, result: OperationResult): Check[] {
    const { status, reason, output, copies, tags, copyIs } = expected;
    const { ec2 } = this.aws;
    const snapshotId = result.outputs.SnapshotId;
    const has = snapshotId === undefined ? {} : ec2.tagsOf(snapshotId);
    const named = snapshotId === this.snapshotId ? 'outputs name the same copy' : 'outputs name a new copy';
    return [
      equal(status, result.status),
      like(reason, result.reason),
      ...(output ? [equal(`outputs name ${output}`, snapshotId ? named : 'outputs name no copy')] : []),
      equal(inEc2(copies), inEc2(this.watch.copies().length)),
      ...(copyIs === undefined ? [] : [equal(copyIs, this.watch.copies().map(conditionOf).join(', '))]),
      ...Object.entries(tags ?? {}).map(([key, value]) => equal(`tag ${key}=${value}`, `tag ${key}=${has[key] ?? ''}`)),
    ];
  }

  private judge(checks: readonly Check[]): void {
    const wrong = checks.filter(({ holds }) => !holds);
    if (wrong.length === 0) {
      const all = checks.map(({ expected }) => expected).join(', ');
      this.console.sentence(`As expected: ${all}.`, 'green');
      return;
    }
    this.isAsExpected = false;
    const expected = wrong.map((check) => check.expected).join(', ');
    const happened = wrong.map((check) => check.happened).join(', ');
    this.console.sentence(`NOT AS EXPECTED: expected ${expected}; happened: ${happened}.`, 'red');
  }

  private sumUp(wanted: number): void {
    const copies = this.watch.copies();
    const ids = copies.map(({ id, region }) => `${id} in ${region}`).join(', ');
    const label = copies.length === wanted ? 'Kept on purpose' : 'Left behind unexpectedly';
    this.console.sentence(copies.length === 0 ? 'No snapshot copy is left.' : `${label}: ${ids}.`);
  }
}

function equal(expected: string, happened: string): Check {
  return { expected, happened, holds: expected === happened };
}

function like(pattern: RegExp | undefined, reason: string | undefined): Check {
  const match = pattern && reason !== undefined ? pattern.exec(reason) : undefined;
  const wanted = pattern ? `a reason like ${String(pattern)}` : 'nothing failed';
  return {
    expected: match ? `a reason with "${match[0]}"` : wanted,
    happened: reason === undefined ? 'nothing failed' : `the reason "${reason.replace(/\s+/g, ' ')}"`,
    holds: pattern ? Boolean(match) : reason === undefined,
  };
}

/** Which aspect a finished copy has. */
function conditionOf({ lock, sharedWith, tiering }: StoredSnapshot): string {
  if (typeof lock === 'object') return `locked in ${lock.mode} mode`;
  if (tiering) return tiering.kind === 'archival' ? 'being archived' : 'being restored';
  return sharedWith.size > 0 ? `shared with ${[...sharedWith].join(', ')}` : 'shared with nobody';
}

function inEc2(copies: number): string {
  return `${counted(copies, 'copy', 'copies')} in EC2`;
}

function counted(count: number, one: string, many = one.replace(/^\w+/, '$&s')): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** The command that deploys the step to a real account, in parts that belong on one line. */
function commandOf({ context }: Step): string[] {
  if (!context) return [`npx cdk destroy ${STACK}`];
  const options = Object.entries(wholeContext(context)).map(([name, value]) => {
    return `-c ${name}=${/^[\w/-]+$/.test(value) ? value : `'${value}'`}`;
  });
  return ['npx cdk deploy', ...options];
}

/** Construct paths by logical id, as the CDK CLI shows them. */
function pathsIn(stack: Stack): Map<string, string> {
  const elements = stack.node.findAll().filter((construct) => CfnElement.isCfnElement(construct));
  return new Map(
    elements.map((element) => {
      const path = element.node.path.replace(/\/(Resource|Default)$/, '').replace(`${stack.node.path}/`, '');
      return [String(stack.resolve(element.logicalId)), path];
    }),
  );
}

function synthesized({ context, addition }: Step): SnapshotCopyStack {
  // The CDK's own validation of the template takes seconds. The tests keep it on.
  const app = new App({ builtinCloudFormationValidation: false });
  const props = propsFromContext(wholeContext(context));
  const stack = new SnapshotCopyStack(app, STACK, { ...props, env: { region: REGION } });
  addition?.(stack);
  return stack;
}
