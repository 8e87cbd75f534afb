import { Duration, type Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy, SnapshotCopyDryRun, type SnapshotCopyDryRunProps } from '../../lib';
import { DRY_RUN_RESOURCE_TYPE } from '../../lib/contract';
import { waitsFor } from './cycles';
import { policiesIn } from './iam';
import { idOf, newStack, range, resourceOf, SOURCE, templateOf, wiredBy } from './stacks';

const PROPS: SnapshotCopyDryRunProps = {
  sourceSnapshotId: SOURCE,
  sourceRegion: 'us-west-2',
  destinationRegion: 'eu-west-1',
  description: 'nightly',
  encrypted: true,
  kmsKeyId: 'alias/dr',
  completionDuration: Duration.hours(3),
};

let stack: Stack;

beforeEach(() => {
  stack = newStack();
});

const resourceIn = (dryRun: SnapshotCopyDryRun) => dryRun.node.findChild('Resource');

test('a dry run sends the properties that EC2 checks for a copy', () => {
  const dryRun = new SnapshotCopyDryRun(stack, 'DryRun', PROPS);
  const { TimeoutSeconds: timeout, ...request } = wiredBy(new SnapshotCopy(stack, 'Copy', PROPS));
  expect(timeout).toBe('11400');
  expect(wiredBy(resourceIn(dryRun))).toEqual(request);
});

test('a dry run is one resource of its own type, with a service timeout of twenty minutes', () => {
  const dryRun = new SnapshotCopyDryRun(stack, 'DryRun', PROPS);
  expect(resourceOf(resourceIn(dryRun))).toMatchObject({
    Type: DRY_RUN_RESOURCE_TYPE,
    Properties: { ServiceTimeout: '1200' },
  });
  const types = Object.values(templateOf(stack).Resources).map(({ Type }) => Type);
  expect(types.filter((type) => type.startsWith('Custom::'))).toEqual([DRY_RUN_RESOURCE_TYPE]);
});

test('a dry run has the same permissions as a copy', () => {
  new SnapshotCopyDryRun(stack, 'DryRun', PROPS);
  const other = newStack();
  new SnapshotCopy(other, 'Copy', PROPS);
  expect(policiesIn(templateOf(stack))).toEqual(policiesIn(templateOf(other)));
});

test('a dry run waits for its permissions and for an alias in the stack', () => {
  const alias = new kms.Key(stack, 'Key').addAlias('ebs');
  const dryRun = new SnapshotCopyDryRun(stack, 'DryRun', { sourceSnapshotId: SOURCE, kmsKey: alias });
  const template = templateOf(stack);
  const policy = Object.keys(template.Resources).find((id) => id.includes('HandlerRoleDefaultPolicy')) ?? '';
  expect(waitsFor(template, idOf(resourceIn(dryRun)), policy)).toBe(true);
  expect(waitsFor(template, idOf(resourceIn(dryRun)), idOf(alias))).toBe(true);
});

test('dry runs and copies do not wait for each other', () => {
  const dryRuns = range(25).map((n) => new SnapshotCopyDryRun(stack, `DryRun${n}`, { sourceSnapshotId: SOURCE }));
  const copies = range(20).map((n) => new SnapshotCopy(stack, `Copy${n}`, { sourceSnapshotId: SOURCE }));
  const { Resources: resources } = templateOf(stack);
  const before = [...dryRuns.map(resourceIn), ...copies].map((each) => resources[idOf(each)]?.DependsOn);
  const policy = expect.stringContaining('HandlerRoleDefaultPolicy') as unknown;
  expect(before).toEqual(Array(45).fill([policy]));
});

test('invalid props are refused as for a copy', () => {
  const declare = () => new SnapshotCopyDryRun(stack, 'DryRun', { sourceSnapshotId: 'x', kmsKeyId: 'y' });
  expect(declare).toThrow(/^Stack\/DryRun: sourceSnapshotId "x".*\nStack\/DryRun: kmsKeyId "y"/);
});
