// The entry of a process whose handler has a mutation: it replaces what a module exports before others import it.
import { createRequire } from 'node:module';
import type * as campaign from './campaign';
import { MUTATIONS } from './mutations';

const [share = '{}', name = ''] = process.argv.slice(2);
const load = createRequire(__filename);

const mutation = MUTATIONS.find((one) => one.name === name);
if (mutation) {
  const file = load.resolve(`../../lambda/${mutation.module}`);
  const original = load(file) as never;
  const loaded = load.cache[file];
  if (!loaded) throw new Error(`${file} is not in the cache of modules`);
  loaded.exports = { ...(original as object), ...mutation.change(original) };
}
const { serve } = load('./campaign') as typeof campaign;
void serve(JSON.parse(share) as campaign.Share);
