import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { main, show } from '../../bin/demo';
import { Console, type Output } from '../../bin/demo/console';
import { SCENARIOS, type Scenario } from '../../bin/demo/scenarios';

const ROOT = path.join(__dirname, '..', '..');

class Captured implements Output {
  text = '';

  constructor(
    readonly isTTY = false,
    readonly columns = 100,
  ) {}

  write(text: string): void {
    this.text += text;
  }
}

async function demo(args: readonly string[], scenarios?: readonly Scenario[]) {
  const out = new Captured();
  const err = new Captured();
  const code = await main(args, out, err, scenarios);
  return { code, out: out.text, err: err.text };
}

function named(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (!scenario) throw new Error(`there is no scenario ${name}`);
  return scenario;
}

/** The lines of a text that hold one of each of these, in this order. */
function expectInOrder(text: string, lines: readonly RegExp[]): void {
  let rest = text.split('\n');
  for (const line of lines) {
    const at = rest.findIndex((each) => line.test(each));
    if (at < 0) throw new Error(`${String(line)} does not come in:\n${rest.join('\n')}`);
    rest = rest.slice(at + 1);
  }
}

const REASONS: Readonly<Record<string, RegExp>> = {
  'kms-key-disabled': /: KMS key alias\/backup is in state Disabled in eu-west-1; the copy needs an enabled/,
  'source-missing': /: source snapshot snap-0123456789abcdef0 was not found in us-east-1: .* share it/,
  'copy-error': /failed: EC2 says of snap-\w{17} "Given key ID is not accessible"; check of each key/,
  timeout: /was 43 % done after 15 minutes; raise "timeout" \(now 15 minutes\), or set "completionDuration"/,
  'queue-full': /\(handler\) +wait: ResourceLimitExceeded: Too many snapshot copies in progress/,
  rollback: /^ +Rate exceeded/,
  cancelled: /^ +Resource creation cancelled/,
  'lost-response': /\(handler\) +wait: TimeoutError: socket hang up/,
  retain: /Copy\w+ +DELETE_SKIPPED {2}snap-/,
};

