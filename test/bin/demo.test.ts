import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { main } from '../../bin/demo';
import { Console, ERASE_LINE, type Output, wrapped } from '../../bin/demo/console';
import { Pace, pausesBefore } from '../../bin/demo/pace';
import { show } from '../../bin/demo/run';
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

const ran = new Map<string, ReturnType<typeof demo>>();

/** The demo when its output is not a terminal. Each scenario runs once. */
function plain(name: string): ReturnType<typeof demo> {
  const running = ran.get(name) ?? demo(['--scenario', name]);
  ran.set(name, running);
  return running;
}

function named(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (!scenario) throw new Error(`there is no scenario ${name}`);
  return scenario;
}

/** Expects lines in the text that match these patterns, in this order. */
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
  'copy-error': /failed: EC2 says of snap-\w{17} "Given key ID is not accessible"; check that each key/,
  timeout: /was 43% done after 15 minutes; raise "timeout" \(now 15 minutes\), or set "completionDuration"/,
  'queue-full': /\(handler\) +wait: ResourceLimitExceeded: Too many snapshot copies in progress/,
  rollback: /^ +Rate exceeded/,
  canceled: /^ +Resource creation canceled/,
  'lost-response': /\(handler\) +wait: TimeoutError: socket hang up/,
  retain: /Copy +DELETE_SKIPPED {2}snap-/,
};

