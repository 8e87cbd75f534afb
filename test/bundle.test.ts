import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(__dirname, '..');

test('the handler is bundled into the same bytes in whatever folder, so that a pipeline sees no difference that is none', () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'another-folder-'));
  for (const part of ['lambda', 'lib/contract.ts', 'esbuild.mjs', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, part), join(elsewhere, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(elsewhere, 'node_modules'));
  execFileSync(process.execPath, ['esbuild.mjs'], { cwd: elsewhere });
  const bundle = 'assets/handler/index.js';
  const here = readFileSync(join(root, bundle));
  expect(here.equals(readFileSync(join(elsewhere, bundle)))).toBe(true);
  expect(here.includes(root)).toBe(false);
});
