// Both versions of cdk-nag that apps use, on everything that the library can declare.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { Aspects, Duration, Stack, Validations } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { AwsSolutionsChecks as AwsSolutionsChecks2 } from 'cdk-nag-2';
import { SnapshotCopy, SnapshotCopyDryRun, type SnapshotCopyProps, SnapshotCopyProvider } from '../../lib';
import { ENV, newApp, range, SOURCE } from './stacks';

interface Report {
  readonly pluginReports: { readonly violations?: { readonly ruleName: string }[] }[];
}

type Declare = (stack: Stack) => void;

let directory: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nag-'));
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true });
});

/** The findings of cdk-nag 3, from the report that it writes. */
function findingsOf3(declare: Declare, env = ENV as Partial<typeof ENV>): string[] {
  const app = newApp({ outdir: directory });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  declare(new Stack(app, 'Stack', { env }));
  const silenced = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const exitCode = process.exitCode;
  try {
    app.synth();
  } catch {
    // The report contains the findings.
  }
  process.exitCode = exitCode;
  silenced.mockRestore();
  const report = fs.readdirSync(directory).find((file) => file.endsWith('validation-report.json'));
  if (report === undefined) return [];
  const { pluginReports } = JSON.parse(fs.readFileSync(path.join(directory, report), 'utf8')) as Report;
  return pluginReports
    .flatMap(({ violations = [] }) => violations.map(({ ruleName }) => ruleName))
    .filter((rule) => rule.includes('AwsSolutions-'));
}

/** The findings of cdk-nag 2, from the annotations that it makes. */
function findingsOf2(declare: Declare, env = ENV as Partial<typeof ENV>): string[] {
  const app = newApp({ outdir: directory });
  const stack = new Stack(app, 'Stack', { env });
  declare(stack);
  Aspects.of(app).add(new AwsSolutionsChecks2());
  const annotations = Annotations.fromStack(stack);
  const rule = Match.stringLikeRegexp('^AwsSolutions-');
  const found = [...annotations.findError('*', rule), ...annotations.findWarning('*', rule)];
  return found.map(({ entry }) => (entry.data as string).replace(/:.*$/s, ''));
}

const VERSIONS = [
  ['3', findingsOf3],
  ['2', findingsOf2],
] as const;

const copyOf = (stack: Stack, props: Partial<SnapshotCopyProps> = {}, id = 'Copy') =>
  new SnapshotCopy(stack, id, { sourceSnapshotId: SOURCE, ...props });

const KINDS: [string, Declare][] = [
  ['one copy', copyOf],
  ['a dry run', (stack) => new SnapshotCopyDryRun(stack, 'DryRun', { sourceSnapshotId: SOURCE })],
  [
    'copies of every kind',
    (stack) => {
      const first = copyOf(stack, { destinationRegion: 'eu-west-1', timeout: Duration.hours(2) });
      copyOf(stack, { sourceSnapshotId: first.snapshotId, kmsKeyId: 'alias/a', sourceRegion: 'eu-west-1' }, 'Again');
      const key = new kms.Key(stack, 'Key', { enableKeyRotation: true });
      copyOf(stack, { kmsKey: key }, 'OwnKey');
      copyOf(stack, { kmsKey: key.addAlias('own') }, 'OwnAlias');
    },
  ],
  [
    'more keys and Regions than the policy lists',
    (stack) => {
      const keyArn = (n: number) => `arn:aws:kms:us-east-1:99998888777${n}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
      for (const n of range(10)) {
        const sourceSnapshotId = `snap-0123456789abcde${n + 10}`;
        copyOf(stack, { sourceSnapshotId, sourceRegion: `us-west-${n + 1}`, kmsKeyId: keyArn(n) }, `Key${n}`);
        copyOf(stack, { destinationRegion: `eu-west-${n + 1}` }, `Region${n}`);
      }
    },
  ],
  [
    'a VPC and a log group',
    (stack) => {
      const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
        vpcId: 'vpc-0123456789abcdef0',
        availabilityZones: ['us-east-1a'],
        privateSubnetIds: ['subnet-0123456789abcdef0'],
      });
      SnapshotCopyProvider.configure(stack, { vpc, logGroup: logs.LogGroup.fromLogGroupName(stack, 'Logs', 'copies') });
      copyOf(stack);
    },
  ],
];

describe.each(VERSIONS)('cdk-nag %s', (_, findings) => {
  test.each(KINDS)('finds nothing in the provider of %s that is not acknowledged with a reason', (__, declare) => {
    expect(findings(declare)).toEqual([]);
  });

  test('finds nothing in a stack whose account and Region are unknown until deployment', () => {
    expect(findings(copyOf, {})).toEqual([]);
  });

  test('still finds statements added to the handler’s role', () => {
    const found = findings((stack) => {
      copyOf(stack);
      const statement = new iam.PolicyStatement({ actions: ['s3:*'], resources: ['arn:aws:s3:::*'] });
      const role = stack.node.findChild('cdk-ebs-snapshot-copy').node.findChild('HandlerRole');
      if (role instanceof iam.Role) role.addToPolicy(statement);
    });
    expect(found).toHaveLength(2);
    for (const finding of found) expect(finding).toContain('AwsSolutions-IAM5[');
  });
});
