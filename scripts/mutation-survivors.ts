// Compares the survivors of the last mutation run with docs/mutation-survivors.md, which gives a reason for each.
// Both are told by the mutated line, so that the list outlives changes around it.
import { readFileSync } from 'node:fs';

interface Position {
  readonly line: number;
  readonly column: number;
}

interface Report {
  readonly files: Record<
    string,
    {
      readonly source: string;
      readonly mutants: readonly {
        readonly status: string;
        readonly replacement: string;
        readonly location: { readonly start: Position; readonly end: Position };
      }[];
    }
  >;
}

const LIST = 'docs/mutation-survivors.md';

function survivorsOf({ files }: Report): string[] {
  return Object.entries(files).flatMap(([file, { source, mutants }]) => {
    const lines = source.split('\n');
    return mutants
      .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
      .map(({ replacement, location: { start, end } }) => {
        const before = lines[start.line - 1]?.slice(0, start.column - 1) ?? '';
        const after = lines[end.line - 1]?.slice(end.column - 1) ?? '';
        return `${file}: ${(before + replacement + after).replace(/\s+/g, ' ').trim()}`;
      });
  });
}

const report = JSON.parse(readFileSync('.stryker-tmp/report.json', 'utf8')) as Report;
const survivors = survivorsOf(report);
const listed = [...readFileSync(LIST, 'utf8').matchAll(/^```text\n(.*?)^```/gms)]
  .flatMap(([, block = '']) => block.trim().split('\n'))
  .filter((line) => Object.keys(report.files).some((file) => line.startsWith(`${file}: `)));
const unlisted = survivors.filter((line) => !listed.includes(line));
const killed = listed.filter((line) => !survivors.includes(line));
for (const line of unlisted) console.error(`survived, and is not in ${LIST}: ${line}`);
for (const line of killed) console.error(`is in ${LIST}, and did not survive: ${line}`);
console.log(`${survivors.length} survivors, ${survivors.length - unlisted.length} of them listed with a reason`);
process.exitCode = unlisted.length + killed.length > 0 ? 1 : 0;
