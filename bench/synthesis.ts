// What declaring copies costs at synthesis and in the template, against the same custom resources declared by hand.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figure } from './figure';
import { medianOf, rounds, type Command } from './processes';

const MANY = 450;
const PLAIN = 'as many plain CfnResources';

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Record<string, unknown> }>>;
}

export function templates(): Figure[] {
  const perFurther = (measure: (text: string) => number, kind: Kind): number =>
    (measure(synthesized(kind, MANY)) - measure(synthesized(kind, 1))) / (MANY - 1);
  const bytes = (text: string): number => Buffer.byteLength(text);
  return [
    {
      what: 'template bytes per further copy',
      baseline: 'a further plain CfnResource',
      value: perFurther(bytes, 'copies') / perFurther(bytes, 'plain'),
      unit: '×',
      goal: 1.4,
    },
    {
      what: `handler’s policy at ${MANY} copies`,
      value: policyCharacters(synthesized('copies', MANY)),
      unit: 'characters',
      goal: 6000,
    },
    {
      what: 'resources per further copy',
      value: perFurther((text) => Object.keys((JSON.parse(text) as Template).Resources).length, 'copies'),
      unit: '',
      goal: 1,
    },
  ];
}

export async function synthesisTime(count: number): Promise<Figure[]> {
  const measured = await rounds(count, {
    plain1: synthesis('plain', 1),
    copies1: synthesis('copies', 1),
    plainMany: synthesis('plain', MANY),
    copiesMany: synthesis('copies', MANY),
  });
  return [
    {
      what: 'synthesis of 1 copy',
      baseline: 'a plain CfnResource',
      value: medianOf(measured, ({ copies1, plain1 }) => copies1.ms / plain1.ms),
      unit: '×',
      goal: 2.2,
    },
    {
      what: `synthesis of ${MANY} copies`,
      baseline: PLAIN,
      value: medianOf(measured, ({ copiesMany, plainMany }) => copiesMany.ms / plainMany.ms),
      unit: '×',
      goal: 2,
    },
    {
      what: 'time per further copy',
      baseline: 'a further plain CfnResource',
      value:
        medianOf(measured, ({ copiesMany, copies1 }) => copiesMany.ms - copies1.ms) /
        medianOf(measured, ({ plainMany, plain1 }) => plainMany.ms - plain1.ms),
      unit: '×',
      goal: 1.5,
    },
  ];
}

type Kind = 'copies' | 'plain';

function synthesis(kind: Kind, count: number): Command {
  return { args: [join(__dirname, 'synth-app.js'), kind, String(count), folder()] };
}

function synthesized(kind: Kind, count: number): string {
  const outdir = folder();
  execFileSync(process.execPath, [join(__dirname, 'synth-app.js'), kind, String(count), outdir], { env: {} });
  return readFileSync(join(outdir, 'Stack.template.json'), 'utf8');
}

const folder = (): string => mkdtempSync(join(tmpdir(), 'bench-synthesis-'));

/** Of all inline policies of the handler's role, without white space, which IAM does not count. */
function policyCharacters(text: string): number {
  const { Resources } = JSON.parse(text) as Template;
  const policies = Object.values(Resources).filter(
    ({ Type, Properties }) => Type === 'AWS::IAM::Policy' && JSON.stringify(Properties.Roles).includes('HandlerRole'),
  );
  return policies.reduce((sum, { Properties }) => sum + JSON.stringify(Properties.PolicyDocument).length, 0);
}
