// What copies cost at synthesis and in the template, compared with the same custom resources declared by hand.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figure } from './figure';
import { medianOf, rounds, type Command, type Run } from './processes';

const MANY = 450;
const PLAIN = 'as many plain CfnResources';

/** What `cdk synth` passes to an app by default (aws-cdk 2.1148). Version reporting reads what the CDK knows of Regions. */
const CLI_CONTEXT = {
  'aws:cdk:enable-path-metadata': true,
  'aws:cdk:enable-asset-metadata': true,
  'aws:cdk:version-reporting': true,
  'aws:cdk:bundling-stacks': ['**'],
  '@aws-cdk/core:failSynthOnValidationErrors': false,
};

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Record<string, unknown> }>>;
}

/** As many copies as the policy lists, and as EC2 makes at once: up to there, a copy may add more than itself. */
const FEW = 20;

export function templates(): Figure[] {
  const perFurther = (measure: (text: string) => number, kind: Kind): number =>
    (measure(synthesized(kind, MANY)) - measure(synthesized(kind, FEW))) / (MANY - FEW);
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

/** In processor time, because the clock tells little while other programs run. */
export async function synthesisTime(count: number): Promise<Figure[]> {
  const measured = await rounds(count, {
    plain1: synthesis('plain', 1),
    copies1: synthesis('copies', 1),
    plainMany: synthesis('plain', MANY),
    copiesMany: synthesis('copies', MANY),
    depending1: synthesis('depending', 1),
    dependingMany: synthesis('depending', MANY),
    bare1: { ...synthesis('plain', 1), env: {} },
    bareCopies1: { ...synthesis('copies', 1), env: {} },
  });
  const ms = ({ output }: Run): number => Number(output);
  const perFurther = medianOf(measured, ({ copiesMany, copies1 }) => ms(copiesMany) - ms(copies1));
  return [
    {
      what: 'synthesis of 1 copy',
      baseline: 'a plain CfnResource',
      value: medianOf(measured, ({ copies1, plain1 }) => ms(copies1) / ms(plain1)),
      unit: '×',
      goal: 2.2,
    },
    {
      what: `synthesis of ${MANY} copies`,
      baseline: PLAIN,
      value: medianOf(measured, ({ copiesMany, plainMany }) => ms(copiesMany) / ms(plainMany)),
      unit: '×',
      goal: 2.2,
    },
    {
      what: 'time per further copy',
      baseline: 'a further plain CfnResource with its DependsOn',
      value: perFurther / medianOf(measured, ({ dependingMany, depending1 }) => ms(dependingMany) - ms(depending1)),
      unit: '×',
      goal: 1.8,
    },
    {
      what: 'time per further copy',
      baseline: 'a further plain CfnResource without it',
      value: perFurther / medianOf(measured, ({ plainMany, plain1 }) => ms(plainMany) - ms(plain1)),
      unit: '×',
    },
    {
      what: 'synthesis of 1 copy without the context of the CDK CLI',
      baseline: 'a plain CfnResource without it',
      value: medianOf(measured, ({ bareCopies1, bare1 }) => ms(bareCopies1) / ms(bare1)),
      unit: '×',
    },
  ];
}

type Kind = 'copies' | 'plain' | 'depending';

function synthesis(kind: Kind, count: number): Command {
  return {
    args: [join(__dirname, 'synth-app.js'), kind, String(count), folder()],
    env: { CDK_CONTEXT_JSON: JSON.stringify(CLI_CONTEXT) },
  };
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
