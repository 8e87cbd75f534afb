// npm run package:all [-- --complete]: the packages for the CDK's languages, in packages/.
// A language that cannot be built here gets its source code only, and that is said; with --complete it is a failure.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = resolve(import.meta.dirname, '..');

const TOOLCHAINS = {
  js: ['npm', '--version'],
  python: ['python3', '--version'],
  java: ['mvn', '--version'],
  dotnet: ['dotnet', '--version'],
  go: ['go', 'version'],
};

const { values: flags } = parseArgs({ options: { complete: { type: 'boolean' } } });

const reasons = Object.entries(TOOLCHAINS).map(([language, toolchain]) => [language, make(language, toolchain)]);

console.log('\npackages/');
for (const [language, reason] of reasons) {
  console.log(`  ${language.padEnd(8)}${reason === undefined ? 'built' : `CODE ONLY, not built: ${reason}`}`);
}
if (flags.complete && reasons.some(([, reason]) => reason !== undefined)) process.exitCode = 1;

/** Answers why only the code was generated, if so. */
function make(language, [command, argument]) {
  console.log(`== ${language}`);
  const isThere = run(command, argument).status === 0;
  const reason = isThere ? reasonOfFailure(pacmak(language)) : `${command} is not installed`;
  if (reason === undefined) return undefined;
  const failure = reasonOfFailure(pacmak(language, '--code-only'));
  if (failure !== undefined) throw new Error(`the code for ${language} could not be generated: ${failure}`);
  return reason;
}

function pacmak(language, ...options) {
  return run('npx', 'jsii-pacmak', '--force', '--no-npmignore', '--target', language, ...options);
}

function run(command, ...args) {
  return spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', shell: process.platform === 'win32' });
}

/** The toolchain's first line about an error is the nearest to the cause. */
function reasonOfFailure({ status, stdout, stderr }) {
  if (status === 0) return undefined;
  const [, cause] = /^#STD(?:OUT|ERR)> .*?\bERROR\b\S* (.*)$/m.exec(`${stdout}\n${stderr}`) ?? [];
  return cause ?? `exit code ${status}`;
}
