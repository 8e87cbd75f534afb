import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as cdk from 'aws-cdk-lib';
import * as assertions from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as ts from 'typescript';
import { USAGE } from '../bin/context';
import * as published from '../lib';
import { TAG } from '../lib/contract';
import { MINUTE, World } from './lambda/in-process';

const ROOT = join(__dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const readme = read('README.md');
const { homepage } = JSON.parse(read('package.json')) as { homepage: string };
const OUR_PAGES = `${homepage}/blob/main/`;
const examples = codeBlocks(readme, 'ts');
const PAGES = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md') && name !== 'API.md'),
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'examples/README.md',
];

function codeBlocks(page: string, language: string): string[] {
  const blocks = page.matchAll(new RegExp(`\`\`\`${language}\\b[^\\n]*\\n(.*?)\`\`\``, 'gs'));
  return [...blocks].map(([, code = '']) => code);
}

const modules: Record<string, object> = {
  'aws-cdk-lib': cdk,
  'aws-cdk-lib/aws-ec2': ec2,
  'cdk-ebs-snapshot-copy': published,
};

/** Runs an example as the body of a stack's constructor, with what an app has imported and declared by then. */
function run(code: string, stack: cdk.Stack): void {
  const { outputText } = ts.transpileModule(code, { compilerOptions: { module: ts.ModuleKind.CommonJS } });
  const copy = published.SnapshotCopy.fromSnapshotId(stack, 'Declared', 'snap-0123456789abcdef0');
  const imported = { ...cdk, ...assertions, ...published, ec2, iam, kms, logs };
  const scope = { ...imported, copy, exports: {}, require: (name: string) => modules[name] };
  // A block, because an example redeclares what it imports itself.
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- that is the point
  new Function(...Object.keys(scope), `{${outputText}}`).apply(stack, Object.values(scope));
}

test.each(
  examples.map((code) => [code.split('\n').find((line) => line.includes('new ')) ?? code.split('\n')[0], code]),
)('the README example with "%s" runs', (_, code) => {
  const app = new cdk.App({ builtinCloudFormationValidation: false });
  const stack = new cdk.Stack(app, 'Example', { env: { account: '111122223333', region: 'eu-west-1' } });
  run(code, stack);
  expect(() => app.synth()).not.toThrow();
});

const hasPython = spawnSync('python3', ['--version']).status === 0;

(hasPython ? test : test.skip)('the Python example is valid Python', () => {
  const [code = ''] = codeBlocks(readme, 'python');
  expect(code).toContain('SnapshotCopy(');
  const check = 'import ast, sys; ast.parse(sys.stdin.read())';
  expect(spawnSync('python3', ['-c', check], { input: code, encoding: 'utf8' }).stderr).toBe('');
});

test('the README has at most 2,000 words', () => {
  expect(readme.split(/\s+/).filter((word) => /\w/.test(word)).length).toBeLessThanOrEqual(2000);
});

test('the README names every prop, attribute, and setting', () => {
  const names = ['snapshot-copy-props', 'snapshot-copy-provider', 'latest-source'].flatMap((file) => {
    const source = read(`lib/${file}.ts`).replace(/interface SnapshotFromIdOptions.*$/s, '');
    return [...source.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name = '']) => name);
  });
  const attributes = [...read('lib/snapshot-copy.ts').matchAll(/public get (\w+)\(\)/g)].map(([, name = '']) => name);
  const missing = [...names, ...attributes].filter((name) => !new RegExp(`\\b${name}\\b`).test(readme));
  expect(missing).toEqual(['snapshotRef']);
});

/** The addresses of `[text](address)`, except in code. */
function linksOf(page: string): string[] {
  const text = page.replace(/```.*?```/gs, '').replace(/`[^`\n]*`/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, address = '']) => address);
}

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

test('the README has only absolute links, because PyPI resolves no others', () => {
  expect(linksOf(readme).filter((address) => !/^(https:|#)/.test(address))).toEqual([]);
});

test.each(PAGES)('the links in %s to the repository are not broken', (page) => {
  // Registries other than npm resolve only absolute links.
  const broken = linksOf(read(page).replaceAll(OUR_PAGES, '')).filter((address) => {
    if (/^(https?:|mailto:)/.test(address)) return false;
    const [file = '', anchor] = address.split('#');
    const target = file === '' ? page : join(dirname(page), file);
    if (!existsSync(join(ROOT, target))) return true;
    if (anchor === undefined) return false;
    return ![...read(target).matchAll(/^#+ (.*)$/gm)].some(([, heading = '']) => anchorOf(heading) === anchor);
  });
  expect(broken).toEqual([]);
});

test('the documented commands exist', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const pages = PAGES.map(read).join('\n');
  const named = [...pages.matchAll(/\bnpm run ([\w:-]*\w)/g)].map(([, name = '']) => name);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
  const options = [...readme.matchAll(/ -c (\w+)=/g)].map(([, name = '']) => name);
  expect(options.filter((name) => !USAGE.includes(`-c ${name}=`))).toEqual([]);
});

test('the command that lists the copies of all stacks finds them, and no other snapshot', async () => {
  const [, name, value = ''] = /--filters Name=([\w-]+),Values=(\S+)/.exec(read('docs/limits.md')) ?? [];
  expect(value).toBe(TAG.stack);
  const world = new World({ copyDuration: MINUTE });
  const id = await world.create();
  world.ec2.addSnapshot({ region: 'eu-west-1', tags: { team: 'storage' } });
  const Filters = [{ Name: name, Values: [value] }];
  const { Snapshots } = await world.services.send('eu-west-1', 'DescribeSnapshots', { OwnerIds: ['self'], Filters });
  expect(Snapshots?.map(({ SnapshotId }) => SnapshotId)).toEqual([id]);
});
