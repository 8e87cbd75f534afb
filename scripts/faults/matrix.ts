// npm run docs:faults: writes docs/fault-matrix.md.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { matrixDocument } from '../../test/faults/matrix';

writeFileSync(join(__dirname, '../../docs/fault-matrix.md'), matrixDocument());
