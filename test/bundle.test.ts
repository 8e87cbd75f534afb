import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(__dirname, '..');
const BUNDLE = 'assets/handler/index.js';

/** Puts the sources of the bundle in another folder. Packages are links, except for those that a test changes. */
function anotherFolder(copied: string[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'another-folder-'));
  const scripts = ['scripts/bundle.mjs', 'scripts/attribution.mjs'];
  for (const part of ['lambda', 'lib/contract.ts', ...scripts, 'package.json', 'tsconfig.json']) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  const modules = 'node_modules';
  mkdirSync(join(folder, modules, '@aws-sdk'), { recursive: true });
  const names = readdirSync(join(root, modules)).filter((name) => name !== '@aws-sdk');
  for (const name of [...names, ...readdirSync(join(root, modules, '@aws-sdk')).map((sdk) => `@aws-sdk/${sdk}`)]) {
    const [from, to] = [join(root, modules, name), join(folder, modules, name)];
    if (copied.includes(name)) cpSync(from, to, { recursive: true });
    else symlinkSync(from, to);
  }
  return folder;
}

/** Returns what the build says if it fails. */
function build(folder: string, file = BUNDLE): string {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/bundle.mjs', file], {
    cwd: folder,
    encoding: 'utf8',
  });
  return status === 0 ? '' : stderr;
}

function edit(file: string, change: (content: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

test('the bundle has the same bytes in every folder, so that a pipeline sees no false change', () => {
  const folder = anotherFolder();
  const fromHere = join(folder, 'from-here.js');
  expect([build(folder), build(root, fromHere)]).toEqual(['', '']);
  const here = readFileSync(fromHere);
  expect(here.equals(readFileSync(join(folder, BUNDLE)))).toBe(true);
  expect(here.includes(root)).toBe(false);
});

describe('the build fails', () => {
  it('when the SDK’s schemas can no longer be cut', () => {
    const folder = anotherFolder(['@aws-sdk/client-ec2']);
    edit(join(folder, 'node_modules/@aws-sdk/client-ec2/dist-es/schemas/schemas_0.js'), (source) =>
      source.replaceAll(' = [', ' =\n['),
    );
    expect(build(folder)).toContain('the schemas are not cut');
  });

  it('when the SDK does not import what the bundle leaves out', () => {
    const clients = ['ec2', 'kms', 'cloudformation'].map((name) => `@aws-sdk/client-${name}`);
    const folder = anotherFolder(clients);
    for (const client of clients) {
      edit(join(folder, 'node_modules', client, 'dist-es/runtimeConfig.js'), (source) =>
        source.replace('@aws-sdk/credential-provider-node', './index'),
      );
    }
    expect(build(folder)).toContain('not import @aws-sdk/credential');
  });

  it('when the handler has grown too large', () => {
    const folder = anotherFolder();
    appendFileSync(join(folder, 'lambda/index.ts'), `console.log('${randomBytes(50_000).toString('hex')}');`);
    expect(build(folder)).toContain('bytes zipped');
  });

  it('when the bundler warns', () => {
    const folder = anotherFolder();
    appendFileSync(join(folder, 'lambda/index.ts'), 'console.log({ a: 1, a: 2 });');
    expect(build(folder)).toContain('the bundler warns');
  });
});
