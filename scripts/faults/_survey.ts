import { survey, tell } from './survey';
const [seed, count, index] = process.argv.slice(2).map(Number);
void (index === undefined ? survey(seed!, count!) : tell(seed!, count!, index));