describe.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('%s', (name, scenario) => {
  test('runs as described, in plain lines without framework noise', async () => {
    const { code, out, err } = await plain(name);
    expect(out).not.toContain('NOT AS EXPECTED');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expectInOrder(out, [/^Scenario /, ...(REASONS[name] ? [REASONS[name]] : []), /^As expected: /, /^Summary$/]);
    expect(out).toMatch(
      ['lock', 'retain'].includes(name) ? /^Kept on purpose: snap-\w+ in eu-west-1\.$/m : /^No snapshot copy is left/m,
    );
    const words = out.replace(/\s+/g, ' ');
    expect(words).toContain(scenario.shows);
    expect(words).toContain(scenario.lesson);
    expect(out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(out).not.toMatch(/[Ff]rameworkon|waiterstatemachine|undefined|^ +at /m);
  });
});

test('lifecycle creates a copy, updates it in place, replaces it, and deletes it', async () => {
  const { out } = await plain('lifecycle');
  expectInOrder(out, [
    /^\$ npx cdk deploy -c sourceSnapshotId=snap-0123456789abcdef0 -c sourceRegion=us-east-1$/,
    /^00:00:00 {2}SnapshotCopy +CREATE_IN_PROGRESS {2}User Initiated$/,
    /^\d\d:\d\d:\d\d {2}Copy +CREATE_IN_PROGRESS$/,
    /snap-\w{17} {2}\[#{8}-{8}\] {2}5\d\/100 GiB, 5 min left$/,
    /snap-\w{17} {2}\[#{16}\] {2}100\/100 GiB, took 10 min$/,
    /^00:1\d:\d\d {2}Copy +CREATE_COMPLETE {2}snap-\w{17}$/,
    /^Outputs:$/,
    /^ {2}SnapshotId +snap-\w{17}$/,
    /^As expected: CREATE_COMPLETE, nothing failed, outputs name a new copy, 1 copy in EC2\.$/,
    /\(handler\) +tag snap-\w{17}: set team$/,
    /^Outputs unchanged: updated in place, same copy\.$/,
    /^As expected: UPDATE_COMPLETE, .* the same copy, 1 copy in EC2, tag team=storage\.$/,
    /-c tags='{"team":"storage"}' -c kmsKeyId=alias\/backup$/,
    /SnapshotCopy +UPDATE_COMPLETE_CLEANUP_IN_PROGRESS$/,
    /snap-\w{17} {2}deleted \(was completed\)$/,
    /^Outputs changed: a new copy has replaced the old one\.$/,
    /^ {2}SnapshotId +snap-\w{17}$/,
    /^ {2}KmsKeyArn +arn:aws:kms:eu-west-1:/,
    /^\$ npx cdk destroy SnapshotCopy$/,
    /SnapshotCopy +DELETE_COMPLETE$/,
    /^step +time +copies +CopySnapshot +waiting$/,
    /^Create the stack +00:1\d:\d\d +1 +1 +\$0\.000\d$/,
    /^Add a tag: an update in place +00:00:\d\d +1 +0 +<\$0\.0001$/,
    /^Encrypt under a key: a replacement, +00:1\d:\d\d +1 +1 +\$0\.000\d$/,
    /^new copy first$/,
    /^Delete the stack +00:0\d:\d\d +0 +0 +<\$0\.0001$/,
    /^No snapshot copy is left\.$/,
    /^As expected: 2 calls of CopySnapshot\.$/,
    /^Next: npm run demo -- --scenario kms-key-disabled$/,
  ]);
});

test('each unexpected result gets one line, and the exit code is 1', async () => {
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
    /^Left behind unexpectedly: snap-/,
    /^NOT AS EXPECTED: expected 2 calls of CopySnapshot; happened: 1 call of CopySnapshot\.$/,
  ]);
});

/** What the screen finally shows of each line, without colors. */
function linesOf(text: string): string[] {
  const left = text.split('\n').map((line) => line.slice(line.lastIndexOf(ERASE_LINE) + 1));
  return stripVTControlCharacters(left.join('\n')).split('\n');
}

test('on a terminal, progress takes one line, which is redrawn and never wider than the terminal', async () => {
  const out = new Captured(true, 60);
  expect(await show(named('lost-response'), out, { env: {}, isFast: true })).toBe(true);
  const drawn = out.text.split('\r\u001b[2K').filter((part) => part.includes('[#') && !part.includes('\n'));
  expect(drawn.length).toBeGreaterThan(20);
  expect(Math.max(...drawn.map((part) => part.length))).toBe(59);
  expect(linesOf(out.text).filter((line) => line.includes('/100 GiB'))).toHaveLength(1);
  expect(out.text).toContain('\u001b[32mCREATE_COMPLETE\u001b[39m');
});

const CAPTURES = [
  ...SCENARIOS.map(({ name }) => [name, 80, 24] as const),
  ...['lifecycle', 'rollback'].map((name) => [name, 120, 40] as const),
];

test.each(CAPTURES)(
  '%s on a %i × %i terminal cuts no lines, and breaks them only between words',
  async (name, columns, rows) => {
    const out = new Captured(true, columns);
    expect(await show(named(name), out, { env: {}, isFast: true, next: SCENARIOS[1] })).toBe(true);
    const lines = linesOf(out.text);
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
    const words = new Set(wordsOf((await plain(name)).out));
    expect(wordsOf(lines.join('\n')).filter((word) => !words.has(word))).toEqual([]);
    // The whole summary fits on the screen.
    expect(lines.length - lines.indexOf('Summary')).toBeLessThanOrEqual(rows);
  },
);

/** The words that both outputs have. Leaves out progress bars, which differ on a terminal. */
function wordsOf(text: string): string[] {
  const words = text.replace(/^Next: .*$[^]*/m, '').split(/\s+/);
  return words.filter((word) => !/^([\d:]+|\\|\[[#-]+\])$/.test(word));
}

test('on a terminal, a scenario takes seconds, in many short pauses', async () => {
  const pauses: number[] = [];
  const sleep = (ms: number) => Promise.resolve(pauses.push(ms));
  const [slow, fast] = [new Captured(true, 80), new Captured(true, 80)];
  expect(await show(named('lifecycle'), slow, { env: {}, sleep })).toBe(true);
  expect(
    await show(named('lifecycle'), fast, { env: {}, isFast: true, sleep: () => Promise.reject(new Error()) }),
  ).toBe(true);
  const whole = pauses.reduce((sum, pause) => sum + pause, 0);
  expect(whole).toBeGreaterThan(8_000);
  expect(whole).toBeLessThan(10_000);
  expect(pauses.length).toBeGreaterThan(100);
  expect(linesOf(slow.text)).toEqual(linesOf(fast.text));
});

test('nothing waits if the output is not a terminal', async () => {
  const out = new Captured();
  expect(await show(named('kms-key-disabled'), out, { env: {}, sleep: () => Promise.reject(new Error()) })).toBe(true);
});

describe('the pace', () => {
  test('follows virtual time, with a moment for each line', () => {
    const [first, second, third] = pausesBefore([
      { at: 0, text: 'a\n' },
      { at: 60_000, text: 'b\n' },
      { at: 180_000, text: 'c' },
    ]);
    expect(first).toBe(35);
    expect(((second ?? 0) - 35) * 2).toBeCloseTo(third ?? 0);
  });

  test('writes at once until it keeps something, and again after that has played', async () => {
    const out = new Captured(true);
    const pace = new Pace(out, () => Promise.resolve());
    pace.write('a');
    pace.keep(() => 0);
    pace.write('b');
    expect(out.text).toBe('a');
    await pace.play();
    pace.write('c');
    expect(out.text).toBe('abc');
  });
});

test.each<[string, string[]]>([
  ['a bc d', ['a bc', 'd']],
  ['  a  bcd', ['  a', 'bcd']],
  ['abcdefg h', ['abcdefg', 'h']],
  ['', ['']],
])('%p is broken only at spaces', (text, lines) => {
  expect(wrapped(text, 5)).toEqual(lines);
});

test.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])('a terminal that wants plain output (%p) gets plain lines', (env) => {
  expect(new Console(new Captured(true), env).redraws).toBe(false);
});

test.each([
  [['--scenario', 'nonesuch'], 'There is no scenario "nonesuch".'],
  [['--scenario'], /--scenario/],
  [['--colour'], "Unknown option '--colour'"],
  [['timeout'], "Unexpected argument 'timeout'"],
])('%p gets a pointer to the usage on stderr, and exit code 2', async (args, message) => {
  const { code, out, err } = await demo(args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(message);
  expect(err).toMatch(/\. See: npm run demo -- --help\n$/);
  expect(err.split('\n')).toHaveLength(2);
});

test('--help names all scenarios', async () => {
  const { code, out } = await demo(['--help']);
  expect(code).toBe(0);
  const words = out.replace(/\s+/g, ' ');
  for (const { name, summary } of SCENARIOS) expect(words).toContain(` ${name} ${summary} `);
  expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
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
    expect(stdout.split('\n').filter((line) => /^ {2}\w/.test(line))).toHaveLength(SCENARIOS.length);
  });

  test('a scenario exits by itself', () => {
    const { status, stdout, stderr } = run('--scenario', 'kms-key-disabled');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('No snapshot copy is left.');
  });

  test('an unknown scenario exits with code 2', () => {
    expect(run('--scenario', 'nonesuch').status).toBe(2);
  });
});
