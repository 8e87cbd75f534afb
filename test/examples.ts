// npm run test:examples: a project that has installed the packed tarball type-checks and synthesizes each example, as a
// user does, without a network.
import { execFile, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { projectWith } from './installed-package';

const ROOT = path.join(__dirname, '..');
const SOURCE = path.join(ROOT, 'examples');
const NAME = 'cdk-ebs-snapshot-copy';
const EXAMPLES = fs
  .readdirSync(SOURCE, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
const PIPELINE_ELSEWHERE = path.join('another', 'folder', 'pipeline');

interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly DependsOn?: readonly string[];
}

let project: string;
const failures = new Map<string, string>();

beforeAll(async () => {
  ({ folder: project } = projectWith(NAME, ['aws-cdk', 'tsx', '.bin/cdk', '.bin/tsx']));
  const folders = [...EXAMPLES, PIPELINE_ELSEWHERE];
  for (const folder of folders) copyExample(path.basename(folder), folder);
  const waiting = [...folders];
  const synthesizeNext = async (): Promise<void> => {
    for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) await synthesize(folder);
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, synthesizeNext));
}, EXAMPLES.length * 60_000);

afterAll(() => {
  fs.rmSync(project, { recursive: true });
});

function copyExample(name: string, folder: string): void {
  for (const file of ['app.ts', 'cdk.json']) fs.cpSync(path.join(SOURCE, name, file), path.join(project, folder, file));
}

async function synthesize(folder: string): Promise<void> {
  const unreachable = 'http://127.0.0.1:9';
  const env = {
    PATH: process.env.PATH,
    HOME: project,
    npm_config_offline: 'true',
    HTTP_PROXY: unreachable,
    HTTPS_PROXY: unreachable,
    AWS_EC2_METADATA_DISABLED: 'true',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    BUILD_ID: '17',
  };
  const options = ['--quiet', '--no-notices', '--no-lookups'];
  try {
    await promisify(execFile)('npx', ['cdk', 'synth', ...options], { cwd: path.join(project, folder), env });
  } catch (error) {
    failures.set(folder, (error as { stderr: string }).stderr);
  }
}

const assemblyOf = (folder: string): string => path.join(project, folder, 'cdk.out');