describe.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('%s', (name, scenario) => {
  test('goes as it says, in plain lines without the noise of the framework', async () => {
    const { code, out, err } = await demo(['--scenario', name]);
    expect(out).not.toContain('NOT AS EXPECTED');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expectInOrder(out, [/^Scenario /, ...(REASONS[name] ? [REASONS[name]] : []), /^As expected: /, /^In the end$/]);
    expect(out).toMatch(
      name === 'retain' ? /^Left, on purpose: snap-\w+ in eu-west-1\.$/m : /^No snapshot copy is left/m,
    );
    const words = out.replace(/\s+/g, ' ');
    expect(words).toContain(scenario.shows);
    expect(words.trimEnd().endsWith(scenario.lesson)).toBe(true);
    expect(out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(out).not.toMatch(/[Ff]rameworkon|waiterstatemachine|undefined|^ +at /m);
  });
});

test('without arguments, the life of a copy: created, updated in place, replaced and deleted', async () => {
  const { out } = await demo([]);
  expectInOrder(out, [
    /^\$ npx cdk deploy -c sourceSnapshotId=snap-0123456789abcdef0 -c sourceRegion=us-east-1$/,
    /^00:00:00 {2}SnapshotCopy +CREATE_IN_PROGRESS {2}User Initiated$/,
    /^\d\d:\d\d:\d\d {2}Copy\w+ +CREATE_IN_PROGRESS$/,
    /snap-\w{17} {2}\[#{10}-{10}\] +5\d % {2}after 00:05:\d\d$/,
    /snap-\w{17} {2}\[#{20}\] 100 % {2}after 00:10:00$/,
    /^00:1\d:\d\d {2}Copy\w+ +CREATE_COMPLETE {2}snap-\w{17}$/,
    /^Outputs:$/,
    /^ {2}SnapshotId +snap-\w{17}$/,
    /^As expected: CREATE_COMPLETE, nothing failed, outputs name a new copy, 1 copy in EC2\.$/,
    /\(handler\) +tag snap-\w{17}: set team$/,
    /^As expected: UPDATE_COMPLETE, .* the same copy, 1 copy in EC2, tag team=storage\.$/,
    /-c tags='{"team":"storage"}' -c kmsKeyId=alias\/backup$/,
    /SnapshotCopy +UPDATE_COMPLETE_CLEANUP_IN_PROGRESS$/,
    /snap-\w{17} {2}deleted \(was completed\)$/,
    /^ {2}KmsKeyArn +arn:aws:kms:eu-west-1:/,
    /^\$ npx cdk destroy SnapshotCopy$/,
    /SnapshotCopy +DELETE_COMPLETE$/,
    /^No snapshot copy is left\.$/,
    /^As expected: 2 calls of CopySnapshot\.$/,
  ]);
});

test('what was not expected is said in one line, and makes the exit code 1', async () => {
  const retain = named('retain');
  const [create, destroy] = retain.steps as [Scenario['steps'][0], Scenario['steps'][0]];
  const steps = [
    { ...create, expected: { ...create.expected, status: 'CREATE_FAILED', reason: /no such/ } },
    { ...destroy, expected: { ...destroy.expected, copies: 0 } },
  ];
  const { code, out } = await demo([], [{ ...retain, steps, copySnapshotCalls: 2 }]);
  expect(code).toBe(1);
  expectInOrder(out, [
    /^NOT AS EXPECTED: expected CREATE_FAILED, a reason like \/no such\/; happened: CREATE_COMPLETE, nothing failed\.$/,
    /^NOT AS EXPECTED: expected 0 copies in EC2; happened: 1 copy in EC2\.$/,
    /^Left, and that is not as it should be: snap-/,
    /^NOT AS EXPECTED: expected 2 calls of CopySnapshot; happened: 1 call of CopySnapshot\.$/,
  ]);
});

test('on a terminal the progress has one line, which is redrawn and never wider than the terminal', async () => {
  const out = new Captured(true, 60);
  expect(await show(named('lost-response'), new Console(out, {}))).toBe(true);
  const drawn = out.text.split('\r\u001b[2K').filter((part) => part.includes('[#') && !part.includes('\n'));
  expect(drawn.length).toBeGreaterThan(20);
  expect(Math.max(...drawn.map((part) => part.length))).toBe(59);
  const left = out.text.split('\n').map((line) => line.split('\r\u001b[2K').at(-1) ?? '');
  expect(left.filter((line) => line.includes('  after '))).toHaveLength(1);
  expect(out.text).toContain('\u001b[32mCREATE_COMPLETE\u001b[39m');
});

test.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])('a terminal that wants it plain (%p) gets plain lines', (env) => {
  expect(new Console(new Captured(true), env).redraws).toBe(false);
});

test.each([
  [['--scenario', 'nonesuch'], 'There is no scenario "nonesuch".'],
  [['--scenario'], /--scenario/],
  [['--colour'], "Unknown option '--colour'"],
  [['timeout'], "Unexpected argument 'timeout'"],
])('%p is answered with the usage on stderr and exit code 2', async (args, message) => {
  const { code, out, err } = await demo(args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(message);
  expect(err).toContain('Usage: npm run demo');
});

test('--help names all scenarios', async () => {
  const { code, out } = await demo(['--help']);
  expect(code).toBe(0);
  for (const { name, summary } of SCENARIOS) expect(out).toContain(`  ${name.padEnd(18)}${summary}\n`);
});

describe('as a process', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'bin/demo.ts', ...args], {
      cwd: ROOT,
      encoding: 'utf8',
      timeout: 20_000,
    });

  test('--list has a line for each scenario', () => {
    const { status, stdout, stderr } = run('--list');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toHaveLength(SCENARIOS.length);
  });

  test('it ends by itself', () => {
    const { status, stdout, stderr } = run('--scenario', 'kms-key-disabled');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('No snapshot copy is left.');
  });

  test('a wrong scenario is its exit code', () => {
    expect(run('--scenario', 'nonesuch').status).toBe(2);
  });
});
