// Makes the same client calls against moto and against the local AWS, and compares the answers where moto has them.
import { isDeepStrictEqual } from 'node:util';
import { CASES, type Case } from './cases';
import { startMoto, startOurs, type Side } from './sides';

type Answer = Readonly<Record<string, unknown>> | readonly unknown[] | string | number | boolean | null;

/** Ids and times are bound to differ; members that are undefined are absent. */
function normalise(value: unknown): Answer {
  if (value === undefined || value === null) {
    return null;
  }
  if (value instanceof Date) {
    return 'TIME';
  }
  if (Array.isArray(value)) {
    return value.map(normalise);
  }
  if (typeof value === 'object') {
    const members = Object.entries(value).filter(([name, member]) => name !== '$metadata' && member !== undefined);
    return Object.fromEntries(members.map(([name, member]) => [name, normalise(member)]));
  }
  return typeof value === 'string'
    ? value.replace(/(?<=^|\W)(snap-|vol-)[0-9a-f]+$/, '$1ID').replace(KEY_ID, 'KEY')
    : (value as number | boolean);
}

const KEY_ID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

async function answerOf(each: Case, side: Side): Promise<Answer> {
  try {
    return normalise(await each.run(side));
  } catch (error) {
    // Without metadata it is not a service's error; moto has calls that end in a page of HTML.
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    return { error: name, status: $metadata?.httpStatusCode ?? null };
  }
}

/** The part of our answer that moto has, too, and the names of what it lacks. */
function common(ours: Answer, motos: Answer): { part: Answer; lacks: string[] } {
  if (Array.isArray(ours) && Array.isArray(motos) && ours.length === motos.length) {
    const items = ours.map((item, i) => common(item as Answer, motos[i] as Answer));
    return { part: items.map(({ part }) => part), lacks: [...new Set(items.flatMap(({ lacks }) => lacks))] };
  }
  if (!isRecord(ours) || !isRecord(motos) || 'error' in ours || 'error' in motos) {
    return { part: ours, lacks: [] };
  }
  const names = Object.keys(ours);
  return {
    part: Object.fromEntries(names.filter((name) => name in motos).map((name) => [name, ours[name]])),
    lacks: names.filter((name) => !(name in motos)),
  };
}

function isRecord(answer: Answer): answer is Readonly<Record<string, unknown>> {
  return typeof answer === 'object' && answer !== null && !Array.isArray(answer);
}

/** One line of the table, and whether it is as expected. */
function verdict(each: Case, ours: Answer, motos: Answer): { ok: boolean; text: string } {
  const { part, lacks } = common(ours, motos);
  const same = isDeepStrictEqual(part, motos);
  const both = `ours ${JSON.stringify(part)}, moto ${JSON.stringify(motos)}`;
  if (same && each.differs !== undefined) {
    return { ok: false, text: `the same by now, strike the reason: ${each.differs}` };
  }
  if (same) {
    return { ok: true, text: lacks.length > 0 ? `same; moto lacks ${lacks.join(', ')}` : 'same' };
  }
  return each.differs === undefined
    ? { ok: false, text: both }
    : { ok: true, text: `differs: ${each.differs} (${both})` };
}

async function compare(ours: Side, moto: Side): Promise<number> {
  let unexplained = 0;
  for (const each of CASES) {
    const { ok, text } = verdict(each, await answerOf(each, ours), await answerOf(each, moto));
    unexplained += ok ? 0 : 1;
    console.log(`${ok ? '  ' : '! '}${each.name.padEnd(52)} ${text}`);
  }
  console.log(`\n${CASES.length} calls compared, ${unexplained} unexplained`);
  return unexplained;
}

async function main(): Promise<void> {
  const moto = await startMoto();
  const ours = await startOurs();
  try {
    process.exitCode = (await compare(ours, moto)) === 0 ? 0 : 1;
  } finally {
    await Promise.all([ours.stop(), moto.stop()]);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
