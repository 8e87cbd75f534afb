import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { App, Duration, Stack, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { AwsSolutionsChecks } from 'cdk-nag';
import { SnapshotCopy, SnapshotCopyProvider, type SnapshotCopyProps } from '../../lib';

interface Report {
  readonly pluginReports: { readonly violations?: { readonly ruleName: string }[] }[];
}

let directory: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nag-'));
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true });
});

/** The rules that are found broken in what the library declares. */
function findings(declare: (stack: Stack) => void): string[] {
  const app = new App({ outdir: directory });
  const stack = new Stack(app, 'Stack', { env: { account: '111122223333', region: 'us-east-1' } });
  const plugin = new AwsSolutionsChecks(app);
  Validations.of(app).addPlugins(plugin);
  declare(stack);
  const said = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const exitCode = process.exitCode;
  try {
    app.synth();
  } catch {
    // The report has what was found.
  }
  process.exitCode = exitCode;
  said.mockRestore();
  const report = fs.readdirSync(directory).find((file) => file.endsWith('validation-report.json'));
  if (report === undefined) return [];
  const { pluginReports } = JSON.parse(fs.readFileSync(path.join(directory, report), 'utf8')) as Report;
  return pluginReports.flatMap(({ violations = [] }) => violations.map(({ ruleName }) => ruleName));
}

const copyOf = (stack: Stack, props: Partial<SnapshotCopyProps> = {}, id = 'Copy') =>
  new SnapshotCopy(stack, id, { sourceSnapshotId: 'snap-0123456789abcdef0', ...props });

test('a finding in what the user declares is found', () => {
  const found = findings((stack) => {
    copyOf(stack);
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
    role.addToPolicy(new iam.PolicyStatement({ actions: ['s3:*'], resources: ['*'] }));
  });
  expect(found.map((rule) => rule.replace(/^AwsSolutions::/, '')).sort()).toEqual([
    'AwsSolutions-IAM5[Action::s3:*]',
    'AwsSolutions-IAM5[Resource::*]',
  ]);
});

test.each<[string, (stack: Stack) => void]>([
  ['one copy', copyOf],
  [
    'copies of every kind',
    (stack) => {
      const first = copyOf(stack, { destinationRegion: 'eu-west-1', timeout: Duration.hours(2) });
      copyOf(stack, { sourceSnapshotId: first.snapshotId, kmsKeyId: 'alias/a', sourceRegion: 'eu-west-1' }, 'Again');
      const kmsKey = new kms.Key(stack, 'Key', { enableKeyRotation: true });
      copyOf(stack, { kmsKey: kmsKey.addAlias('own') }, 'OwnKey');
    },
  ],
  [
    'a copy in a VPC',
    (stack) => {
      const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
        vpcId: 'vpc-0123456789abcdef0',
        availabilityZones: ['us-east-1a'],
        privateSubnetIds: ['subnet-0123456789abcdef0'],
      });
      SnapshotCopyProvider.configure(stack, { vpc });
      copyOf(stack);
    },
  ],
])('%s: nothing is found that is not acknowledged with a reason', (_, declare) => {
  expect(findings(declare)).toEqual([]);
});
