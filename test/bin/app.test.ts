import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { propsFromContext, USAGE } from '../../bin/context';
import { SnapshotLock, StorageTier } from '../../lib';

const ROOT = path.join(__dirname, '..', '..');
const SOURCE = 'snap-0123456789abcdef0';

let assembly: string;

beforeEach(() => {
  assembly = fs.mkdtempSync(path.join(os.tmpdir(), 'app-'));
});

afterEach(() => {
  fs.rmSync(assembly, { recursive: true });
});

/** Runs the app as the CDK CLI does. */
function synth(context: Readonly<Record<string, unknown>>) {
  const { app } = JSON.parse(fs.readFileSync(path.join(ROOT, 'cdk.json'), 'utf8')) as { app: string };
  const env = { ...process.env, CDK_OUTDIR: assembly, CDK_CONTEXT_JSON: JSON.stringify(context) };
  return spawnSync(app, { cwd: ROOT, env, shell: true, encoding: 'utf8' });
}

test('valid context values produce a template with the copy and its outputs', () => {
  const { status, stderr } = synth({ sourceSnapshotId: SOURCE, destinationRegion: 'eu-west-1', 'aws:cdk:x': true });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const text = fs.readFileSync(path.join(assembly, 'SnapshotCopy.template.json'), 'utf8');
  const { Resources: resources, Outputs: outputs } = JSON.parse(text) as Record<string, Record<string, unknown>>;
  expect(Object.values(resources ?? {})).toContainEqual(
    expect.objectContaining({
      Type: 'Custom::SnapshotCopy',
      Properties: expect.objectContaining({ SourceSnapshotId: SOURCE, DestinationRegion: 'eu-west-1' }) as unknown,
    }),
  );
  expect(Object.keys(outputs ?? {})).toEqual(['SnapshotId', 'SnapshotArn', 'VolumeSize', 'KmsKeyArn']);
});

test('a dry run is declared instead of the copy, and without outputs', () => {
  const context = { sourceSnapshotId: SOURCE, dryRun: 'true', tags: '{"team":"storage"}', timeoutMinutes: '30' };
  expect(synth(context)).toMatchObject({ status: 0, stderr: '' });
  const text = fs.readFileSync(path.join(assembly, 'SnapshotCopy.template.json'), 'utf8');
  const template = JSON.parse(text) as { Resources: Record<string, { Type: string }>; Outputs?: object };
  const types = Object.values(template.Resources).map(({ Type }) => Type);
  expect(types.filter((type) => type.startsWith('Custom::'))).toEqual(['Custom::SnapshotCopyDryRun']);
  expect(template).not.toHaveProperty('Outputs');
});

test.each([
  ['missing', {}, 'sourceSnapshotId is missing'],
  ['invalid', { sourceSnapshotId: 'snap-1' }, 'sourceSnapshotId "snap-1" is not a snapshot ID'],
])('%s context values give the usage on stderr, exit code 1, and no stack trace', (_, context, message) => {
  const { status, stderr, stdout } = synth(context);
  expect(status).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain(message);
  expect(stderr).toContain(USAGE);
  expect(stderr).not.toMatch(/^ +at /m);
});

test('every prop can be given as text', () => {
  const arn = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
  const { sourceKmsKeyArn, copy, dryRun } = propsFromContext({
    sourceSnapshotId: SOURCE,
    sourceRegion: 'us-east-1',
    destinationRegion: 'us-west-2',
    destinationOutpostArn: 'arn:aws:outposts:us-west-2:111122223333:outpost/op-0123456789abcdef0',
    destinationAvailabilityZone: 'us-west-2-lax-1a',
    description: 'nightly',
    encrypted: 'true',
    kmsKeyId: 'alias/dr',
    sourceKmsKeyArn: arn,
    completionDurationMinutes: '30',
    tags: '{"team":"storage"}',
    timeoutMinutes: 45,
    removalPolicy: 'retain-on-update-or-delete',
    copySourceTags: 'true',
    shareWith: '555566667777, 666677778888',
    storageTier: 'archive',
    lock: '7,24',
    dryRun: false,
  });
  const { completionDuration, lock, timeout, ...rest } = copy;
  expect(lock).toEqual(SnapshotLock.compliance(Duration.days(7), Duration.hours(24)));
  expect([completionDuration?.toMinutes(), timeout?.toMinutes()]).toEqual([30, 45]);
  expect([sourceKmsKeyArn, dryRun]).toEqual([arn, false]);
  expect(rest).toEqual({
    sourceSnapshotId: SOURCE,
    sourceRegion: 'us-east-1',
    destinationRegion: 'us-west-2',
    destinationOutpostArn: 'arn:aws:outposts:us-west-2:111122223333:outpost/op-0123456789abcdef0',
    destinationAvailabilityZone: 'us-west-2-lax-1a',
    description: 'nightly',
    encrypted: true,
    kmsKeyId: 'alias/dr',
    tags: { team: 'storage' },
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    copySourceTags: true,
    shareWith: ['555566667777', '666677778888'],
    storageTier: StorageTier.ARCHIVE,
  });
  const names = [...USAGE.matchAll(/-c (\w+)=.*$/gm)].map((match) => match[1]);
  expect(new Set(names).size).toBe(21);
  for (const governance of [7, '7']) {
    const { copy: locked } = propsFromContext({ sourceSnapshotId: SOURCE, lock: governance });
    expect(locked.lock).toEqual(SnapshotLock.governance(Duration.days(7)));
  }
});

test.each<[Record<string, unknown>, RegExp]>([
  [{ sourcesnapshotid: SOURCE }, /"sourcesnapshotid" is unknown/],
  [{ toString: 'x' }, /"toString" is unknown/],
  [{ encrypted: 'yes' }, /encrypted "yes" is neither true nor false/],
  [{ timeoutMinutes: '1h' }, /timeoutMinutes "1h" is not a number of minutes/],
  [{ completionDurationMinutes: '' }, /completionDurationMinutes "" is not a number/],
  [{ removalPolicy: 'snapshot' }, /removalPolicy "snapshot" is not one of destroy, retain, retain-on-update-or-delete/],
  [{ copySourceTags: 'yes' }, /copySourceTags "yes" is neither true nor false/],
  [{ storageTier: 'glacier' }, /storageTier "glacier" is not one of standard, archive/],
  [{ lock: 'compliance' }, /lock "compliance" is not a number of days/],
  [{ tags: 'team=storage' }, /tags "team=storage" is not a JSON object/],
  [{ tags: '["a"]' }, /is not a JSON object/],
  [{ tags: { team: 1 } }, /is not a JSON object of strings/],
])('%p is refused', (context, message) => {
  expect(() => propsFromContext({ sourceSnapshotId: SOURCE, ...context })).toThrow(message);
});

test('the CDK’s own context values are ignored', () => {
  const context = { '@aws-cdk/core:flag': true, 'aws:cdk:version-reporting': true, 'cli-telemetry': false };
  expect(propsFromContext({ sourceSnapshotId: SOURCE, ...context })).toEqual({ copy: { sourceSnapshotId: SOURCE } });
});

test('the CDK CLI builds the bundle before it runs the app', () => {
  const { build } = JSON.parse(fs.readFileSync(path.join(ROOT, 'cdk.json'), 'utf8')) as { build: string };
  expect(() => execFileSync(build, { cwd: ROOT, shell: true, stdio: 'ignore' })).not.toThrow();
});
