// The release: what its workflow may do, which tags it accepts, and the address that all others must match.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const WORKFLOWS = readdirSync(join(ROOT, '.github/workflows')).map((name) => `.github/workflows/${name}`);

describe('the address of the repository', () => {
  const { author, homepage, jsii, name, repository } = JSON.parse(read('package.json')) as {
    author: { url: string };
    homepage: string;
    jsii: { targets: { go: { moduleName: string } } };
    name: string;
    repository: { url: string };
  };
  const [, owner = '', repositoryName = ''] = /^https:\/\/github\.com\/([\w-]+)\/([\w-]+)\.git$/.exec(repository.url) ?? []; // prettier-ignore

  test('matches the other addresses in package.json', () => {
    expect(owner).not.toBe('');
    expect(author.url).toBe(`https://github.com/${owner}`);
    expect(homepage).toBe(`https://github.com/${owner}/${repositoryName}`);
    expect(jsii.targets.go.moduleName).toBe(`github.com/${owner}/${repositoryName}-go`);
  });

  const PAGES = [...readdirSync(ROOT), ...readdirSync(join(ROOT, 'docs')).map((page) => `docs/${page}`)];
  const TEXTS = [...PAGES.filter((page) => page.endsWith('.md')), '.github/ISSUE_TEMPLATE/config.yml'];

  test.each(TEXTS)('matches the addresses in %s', (page) => {
    const addresses = [...read(page).matchAll(/(?:raw\.githubusercontent|github)\.com\/([\w-]+)\/([\w-]+)/g)];
    const ours = addresses.filter(([, , one = '']) => one.startsWith(name) || one.startsWith(repositoryName));
    const wrong = ours.filter(([, by, one]) => by !== owner || ![repositoryName, `${repositoryName}-go`].includes(one ?? '')); // prettier-ignore
    expect(wrong.map(([address]) => address)).toEqual([]);
  });
});

describe.each(WORKFLOWS)('%s', (workflow) => {
  const text = read(workflow);

  test('pins every action to a commit, and names its version', () => {
    const uses = [...text.matchAll(/^\s*(?:- )?uses: (.*)$/gm)].map(([, action = '']) => action);
    expect(uses.length).toBeGreaterThan(0);
    expect(uses.filter((action) => !/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action))).toEqual([]);
  });

  test('may only read unless a job says otherwise, and leaves no credentials in a checkout', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n\S/m);
    expect(text.match(/actions\/checkout@/g)?.length).toBe(text.match(/persist-credentials: false/g)?.length);
  });

  test('runs scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const files = [...text.matchAll(/run: bash (\S+)/g)].map(([, file = '']) => file);
    const named = [...text.matchAll(/run: npm run ([\w:-]+)/g)].map(([, script = '']) => script);
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });
});

describe('the release workflow', () => {
  const [, ...parts] = read('.github/workflows/release.yml')
    .split(/^jobs:\n/m)[1]
    ?.split(/^ {2}(?=[\w-]+:\n)/m) ?? [''];
  const jobs = new Map(parts.map((part) => [part.split(':')[0] ?? '', part]));

  test('builds and tests without any permission', () => {
    for (const job of ['build', 'languages']) {
      expect(jobs.get(job)).toContain('npm ci');
      expect(jobs.get(job)).not.toMatch(/permissions:|environment:|secrets\.|vars\./);
    }
  });

  test('publishes the verified package to npm, in a job that runs no package code', () => {
    const job = jobs.get('npm') ?? '';
    expect(job).toMatch(/permissions:\n {6}id-token: write\n {4}steps:/);
    expect(job).toMatch(/sha256sum --check --strict SHA256SUMS/);
    expect(job).toMatch(/npm publish \S+\.tgz --ignore-scripts/);
    expect(job).not.toMatch(/checkout|npm (ci|install|run)|npx|secrets\./);
  });

  test('publishes nothing else before that, and other languages only if they are set up', () => {
    for (const job of ['pypi', 'nuget', 'maven', 'go', 'github-release'])
      expect(jobs.get(job)).toContain('needs: npm\n');
    for (const job of ['pypi', 'nuget', 'maven', 'go'])
      expect(jobs.get(job)).toMatch(/if: vars\.PUBLISH_\w+ == 'true'/);
  });
});

describe('a tag', () => {
  const CHANGELOG = '# Changelog\n\n## [0.2.0](https://a.example) (2026-12-01)\n\n### Features\n\n* new\n\n## [0.1.0] - not released yet\n\n- old\n\n[0.1.0]: https://a.example\n'; // prettier-ignore
  let folder: string;

  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@a.example', ...args], { cwd: folder, stdio: 'pipe' });
  const script = (name: string, ...args: string[]) =>
    spawnSync('bash', [`.ci/${name}`, ...args], { cwd: folder, encoding: 'utf8' });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'release-'));
    mkdirSync(join(folder, '.ci'));
    for (const name of ['release-check', 'release-notes']) cpSync(join(ROOT, '.ci', name), join(folder, '.ci', name));
    writeFileSync(join(folder, 'CHANGELOG.md'), CHANGELOG);
    setVersion('0.2.0');
    git('init', '--quiet', '--initial-branch', 'main');
    git('add', '--all');
    git('commit', '--quiet', '--message', 'chore: release');
  });

  function setVersion(version: string, file?: string): void {
    for (const each of file === undefined ? ['package.json', 'package-lock.json'] : [file]) {
      writeFileSync(join(folder, each), JSON.stringify({ version }));
    }
  }

  function commit(): void {
    git('commit', '--quiet', '--all', '--message', 'chore: release');
  }

  test('on main with the version and a dated changelog entry is released, with its notes', () => {
    git('tag', 'v0.2.0');
    expect(script('release-check', 'v0.2.0', 'main')).toMatchObject({ status: 0, stderr: '' });
    expect(script('release-notes', '0.2.0').stdout).toBe('### Features\n\n* new\n\n');
  });

  test.each<[string, string, string, () => void]>([
    ['that does not exist', 'v0.2.0', 'there is no such tag', () => undefined],
    ['of another version', 'v0.3.0', 'package.json has version 0.2.0', () => git('tag', 'v0.3.0')],
    [
      'whose lock file has another version',
      'v0.2.0',
      'package-lock.json has version 0.1.0',
      () => {
        setVersion('0.1.0', 'package-lock.json');
        commit();
        git('tag', 'v0.2.0');
      },
    ],
    [
      'that is not on main',
      'v0.2.0',
      'it is not on main',
      () => {
        git('switch', '--quiet', '--create', 'aside');
        git('commit', '--quiet', '--allow-empty', '--message', 'aside');
        git('tag', 'v0.2.0');
      },
    ],
    [
      'that is not checked out',
      'v0.2.0',
      'it is not what is checked out',
      () => {
        git('tag', 'v0.2.0');
        git('commit', '--quiet', '--allow-empty', '--message', 'later');
      },
    ],
    [
      'whose changelog entry has no date',
      'v0.1.0',
      'the changelog has no dated entry for it',
      () => {
        setVersion('0.1.0');
        commit();
        git('tag', 'v0.1.0');
      },
    ],
  ])('%s is refused', (_, tag, reason, prepare) => {
    prepare();
    expect(script('release-check', tag, 'main')).toMatchObject({ status: 1, stderr: `${tag} is not released: ${reason}\n` }); // prettier-ignore
  });
});
