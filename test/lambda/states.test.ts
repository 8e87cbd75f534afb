import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filled } from './states';

test('docs/how-it-works.md matches what polls do (npm run docs:states)', async () => {
  const text = readFileSync(join(__dirname, '../../docs/how-it-works.md'), 'utf8');
  expect(text).toBe(await filled(text));
});
