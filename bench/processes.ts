// Node.js processes, timed side by side: what else the machine does meets all of a round alike.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface Command {
  readonly args: readonly string[];
  /** All of the environment: nothing is inherited, since what a shell has there can double the start of Node.js. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Run {
  readonly ms: number;
  readonly output: string;
}

export type Round<Name extends string> = Readonly<Record<Name, Run>>;

/** Runs all commands once in each round, one after the other, and the other way round in the next. */
export async function rounds<Name extends string>(
  count: number,
  commands: Record<Name, Command>,
): Promise<Round<Name>[]> {
  const names = Object.keys(commands) as Name[];
  const one = async (): Promise<Round<Name>> => {
    const runs: [Name, Run][] = [];
    for (const name of names.reverse()) runs.push([name, await run(commands[name])]);
    return Object.fromEntries(runs) as Round<Name>;
  };
  // Fills the caches of the file system.
  await one();
  const all: Round<Name>[] = [];
  while (all.length < count) all.push(await one());
  return all;
}

async function run({ args, env = {} }: Command): Promise<Run> {
  const begin = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = once(child, 'exit') as Promise<[code: number | null]>;
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  if (code !== 0 || errors !== '') throw new Error(`node ${args.join(' ')}: ${String(code)}\n${errors}`);
  return { ms: performance.now() - begin, output };
}

export function medianOf<Item>(items: readonly Item[], valueOf: (item: Item) => number): number {
  const values = items.map(valueOf).sort((a, b) => a - b);
  const middle = values.length / 2;
  return ((values[Math.ceil(middle) - 1] ?? NaN) + (values[Math.floor(middle)] ?? NaN)) / 2;
}
