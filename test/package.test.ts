import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { buildSync } from 'esbuild';
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
let size: number;

beforeAll(() => {
  ({ folder: project, packed, size } = projectWith(NAME, []));
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

test('a plain JavaScript app synthesizes with the packaged handler', () => {
  fs.writeFileSync(path.join(project, 'app.js'), JAVASCRIPT);
  run('app.js');
  const { template, handlers } = synthesized();
  expect(template).toContain('Custom::SnapshotCopy');
  expect(handlers).toEqual([fs.readFileSync(path.join(ROOT, 'assets', 'handler', 'index.js'), 'utf8')]);
});

test('a TypeScript app type-checks and synthesizes', () => {
  fs.writeFileSync(path.join(project, 'typed.ts'), TYPESCRIPT);
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['--strict', '--module', 'node16', '--target', 'es2022', '--types', 'node'];
  run(tsc, ...options, '--skipLibCheck', 'typed.ts');
  run('typed.js');
  expect(synthesized().template).toContain('"DeletionPolicy": "Retain"');
});

const MAX_PACKED_BYTES = 500_000;

test('the package contains what users and Construct Hub need, and nothing else', () => {
  const module = /^dist\/[a-z-]+\.(js|d\.ts)$/;
  expect(packed.filter((file) => !module.test(file))).toEqual([
    '.jsii',
    '.jsii.tabl.json',
    'API.md',
    'LICENSE',
    'README.md',
    'THIRD-PARTY-LICENSES',
    'assets/handler/index.js',
    'package.json',
    'rosetta/default.ts-fixture',
  ]);
  const modules = fs.readdirSync(path.join(ROOT, 'lib')).map((file) => file.replace(/\.ts$/, ''));
  const expected = modules.flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`]);
  expect(packed.filter((file) => module.test(file)).sort()).toEqual(expected.sort());
});

test('the package stays small', () => {
  expect(size).toBeLessThan(MAX_PACKED_BYTES);
});

describe('licenses', () => {
  test('the package has its own, with a name in its copyright line', () => {
    const license = fs.readFileSync(path.join(ROOT, 'LICENSE'), 'utf8');
    expect(license).toMatch(/^ +Apache License$/m);
    expect(license).toMatch(/^ +Copyright 20\d\d cdk-ebs-snapshot-copy contributors$/m);
  });

  test('every bundled package is listed with its version and a permissive license', () => {
    const text = fs.readFileSync(path.join(project, 'node_modules', NAME, 'THIRD-PARTY-LICENSES'), 'utf8');
    const bundled = bundledPackages();
    expect(bundled.length).toBeGreaterThan(3);
    for (const { name, version, license } of bundled) {
      expect(['Apache-2.0', 'MIT', '0BSD', 'BSD-3-Clause', 'ISC']).toContain(license);
      expect(text).toContain(`\n${name} ${version} (${license})`);
    }
    expect(text).toContain('Apache License');
  });
});

/** What the bundler sees without the cut, so that packages that the cut hides are also listed. */
function bundledPackages(): { name: string; version: string; license: string }[] {
  const { metafile } = buildSync({
    entryPoints: [path.join(ROOT, 'lambda', 'index.ts')],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    platform: 'node',
    mainFields: ['module', 'main'],
    outfile: 'index.js',
    external: ['@aws-sdk/credential-provider-node', '@smithy/core/event-streams'],
  });
  const inputs = Object.entries(metafile.outputs['index.js']?.inputs ?? {});
  const left = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
  const folders = left.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? []);
  return [...new Set(folders)].map(
    (folder) => JSON.parse(fs.readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8')) as never,
  );
}

test('peer dependencies are the only dependencies', () => {
  const text = fs.readFileSync(path.join(project, 'node_modules', NAME, 'package.json'), 'utf8');
  const manifest = JSON.parse(text) as Record<string, Record<string, string> | undefined>;
  expect(manifest).not.toHaveProperty('dependencies');
  expect(manifest).not.toHaveProperty('bundledDependencies');
  expect(Object.keys(manifest.peerDependencies ?? {})).toEqual(['aws-cdk-lib', 'constructs']);
});

test('Construct Hub can list the package: keywords, license, and an assembly with all languages', () => {
  const read = (file: string): unknown =>
    JSON.parse(fs.readFileSync(path.join(project, 'node_modules', NAME, file), 'utf8'));
  expect(read('package.json')).toMatchObject({
    license: 'Apache-2.0',
    keywords: expect.arrayContaining(['cdk', 'aws-cdk', 'awscdk']) as unknown,
    repository: { type: 'git', url: expect.stringMatching(/^https:\/\/github\.com\/[\w-]+\/[\w-]+\.git$/) as unknown },
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