function filesOf(folder: string): string[] {
  return fs
    .readdirSync(assemblyOf(folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => fs.statSync(path.join(assemblyOf(folder), file)).isFile())
    .sort();
}

const read = (folder: string, file: string): string => fs.readFileSync(path.join(assemblyOf(folder), file), 'utf8');

function resourcesOf(folder: string, type: string): [logicalId: string, resource: Resource][] {
  return filesOf(folder)
    .filter((file) => file.endsWith('.template.json'))
    .map((file) => JSON.parse(read(folder, file)) as { Resources: Record<string, Resource> })
    .flatMap(({ Resources }) => Object.entries(Resources))
    .filter(([, { Type }]) => Type === type);
}

const copiesOf = (folder: string): [logicalId: string, resource: Resource][] =>
  resourcesOf(folder, 'Custom::SnapshotCopy');

const propertiesOf = (folder: string, type: string): Record<string, unknown>[] =>
  resourcesOf(folder, type).map(([, { Properties }]) => Properties);

/** The id of the only copy, from its last stage. */
function idOfCopy(folder: string): unknown {
  const stages = [...copiesOf(folder), ...resourcesOf(folder, 'Custom::SnapshotCopyStage')];
  return { 'Fn::GetAtt': [stages.at(-1)?.[0], 'SnapshotId'] };
}

test('all examples type-check against the packed declarations', () => {
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['--strict', '--noEmit', '--module', 'node16', '--target', 'es2022', '--types', 'node'];
  const apps = EXAMPLES.map((name) => path.join(name, 'app.ts'));
  const compiler = spawnSync(process.execPath, [tsc, ...options, '--skipLibCheck', ...apps], { cwd: project });
  expect(compiler.stdout.toString()).toBe('');
  expect(compiler.status).toBe(0);
});

test.each(EXAMPLES)('the example %s synthesizes without a lookup', (name) => {
  expect(failures.get(name)).toBeUndefined();
  expect(JSON.parse(read(name, 'manifest.json'))).not.toHaveProperty('missing');
  expect(fs.readdirSync(path.join(project, name)).sort()).toEqual(['app.ts', 'cdk.json', 'cdk.out']);
});

test.each(EXAMPLES)('the example %s says when to use it, and the README of the examples names it', (name) => {
  expect(fs.readFileSync(path.join(SOURCE, name, 'app.ts'), 'utf8')).toMatch(/^\/\/ When to use it: .+\.\n/);
  expect(fs.readFileSync(path.join(SOURCE, 'README.md'), 'utf8')).toContain(`| [${name}](${name}/app.ts) `);
});

test('each example has one copy, and the one for three Regions has three', () => {
  const counts = Object.fromEntries(EXAMPLES.map((name) => [name, copiesOf(name).length]));
  expect(counts).toEqual({
    'auto-scaling': 1,
    'compliance-copy': 1,
    'disaster-recovery': 1,
    'golden-volume': 1,
    monitoring: 1,
    'nightly-recovery': 1,
    outpost: 1,
    pipeline: 1,
    're-encryption': 1,
    'share-with-partner': 1,
    'shared-snapshot': 1,
    'three-regions': 3,
    'volume-to-copy': 1,
  });
});

test('a copy for disaster recovery goes to the other Region and outlives its stack', () => {
  const [[, copy]] = copiesOf('disaster-recovery') as [[string, Resource]];
  expect(copy.Properties).toMatchObject({ SourceRegion: 'us-east-1', DestinationRegion: 'us-west-2' });
  expect(copy.DeletionPolicy).toBe('RetainExceptOnCreate');
  expect(propertiesOf('disaster-recovery', 'AWS::SSM::Parameter')).toMatchObject([
    { Value: idOfCopy('disaster-recovery') },
  ]);
});

test.each(['re-encryption', 'share-with-partner', 'shared-snapshot'])(
  'the copy in %s is under the key of the stack',
  (name) => {
    const [[key]] = resourcesOf(name, 'AWS::KMS::Key') as [[string, Resource]];
    expect(propertiesOf(name, 'Custom::SnapshotCopy')).toMatchObject([{ KmsKeyId: { 'Fn::GetAtt': [key, 'Arn'] } }]);
  },
);

test('the example of a shared snapshot declares the key of the other account', () => {
  const [copy] = propertiesOf('shared-snapshot', 'Custom::SnapshotCopy');
  expect(copy?.SourceKmsKeyArn).toMatch(/^arn:aws:kms:us-east-1:999988887777:key\//);
});

test('the instances of the fleet get a volume that is made from the copy', () => {
  const [[template]] = resourcesOf('auto-scaling', 'AWS::EC2::LaunchTemplate') as [[string, Resource]];
  expect(propertiesOf('auto-scaling', 'AWS::EC2::LaunchTemplate')).toMatchObject([
    { LaunchTemplateData: { BlockDeviceMappings: [{ Ebs: { SnapshotId: idOfCopy('auto-scaling') } }] } },
  ]);
  expect(propertiesOf('auto-scaling', 'AWS::AutoScaling::AutoScalingGroup')).toMatchObject([
    { LaunchTemplate: { LaunchTemplateId: { Ref: template } } },
  ]);
});

test('the nightly copy is of the newest backup, which may not be too old', () => {
  expect(propertiesOf('nightly-recovery', 'Custom::SnapshotCopy')).toMatchObject([
    { LatestSource: { VolumeId: expect.stringMatching(/^vol-/) as string, MaxAgeSeconds: '129600' } },
  ]);
});

test('the snapshot that a stack takes is what it copies', () => {
  const [[snapshot]] = resourcesOf('volume-to-copy', 'AWS::EC2::Snapshot') as [[string, Resource]];
  expect(propertiesOf('volume-to-copy', 'Custom::SnapshotCopy')).toMatchObject([
    { SourceSnapshotId: { 'Fn::GetAtt': [snapshot, 'SnapshotId'] } },
  ]);
});

test('the partner gets the copy, and may use its key', () => {
  expect(propertiesOf('share-with-partner', 'Custom::SnapshotCopy')).toMatchObject([{ ShareWith: ['555566667777'] }]);
  const [key] = propertiesOf('share-with-partner', 'AWS::KMS::Key');
  expect(JSON.stringify(key?.KeyPolicy)).toMatch(/"Action":"kms:CreateGrant".*:iam::555566667777:root/);
});

test('the compliance copy is locked for seven years, and outlives its stack', () => {
  const [[, copy]] = copiesOf('compliance-copy') as [[string, Resource]];
  expect(copy.Properties).toMatchObject({
    CopySourceTags: 'true',
    LockMode: 'compliance',
    LockDurationDays: '2555',
    CoolOffPeriodHours: '24',
  });
  expect(copy.DeletionPolicy).toBe('RetainExceptOnCreate');
});

test('the golden volume comes after fast restore of the copy in its zone', () => {
  const [[, volume]] = resourcesOf('golden-volume', 'AWS::EC2::Volume') as [[string, Resource]];
  const stages = [
    ...resourcesOf('golden-volume', 'Custom::FastSnapshotRestore'),
    ...resourcesOf('golden-volume', 'Custom::FastSnapshotRestoreStage'),
  ];
  expect(volume.DependsOn).toEqual(expect.arrayContaining(stages.map(([id]) => id)));
  expect(stages.map(([, { Properties }]) => Properties.AvailabilityZones)).toContainEqual([
    volume.Properties.AvailabilityZone,
  ]);
});

test('a failed copy raises an alarm, which sends an e-mail', () => {
  const [[topic]] = resourcesOf('monitoring', 'AWS::SNS::Topic') as [[string, Resource]];
  expect(propertiesOf('monitoring', 'AWS::CloudWatch::Alarm')).toMatchObject([
    { Namespace: 'cdk-ebs-snapshot-copy', MetricName: 'Failures', AlarmActions: [{ Ref: topic }] },
  ]);
  expect(propertiesOf('monitoring', 'AWS::SNS::Subscription')).toMatchObject([
    { Protocol: 'email', TopicArn: { Ref: topic } },
  ]);
  const filters = propertiesOf('monitoring', 'AWS::Logs::MetricFilter').map(
    ({ MetricTransformations: [one] = [] }: { MetricTransformations?: { MetricName: string }[] }) => one?.MetricName,
  );
  expect(filters.sort()).toEqual(['Copies', 'Duration', 'Failures', 'Failures']);
});

test('three Regions get their copies from one stack', () => {
  const copies = propertiesOf('three-regions', 'Custom::SnapshotCopy');
  expect(copies.map(({ DestinationRegion }) => DestinationRegion)).toEqual([
    'us-west-2',
    'eu-west-1',
    'ap-southeast-1',
  ]);
});

test.each([
  ['re-encryption', 'in the Region'],
  ['outpost', 'on the Outpost'],
])('the volume in %s, %s, is made from the copy', (name) => {
  expect(propertiesOf(name, 'AWS::EC2::Volume')).toMatchObject([{ SnapshotId: idOfCopy(name) }]);
});

test('the copy for an Outpost is stored where its volume is', () => {
  const [copy] = propertiesOf('outpost', 'Custom::SnapshotCopy');
  const [volume] = propertiesOf('outpost', 'AWS::EC2::Volume');
  expect(copy?.DestinationOutpostArn).toMatch(/^arn:aws:outposts:/);
  expect(volume?.OutpostArn).toBe(copy?.DestinationOutpostArn);
});

test('the pipeline updates itself before it publishes the handler and deploys the copy', () => {
  const [pipeline] = propertiesOf('pipeline', 'AWS::CodePipeline::Pipeline') as [{ Stages: { Name: string }[] }];
  const stages = pipeline.Stages.map(({ Name }) => Name);
  expect(stages).toEqual(['Source', 'Build', 'UpdatePipeline', 'Assets', 'Production']);
});

test('the pipeline is the same in another folder, assets included', () => {
  expect(failures.get(PIPELINE_ELSEWHERE)).toBeUndefined();
  // Not the metadata beside them, which names lines of the app in its folder.
  const templatesAndAssets = (folder: string): Record<string, string> =>
    Object.fromEntries(
      filesOf(folder)
        .filter((file) => /\.(template|assets)\.json$|\basset\./.test(file))
        .map((file) => [file, read(folder, file)]),
    );
  const handlers = filesOf('pipeline').filter((file) => /asset\.\w+\/index\.js$/.test(file));
  expect(handlers.map((file) => read('pipeline', file))).toContain(
    fs.readFileSync(path.join(ROOT, 'assets', 'handler', 'index.js'), 'utf8'),
  );
  expect(templatesAndAssets(PIPELINE_ELSEWHERE)).toEqual(templatesAndAssets('pipeline'));
});
