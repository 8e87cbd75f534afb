// Deploys the app in this folder to the local AWS, in virtual time, and shows what the CloudFormation console would show.
import { parseArgs } from 'node:util';
import { type Output, wrapped } from './demo/console';
import { show } from './demo/run';
import { SCENARIOS, type Scenario } from './demo/scenarios';

const NAME_WIDTH = 20;
const TEXT_WIDTH = 80;

const list = (scenarios: readonly Scenario[]): string => scenarios.map(entryOf).join('');

function entryOf({ name, summary }: Scenario): string {
  const lines = wrapped(summary, TEXT_WIDTH - NAME_WIDTH);
  return lines.map((line, n) => `${(n === 0 ? `  ${name}` : '').padEnd(NAME_WIDTH)}${line}\n`).join('');
}

const usage = (scenarios: readonly Scenario[]): string => `Usage: npm run demo
       npm run demo -- --scenario NAME [--fast]
       npm run demo -- --list

Deploys the app in bin/ to a local AWS, without an account, and shows what the
CloudFormation console would show. Time is virtual: on a terminal, a scenario
takes about 12 seconds. It takes less with --fast, or if the output is not a
terminal. The exit code is 1 if something unexpected happens.

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
    err.write(`${command} See: npm run demo -- --help\n`);
    return 2;
  }
  if ('print' in command) {
    out.write(command.print);
    return 0;
  }
  const { isFast, scenario } = command;
  const next = scenarios[scenarios.indexOf(scenario) + 1];
  return (await show(scenario, out, { env: process.env, isFast, next })) ? 0 : 1;
}

type Command = { readonly print: string } | { readonly scenario: Scenario; readonly isFast: boolean };

/** Returns a message if the command line is wrong. */
function parse(args: readonly string[], scenarios: readonly Scenario[]): Command | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string' },
        fast: { type: 'boolean', default: false },
        list: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) return { print: usage(scenarios) };
    if (values.list) return { print: list(scenarios) };
    const name = values.scenario ?? scenarios[0]?.name;
    const scenario = scenarios.find((each) => each.name === name);
    return scenario ? { scenario, isFast: values.fast } : `There is no scenario "${name ?? ''}".`;
  } catch (error) {
    return `${(error as Error).message.replace(/\.*$/, '')}.`;
  }
}

if (require.main === module) {
  // It is not a failure if a reader, such as head, stops early.
  process.stdout.on('error', () => process.exit());
  void main(process.argv.slice(2), process.stdout, process.stderr).then((code) => {
    process.exitCode = code;
  });
}
