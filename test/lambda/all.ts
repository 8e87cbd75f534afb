// All unit tests of the handler as one file, for the mutation tests: loading each by itself takes longer than running it.
import { readdirSync } from 'node:fs';

for (const file of readdirSync(__dirname, { recursive: true, encoding: 'utf8' })) {
  if (file.endsWith('.test.ts')) jest.requireActual(`./${file}`);
}
