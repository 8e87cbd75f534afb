import * as fs from 'node:fs';
import * as path from 'node:path';
import * as ts from 'typescript';

const ROOT = path.join(__dirname, '..');

/** The files of the project that a file imports, types included. */
function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(fs.readFileSync(file, 'utf8'));
  return importedFiles
    .map(({ fileName }) => fileName)
    .filter((name) => name.startsWith('.'))
    .map((name) => path.join(path.dirname(file), `${name}.ts`))
    .filter((next) => fs.existsSync(next));
}

test.each(['lib', 'lambda'])('no file in %s imports itself through others', (folder) => {
  const names = fs.readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.ts')).map((name) => path.join(ROOT, folder, name));
  const done = new Set<string>();

  function cycleFrom(file: string, trail: readonly string[]): string[] | undefined {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file].map((each) => path.basename(each));
    if (done.has(file)) return undefined;
    const found = importsOf(file).map((next) => cycleFrom(next, [...trail, file]));
    done.add(file);
    return found.find((cycle) => cycle !== undefined);
  }

  expect(files.map((file) => cycleFrom(file, [])).filter((cycle) => cycle !== undefined)).toEqual([]);
});
