import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { projectWith } from './installed-package';

const ROOT = path.join(__dirname, '..');
const NAME = 'cdk-ebs-snapshot-copy';

const JAVASCRIPT = `
const { App, Stack } = require('aws-cdk-lib');
const { SnapshotCopy } = require('${NAME}');
const app = new App({ outdir: 'cdk.out' });
new SnapshotCopy(new Stack(app, 'Stack'), 'Copy', { sourceSnapshotId: 'snap-0123456789abcdef0' });
app.synth();
`;

const TYPESCRIPT = `
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { SnapshotCopy, type SnapshotCopyProps } from '${NAME}';
const props: SnapshotCopyProps = {
  sourceSnapshotId: 'snap-0123456789abcdef0',
  timeout: Duration.minutes(30),
  removalPolicy: RemovalPolicy.RETAIN,
};
const app = new App({ outdir: 'cdk.out' });
const stack = new Stack(app, 'Stack');
const copy = new SnapshotCopy(stack, 'Copy', props);
const sourceSnapshotId: string = copy.snapshotId;
new SnapshotCopy(stack, 'Again', { sourceSnapshotId, description: copy.snapshotOwnerId });
// @ts-expect-error: a prop that does not exist
const misspelt: SnapshotCopyProps = { sourceSnapshotId, sourceSnapshot: 'x' };
void misspelt;
app.synth();
`;

let project: string;
let packed: readonly string[];

beforeAll(() => {
  ({ folder: project, packed } = projectWith(NAME, []));
});

afterAll(() => {
  fs.rmSync(project, { recursive: true });
});

function run(script: string, ...args: string[]): void {
  execFileSync(process.execPath, [script, ...args], { cwd: project, encoding: 'utf8' });
}

function filesOfHandlerIn(assembly: string): string[] {
  return fs
    .readdirSync(assembly)
    .map((entry) => path.join(assembly, entry, 'index.js'))
    .filter((file) => fs.existsSync(file))
    .map((file) => fs.readFileSync(file, 'utf8'));
}

function synthesized(): { template: string; handlers: string[] } {
  const assembly = path.join(project, 'cdk.out');
  const template = fs.readFileSync(path.join(assembly, 'Stack.template.json'), 'utf8');
  return { template, handlers: filesOfHandlerIn(assembly) };
}

test('an app in plain JavaScript synthesizes with the handler that is in the package', () => {
  fs.writeFileSync(path.join(project, 'app.js'), JAVASCRIPT);
  run('app.js');
  const { template, handlers } = synthesized();
  expect(template).toContain('Custom::SnapshotCopy');
  expect(handlers).toEqual([fs.readFileSync(path.join(ROOT, 'assets', 'handler', 'index.js'), 'utf8')]);
});

test('an app in TypeScript type-checks and synthesizes', () => {
  fs.writeFileSync(path.join(project, 'typed.ts'), TYPESCRIPT);
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['--strict', '--module', 'node16', '--target', 'es2022', '--types', 'node'];
  run(tsc, ...options, '--skipLibCheck', 'typed.ts');
  run('typed.js');
  expect(synthesized().template).toContain('"DeletionPolicy": "Retain"');
});

test('the package contains only what users need', () => {
  const expected =
    /^(dist\/[a-z-]+\.(js|d\.ts)|assets\/handler\/index\.js|\.jsii|package\.json|LICENSE|NOTICE|README\.md|docs\/flow\.svg)$/;
  expect(packed.filter((file) => !expected.test(file))).toEqual([]);
  expect(packed).toEqual(
    expect.arrayContaining(['assets/handler/index.js', 'dist/index.d.ts', 'dist/index.js', '.jsii']),
  );
});

test('the peers are the only dependencies', () => {
  const text = fs.readFileSync(path.join(project, 'node_modules', NAME, 'package.json'), 'utf8');
  const manifest = JSON.parse(text) as Record<string, Record<string, string> | undefined>;
  expect(manifest).not.toHaveProperty('dependencies');
  expect(manifest).not.toHaveProperty('bundledDependencies');
  expect(Object.keys(manifest.peerDependencies ?? {})).toEqual(['aws-cdk-lib', 'constructs']);
});

test('Construct Hub can list it: its keyword and licence, and an assembly with all languages', () => {
  const read = (file: string): unknown =>
    JSON.parse(fs.readFileSync(path.join(project, 'node_modules', NAME, file), 'utf8'));
  expect(read('package.json')).toMatchObject({
    license: 'Apache-2.0',
    keywords: expect.arrayContaining(['cdk', 'aws-cdk', 'awscdk']) as unknown,
    repository: { type: 'git', url: expect.stringMatching(/^git\+https:\/\/github\.com\//) as unknown },
    stability: 'experimental',
  });
  const { targets, docs } = read('.jsii') as { targets: object; docs: { stability: string } };
  expect(Object.keys(targets).sort()).toEqual(['dotnet', 'go', 'java', 'js', 'python']);
  expect(docs.stability).toBe('experimental');
});

test('nothing internal is exported', () => {
  const index = execFileSync(process.execPath, ['-p', `Object.keys(require(${JSON.stringify(NAME)})).sort().join()`], {
    cwd: project,
    encoding: 'utf8',
  });
  expect(index.trim().split(',')).toEqual([
    'FastSnapshotRestore',
    'SnapshotCopy',
    'SnapshotCopyDryRun',
    'SnapshotCopyProvider',
    'SnapshotGrants',
    'SnapshotLock',
    'StorageTier',
  ]);
});
