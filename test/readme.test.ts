import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as cdk from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as ts from 'typescript';
import * as published from '../lib';
import { TAG } from '../lib/contract';
import { MINUTE, World } from './lambda/in-process';

const readme = readFileSync(join(__dirname, '..', 'README.md'), 'utf8');
const examples = [...readme.matchAll(/```ts[^\n]*\n(.*?)```/gs)].map(([, code = '']) => code);

const modules: Record<string, object> = {
  'aws-cdk-lib': cdk,
  'aws-cdk-lib/aws-ec2': ec2,
  'cdk-ebs-snapshot-copy': published,
};

/** Runs an example as the body of a stack's constructor, with what an app has imported by then. */
function run(code: string, stack: cdk.Stack): void {
  const { outputText } = ts.transpileModule(code, { compilerOptions: { module: ts.ModuleKind.CommonJS } });
  const scope = { ...cdk, ...published, ec2, kms, logs, exports: {}, require: (name: string) => modules[name] };
  // A block, since what an example imports itself is declared once more.
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- that is the point
  new Function(...Object.keys(scope), `{${outputText}}`).apply(stack, Object.values(scope));
}

test.each(
  examples.map((code) => [code.split('\n').find((line) => line.includes('new ')) ?? code.split('\n')[0], code]),
)('the example of the README with "%s" runs', (_, code) => {
  const app = new cdk.App({ builtinCloudFormationValidation: false });
  const stack = new cdk.Stack(app, 'Example', { env: { account: '111122223333', region: 'us-east-1' } });
  run(code, stack);
  expect(() => app.synth()).not.toThrow();
});

test('the command of the README lists the copies of all stacks, and no other snapshot', async () => {
  const [, name, value = ''] = /--filters Name=([\w-]+),Values=(\S+)/.exec(readme) ?? [];
  expect(value).toBe(TAG.stack);
  const world = new World({ copyDuration: MINUTE });
  const id = await world.create();
  world.ec2.addSnapshot({ region: 'eu-west-1', tags: { team: 'storage' } });
  const Filters = [{ Name: name, Values: [value] }];
  const { Snapshots } = await world.services.send('eu-west-1', 'DescribeSnapshots', { OwnerIds: ['self'], Filters });
  expect(Snapshots?.map(({ SnapshotId }) => SnapshotId)).toEqual([id]);
});
