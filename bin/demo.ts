// Deploys the app of this folder on the local AWS, in virtual time, and shows what the CloudFormation console would show.
import { parseArgs } from 'node:util';
import { App } from 'aws-cdk-lib';
import { LocalAws, type OperationResult } from '../local-aws';
import { propsFromContext } from './context';
import { Console, Watch, type Output } from './demo/console';
import {
  addSource,
  REGION,
  SCENARIOS,
  wholeContext,
  type Expectation,
  type Scenario,
  type Step,
} from './demo/scenarios';
import { SnapshotCopyStack } from './snapshot-copy-stack';

const STACK = 'SnapshotCopy';

const list = (scenarios: readonly Scenario[]): string =>
  scenarios.map(({ name, summary }) => `  ${name.padEnd(18)}${summary}\n`).join('');

const usage = (scenarios: readonly Scenario[]): string => `Usage: npm run demo [-- --scenario NAME | --list | --help]

Deploys the app in bin/ on a local AWS, without an account, and shows what the CloudFormation console would show.
Time is virtual: an hour of waiting takes a moment. The exit code is 1 if something unexpected happens.

Scenarios:
${list(scenarios)}`;

/** Returns the exit code: 0 if everything is as expected, 1 if it is not, 2 if the command line is wrong. */
export async function main(
  args: readonly string[],
  out: Output,
  err: Output,
  scenarios: readonly Scenario[] = SCENARIOS,
): Promise<number> {
  const command = parse(args, scenarios);
  if (typeof command === 'string') {
    err.write(`${command}\n\n${usage(scenarios)}`);
    return 2;
  }
  if ('print' in command) {
    out.write(command.print);
    return 0;
  }
  return (await show(command, new Console(out, process.env))) ? 0 : 1;
}

/** Returns a text if the command line is wrong: what is wrong with it. */
function parse(args: readonly string[], scenarios: readonly Scenario[]): Scenario | { print: string } | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { scenario: { type: 'string' }, list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) return { print: usage(scenarios) };
    if (values.list) return { print: list(scenarios) };
    const name = values.scenario ?? scenarios[0]?.name;
    return scenarios.find((scenario) => scenario.name === name) ?? `There is no scenario "${name ?? ''}".`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Returns whether everything is as expected. */
export async function show(scenario: Scenario, console: Console): Promise<boolean> {
  console.line(console.styled('bold', `Scenario ${scenario.name}`));
  console.paragraph(scenario.shows);
  console.paragraph('Time is virtual. Lines with (handler) come from the log of the handler, each of them once.');
  // Set when there is something to watch.
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
    return await new Run(console, aws, watch).run(scenario);
  } finally {
    watch?.stop();
    await aws.stop();
  }
}

/** What was expected, and what happened, in words. */
interface Check {
  readonly expected: string;
  readonly happened: string;
  readonly holds: boolean;
}

class Run {
  private snapshotId?: string;
  private isAsExpected = true;

  constructor(
    private readonly console: Console,
    private readonly aws: LocalAws,
    private readonly watch: Watch,
  ) {}

  async run({ steps, copySnapshotCalls, lesson }: Scenario): Promise<boolean> {
    for (const step of steps) await this.perform(step);
    const calls = this.aws.services.calls.filter(({ action }) => action === 'CopySnapshot').length;
    this.console.heading('In the end');
    this.sumUp(steps.at(-1)?.expected.copies ?? 0);
    this.judge([equal(counted(copySnapshotCalls, 'call of CopySnapshot'), counted(calls, 'call of CopySnapshot'))]);
    this.console.line();
    this.console.paragraph(lesson);
    return this.isAsExpected;
  }

  private async perform(step: Step): Promise<void> {
    this.console.heading(step.title);
    this.console.line(`$ ${commandOf(step)}`);
    step.trouble?.(this.aws);
    this.watch.beginOperation();
    const result = await (step.context ? this.aws.deploy(synthesized(step)) : this.aws.destroy(STACK));
    // What still polls after a cancelled operation may make a copy, or delete one.
    await this.aws.clock.settle();
    this.watch.endOperation();
    this.showOutputs(result);
    this.judge(this.checksOf(step.expected, result));
    this.snapshotId = result.outputs.SnapshotId ?? this.snapshotId;
  }

  private showOutputs({ status, outputs }: OperationResult): void {
    if (status === 'DELETE_COMPLETE') return;
    const entries = Object.entries(outputs);
    if (entries.length > 0) this.console.line('Outputs:');
    for (const [name, value] of entries) this.console.line(`  ${name.padEnd(12)}  ${value || '(empty)'}`);
  }

  private checksOf({ status, reason, output, copies, tags }: Expectation, result: OperationResult): Check[] {
    const { ec2 } = this.aws;
    const snapshotId = result.outputs.SnapshotId;
    const has = snapshotId === undefined ? {} : ec2.tagsOf(snapshotId);
    const named = snapshotId === this.snapshotId ? 'outputs name the same copy' : 'outputs name a new copy';
    return [
      equal(status, result.status),
      like(reason, result.reason),
      ...(output ? [equal(`outputs name ${output}`, snapshotId ? named : 'outputs name no copy')] : []),
      equal(inEc2(copies), inEc2(this.watch.copies().length)),
      ...Object.entries(tags ?? {}).map(([key, value]) => equal(`tag ${key}=${value}`, `tag ${key}=${has[key] ?? ''}`)),
    ];
  }

  private judge(checks: readonly Check[]): void {
    const wrong = checks.filter(({ holds }) => !holds);
    if (wrong.length === 0) {
      const all = checks.map(({ expected }) => expected).join(', ');
      this.console.line(this.console.styled('green', `As expected: ${all}.`));
      return;
    }
    this.isAsExpected = false;
    const expected = wrong.map((check) => check.expected).join(', ');
    const happened = wrong.map((check) => check.happened).join(', ');
    this.console.line(this.console.styled('red', `NOT AS EXPECTED: expected ${expected}; happened: ${happened}.`));
  }

  private sumUp(wanted: number): void {
    const copies = this.watch.copies();
    const ids = copies.map(({ id, region }) => `${id} in ${region}`).join(', ');
    const purpose = copies.length === wanted ? 'on purpose' : 'and that is not as it should be';
    this.console.line(copies.length === 0 ? 'No snapshot copy is left.' : `Left, ${purpose}: ${ids}.`);
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

function inEc2(copies: number): string {
  return `${counted(copies, 'copy', 'copies')} in EC2`;
}

function counted(count: number, one: string, many = one.replace(/^\w+/, '$&s')): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** What you would type if you had an account. */
function commandOf({ context }: Step): string {
  if (!context) return `npx cdk destroy ${STACK}`;
  const options = Object.entries(wholeContext(context)).map(([name, value]) => {
    return `-c ${name}=${/^[\w/-]+$/.test(value) ? value : `'${value}'`}`;
  });
  return ['npx cdk deploy', ...options].join(' ');
}

function synthesized({ context, addition }: Step): SnapshotCopyStack {
  // The CDK's own validation of the template takes seconds. The tests have it on.
  const app = new App({ builtinCloudFormationValidation: false });
  const props = propsFromContext(wholeContext(context));
  const stack = new SnapshotCopyStack(app, STACK, { ...props, env: { region: REGION } });
  addition?.(stack);
  return stack;
}

if (require.main === module) {
  // A reader that stops early, such as head, is no failure.
  process.stdout.on('error', () => process.exit());
  void main(process.argv.slice(2), process.stdout, process.stderr).then((code) => {
    process.exitCode = code;
  });
}
