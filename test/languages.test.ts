import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');

/** What users write, as each language spells it. */
const PUBLIC = {
  python: [
    'class SnapshotCopy(',
    'class SnapshotCopyProps(',
    'class SnapshotCopyDryRun(',
    'class SnapshotCopyProvider(',
    'class SnapshotGrants(',
    'def snapshot_id(self)',
    'def create_volume(',
    'def from_snapshot_id(',
    'source_snapshot_id: typing.Optional[builtins.str]',
  ],
  java: [
    'public class SnapshotCopy extends',
    'public interface SnapshotCopyProps extends',
    'public class SnapshotCopyDryRun extends',
    'public class SnapshotCopyProvider extends',
    'public class SnapshotGrants extends',
    'java.lang.String getSnapshotId()',
    ' createVolume(',
    ' fromSnapshotId(',
    'java.lang.String getSourceSnapshotId()',
  ],
  dotnet: [
    'public class SnapshotCopy : ',
    'public class SnapshotCopyProps : ',
    'public class SnapshotCopyDryRun : ',
    'public class SnapshotCopyProvider : ',
    'public class SnapshotGrants : ',
    'virtual string SnapshotId',
    ' CreateVolume(',
    ' FromSnapshotId(',
    'string SourceSnapshotId',
  ],
  go: [
    'type SnapshotCopy interface',
    'type SnapshotCopyProps struct',
    'type SnapshotCopyDryRun interface',
    'type SnapshotCopyProvider interface',
    'type SnapshotGrants interface',
    'SnapshotId() *string',
    'CreateVolume(',
    'SnapshotCopy_FromSnapshotId(',
    'SourceSnapshotId *string',
  ],
};
const LANGUAGES = Object.keys(PUBLIC) as (keyof typeof PUBLIC)[];

let generated: string;

beforeAll(() => {
  generated = mkdtempSync(join(tmpdir(), 'languages-'));
  const pacmak = join(ROOT, 'node_modules', 'jsii-pacmak', 'bin', 'jsii-pacmak');
  const options = ['--code-only', '--no-npmignore', '--outdir', generated];
  execFileSync(process.execPath, [pacmak, ...options, '--target', ...LANGUAGES], { cwd: ROOT, stdio: 'pipe' });
});

afterAll(() => {
  rmSync(generated, { recursive: true });
});

function codeOf(language: string): string {
  const folder = join(generated, language);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(py|java|cs|go)$/.test(file) && statSync(join(folder, file)).isFile())
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
}

test.each(LANGUAGES)('the code for %s declares the public classes, props, and attributes', (language) => {
  const code = codeOf(language);
  expect(PUBLIC[language].filter((part) => !code.includes(part))).toEqual([]);
});

const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) console.warn('python3 is not installed, so the Python code is not compiled');

(hasPython ? test.each : test.skip.each)([
  ['the generated package', () => join(generated, 'python')],
  ['the app that uses it', () => join(ROOT, 'test', 'python')],
])('Python compiles %s', (_, folder) => {
  // In memory, because compileall would leave files in the source tree.
  const compile = `import pathlib, sys
for file in pathlib.Path(sys.argv[1]).rglob("*.py"):
    compile(file.read_text(), str(file), "exec")
    print(file.name)`;
  expect(execFileSync('python3', ['-c', compile, folder()], { encoding: 'utf8' })).toContain('.py');
});
