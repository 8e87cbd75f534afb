// A project that has installed the packed tarball, as `npm install` makes it, without a registry.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

const ROOT = path.join(__dirname, '..');

export interface Project {
  readonly folder: string;
  /** What is in the tarball. */
  readonly packed: readonly string[];
  /** Of the tarball, in bytes. */
  readonly size: number;
}

/** What `npm pack --json` says. */
interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
  readonly size: number;
}

/** @param modules what the project has installed besides the peers */
export function projectWith(name: string, modules: readonly string[]): Project {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'project-')));
  const installed = path.join(folder, 'node_modules', name);
  fs.mkdirSync(installed, { recursive: true });
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename, files, size }] = JSON.parse(output) as [Packed];
  execFileSync('tar', ['-xzf', path.join(folder, filename), '-C', installed, '--strip-components=1']);
  for (const module of ['aws-cdk-lib', 'constructs', '@types/node', ...modules]) {
    const link = path.join(folder, 'node_modules', module);
    fs.mkdirSync(path.dirname(link), { recursive: true });
    fs.symlinkSync(path.join(ROOT, 'node_modules', module), link);
  }
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }');
  return { folder, packed: files.map((file) => file.path).sort(), size };
}
