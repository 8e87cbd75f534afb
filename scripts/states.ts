// npm run docs:states: writes the generated parts of docs/how-it-works.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filled } from '../test/lambda/states';

const FILE = join(__dirname, '..', 'docs', 'how-it-works.md');
void filled(readFileSync(FILE, 'utf8')).then((text) => {
  writeFileSync(FILE, text);
});
