// npm run test:integ: deploys each integration test with the present credentials, looks at its assertions, and destroys
// it. With --synth it only synthesizes them, which needs no account, and compares their templates with those that are
// checked in, so that a review shows what has changed; with --update it writes them.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

const TESTS = path.join(__dirname, '..', 'test', 'integ');
const TEMPLATES = path.join(TESTS, 'templates');
const updates = process.argv.includes('--update');
const synthOnly = updates || process.argv.includes('--synth');
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'integ-'));
const outputsFile = path.join(scratch, 'outputs.json');

function cdk(file: string, ...args: string[]): boolean {
  const app = `npx tsx ${path.join(TESTS, file)}`;
  const common = ['--app', app, '--output', path.join(scratch, 'cdk.out')];
  return spawnSync('npx', ['cdk', ...args, ...common], { stdio: 'inherit' }).status === 0;
}

function deployAndDestroy(file: string): boolean {
  const isDeployed = cdk(file, 'deploy', '--all', '--require-approval', 'never', '--outputs-file', outputsFile);
  const isAsExpected = isDeployed && assertionsHold();
  return cdk(file, 'destroy', '--all', '--force') && isAsExpected;
}

/** An assertion that fails does not fail the deployment: it is an output. */
function assertionsHold(): boolean {
  const stacks = JSON.parse(fs.readFileSync(outputsFile, 'utf8')) as Record<string, Record<string, string>>;
  const outputs = Object.values(stacks).flatMap((stack) => Object.entries(stack));
  const assertions = outputs.filter(([name]) => name.startsWith('AssertionResults')).map(([, result]) => result);
  const failed = assertions.filter((result) => (JSON.parse(result) as { status: string }).status !== 'success');
  for (const result of failed) console.error(result);
  return assertions.length > 0 && failed.length === 0;
}

/** The hash of a function's code, or of the template itself, says nothing to a reader. */
function templateOf(file: string): string {
  const out = path.join(scratch, 'cdk.out');
  const isStack = (name: string): boolean => /^SnapshotCopy(?!.*Assert).*\.template\.json$/.test(name);
  const [name, ...others] = fs.readdirSync(out).filter(isStack);
  if (name === undefined || others.length > 0) throw new Error(`${file} has not exactly one stack`);
  const template = fs.readFileSync(path.join(out, name), 'utf8').replace(/\b[0-9a-f]{64}\b/g, 'HASH');
  return `${JSON.stringify(inOrder(JSON.parse(template)), undefined, 1)}\n`;
}

/** The CDK orders what it merges in a policy by the numbers of its tokens, which change with everything else. */
function inOrder(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => inOrder(item));
    const isSet = ['Action', 'Resource', 'Statement'].includes(name);
    return isSet ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, inOrder(item, key)]));
}

function synthesize(file: string): boolean {
  fs.rmSync(path.join(scratch, 'cdk.out'), { recursive: true, force: true });
  if (!cdk(file, 'synth', '--quiet', '--no-lookups', '--no-version-reporting')) return false;
  const kept = path.join(TEMPLATES, file.replace(/\.ts$/, '.json'));
  const template = templateOf(file);
  if (updates) fs.writeFileSync(kept, template);
  if (fs.existsSync(kept) && fs.readFileSync(kept, 'utf8') === template) return true;
  const present = path.join(scratch, file.replace(/\.ts$/, '.json'));
  fs.writeFileSync(present, template);
  spawnSync('git', ['--no-pager', 'diff', '--no-index', kept, present], { stdio: 'inherit' });
  console.error('the template has changed: if that is right, run npm run test:integ -- --update');
  return false;
}

const files = fs.readdirSync(TESTS).filter((name) => /^integ\..*\.ts$/.test(name));
for (const file of files) {
  const isRight = synthOnly ? synthesize(file) : deployAndDestroy(file);
  console.log(`${file}: ${isRight ? 'as expected' : 'FAILED'}`);
  if (!isRight) process.exitCode = 1;
}
fs.rmSync(scratch, { recursive: true });
