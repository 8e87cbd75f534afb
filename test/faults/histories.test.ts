import { runShare } from './campaign';
import { GAPS } from './gaps';
import { fittingFor } from './history';
import { ROW_AND_FAULT } from './kinds';
import { MUTATIONS } from './mutations';
import { replay, sample } from './replay';

const SEED = 20300101;

test('300 random histories with random faults uphold the six invariants', async () => {
  const { failure, reached } = await runShare({ seed: SEED, histories: 300 });
  if (failure) {
    const { report, path } = failure;
    const story = typeof report === 'string' ? report : report.story.join('\n');
    throw new Error(`${story}\nreplay with: npm run test:faults -- --seed ${SEED} --path ${path}`);
  }
  const common = [...ROW_AND_FAULT].filter(([, { row, fault }]) => fittingFor(row, fault) === undefined);
  expect(common.filter(([pair]) => pair in reached).length).toBeGreaterThan(common.length / 4);
  expect(Object.keys(reached).some((pair) => pair.includes('LockSnapshot'))).toBe(true);
}, 120_000);

test('a history ends the same way in the whole local AWS as in one process', async () => {
  for (const history of sample(SEED, 3)) expect(await replay(history)).toBeUndefined();
}, 120_000);

test('the gaps that nobody can close do not grow silently', () => {
  expect(GAPS).toHaveLength(7);
});

test.each(MUTATIONS)('the mutation "$name" replaces functions that the handler has', ({ module, change }) => {
  const original = jest.requireActual<object>(`../../lambda/${module}`);
  expect(Object.keys(original)).toEqual(expect.arrayContaining(Object.keys(change(original as never))));
});
