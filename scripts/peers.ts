// npm run test:peers -- floor | newest: compiles the library with the oldest aws-cdk-lib and constructs that package.json
// allows, or with the newest, and runs the tests of lib/ with them.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');
const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  peerDependencies: Record<string, string>;
};
const NEEDED = [
  'lib',
  'lambda',
  'bin',
  'local-aws',
  'test',
  'assets',
  'package.json',
  'tsconfig.json',
  'jest.config.js',
];
const WANTED: Record<string, (range: string) => string> = {
  floor: (range) => range.replace('^', ''),
  newest: (range) => range,
};

const wanted = WANTED[process.argv[2] ?? ''];
if (wanted === undefined) throw new Error(`give the peers: ${Object.keys(WANTED).join(' or ')}`);
const peers = Object.entries(peerDependencies).map(([name, range]) => `${name}@${wanted(range)}`);

const project = mkdtempSync(join(tmpdir(), 'peers-'));
const run = (command: string) => {
  console.log(`\n== ${command}`);
  execFileSync(command, { cwd: project, stdio: 'inherit', shell: true });
};
try {
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  run(`npm install --no-audit --no-fund ${peers.join(' ')}`);
  run(`npm ls --depth 0`);
  for (const name of NEEDED) {
    cpSync(join(ROOT, name), join(project, name), { recursive: true });
  }
  cpSync(join(ROOT, 'README.md'), join(project, 'README.md'));
  shareOtherModules();
  run('npm run compile');
  // cdk-nag 3 needs a newer aws-cdk-lib.
  run('npx jest test/lib --testPathIgnorePatterns nag organizations');
} finally {
  rmSync(project, { recursive: true });
}

function shareOtherModules(): void {
  const [from, to] = [join(ROOT, 'node_modules'), join(project, 'node_modules')];
  for (const name of readdirSync(from).filter((entry) => !existsSync(join(to, entry)))) {
    symlinkSync(join(from, name), join(to, name));
  }
}
