import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { Stack } from 'aws-cdk-lib';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as first from '../../lib';
import { COPY_RESOURCE_TYPE } from '../../lib/contract';
import { ENV, range, SOURCE, templateOf, newApp } from './stacks';

const ROOT = path.join(__dirname, '..', '..');

let folder: string;
let second: typeof first;

/** As if npm had installed a second copy for a construct library that needs another version. There is one CDK. */
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'some-library-'));
  fs.cpSync(path.join(ROOT, 'lib'), path.join(folder, 'lib'), { recursive: true });
  for (const name of ['node_modules', 'assets']) fs.symlinkSync(path.join(ROOT, name), path.join(folder, name));
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a path that is known at run time only
  second = require(path.join(folder, 'lib')) as typeof first;
});

afterAll(() => {
  fs.rmSync(folder, { recursive: true });
});

test('settings that an app makes with its own installation apply to copies from another installation', () => {
  const stack = new Stack(newApp(), 'Data', { env: ENV });
  const logGroup = new logs.LogGroup(stack, 'Logs', { retention: logs.RetentionDays.ONE_YEAR });
  first.SnapshotCopyProvider.configure(stack, { logGroup, maxConcurrentCopies: 1 });
  for (const n of range(2)) new second.SnapshotCopy(stack, `Copy${n}`, { sourceSnapshotId: SOURCE });
  const resources = Object.values(templateOf(stack).Resources);
  const groups = resources.filter(({ Type }) => Type === 'AWS::Logs::LogGroup');
  expect(groups.map(({ Properties: properties }) => properties.RetentionInDays)).toEqual([365]);
  const copies = resources.filter(({ Type }) => Type === COPY_RESOURCE_TYPE);
  expect(copies.map(({ DependsOn: ids = [] }) => ids.length)).toEqual([1, 2]);
});

test('copies from both installations share one provider and its lanes', () => {
  const stack = new Stack(newApp(), 'Data', { env: ENV });
  second.SnapshotCopyProvider.configure(stack, { maxConcurrentCopies: 1 });
  new first.SnapshotCopy(stack, 'First', { sourceSnapshotId: SOURCE });
  new second.SnapshotCopy(stack, 'Second', { sourceSnapshotId: SOURCE });
  const copies = Object.values(templateOf(stack).Resources).filter(({ Type }) => Type === COPY_RESOURCE_TYPE);
  expect(copies.map(({ DependsOn: ids = [] }) => ids.length)).toEqual([1, 2]);
});

test('one installation cannot change settings that another uses', () => {
  const stack = new Stack(newApp(), 'Data', { env: ENV });
  new second.SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE });
  expect(() => {
    first.SnapshotCopyProvider.configure(stack, { maxConcurrentCopies: 1 });
  }).toThrow(/maxConcurrentCopies differs from the value that stack "Data" already uses/);
});
