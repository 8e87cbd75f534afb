// The checks that organizations run on templates: the cdk-nag 2 and 3 packs, and the Control Tower rules. They run on
// everything that the library can declare, with all settings on.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { CfnGuardValidator } from '@cdklabs/cdk-validator-cfnguard';
import { type App, Aspects, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as nag3 from 'cdk-nag';
import * as nag2 from 'cdk-nag-2';
import { FastSnapshotRestore, SnapshotCopy, SnapshotCopyProvider, SnapshotLock, StorageTier } from '../../lib';
import { ENV, newApp, SOURCE } from './stacks';

const KEY_ARN = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const PACKS = ['AwsSolutions', 'NIST80053R4', 'NIST80053R5', 'HIPAASecurity', 'PCIDSS321'] as const;

let directory: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'organization-'));
});

afterEach(() => {
  jest.restoreAllMocks();
  fs.rmSync(directory, { recursive: true });
});

function configure(stack: Stack): void {
  const encryptionKey = kms.Key.fromKeyArn(stack, 'LogKey', KEY_ARN);
  const logGroup = (id: string) =>
    new logs.LogGroup(stack, id, { encryptionKey, retention: logs.RetentionDays.ONE_YEAR });
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['us-east-1a'],
    privateSubnetIds: ['subnet-0123456789abcdef0'],
  });
  const groups = { logGroup: logGroup('Logs'), stateMachineLogGroup: logGroup('WaiterLogs') };
  SnapshotCopyProvider.configure(stack, { ...groups, vpc, tracing: true });
}

function declareAll(stack: Stack): void {
  configure(stack);
  const common = { sourceSnapshotId: SOURCE, kmsKeyId: KEY_ARN };
  const shared = new SnapshotCopy(stack, 'Shared', { ...common, shareWith: ['555566667777'], copySourceTags: true });
  shared.metricFailures();
  new FastSnapshotRestore(stack, 'Fast', { snapshot: shared, availabilityZones: ['us-east-1a'] });
  new SnapshotCopy(stack, 'Held', {
    ...common,
    storageTier: StorageTier.ARCHIVE,
    lock: SnapshotLock.governance(Duration.days(7)),
    removalPolicy: RemovalPolicy.RETAIN,
    timeout: Duration.hours(2),
  });
}

/** What each check must still find, because the library acknowledges findings only on its own resources. */
function declareBad(stack: Stack): void {
  new lambda.Function(stack, 'Foreign', {
    code: lambda.Code.fromInline('exports.handler = () => {}'),
    handler: 'index.handler',
    runtime: lambda.Runtime.NODEJS_20_X,
  });
  new s3.CfnBucket(stack, 'Bucket');
}

type Declare = (stack: Stack) => void;
type Findings = (declare: Declare) => string[];

function stackWith(app: App, declare: Declare): Stack {
  const stack = new Stack(app, 'Stack', { env: ENV });
  declare(stack);
  return stack;
}

/** The rules in the validation report, without the rules of the CDK itself. */
function synthesize(app: App): string[] {
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const exitCode = process.exitCode;
  try {
    app.synth();
  } catch {
    // The report contains the findings.
  }
  process.exitCode = exitCode;
  const report = fs.readdirSync(directory).find((file) => file.endsWith('validation-report.json'));
  if (report === undefined) return [];
  const { pluginReports } = JSON.parse(fs.readFileSync(path.join(directory, report), 'utf8')) as {
    pluginReports: { violations?: { ruleName: string }[] }[];
  };
  return pluginReports
    .flatMap(({ violations = [] }) => violations.map(({ ruleName }) => ruleName))
    .filter((rule) => !rule.startsWith('CloudFormation') && !rule.includes('cdk-ebs-snapshot-copy:'));
}

const CHECKS: [string, Findings][] = [
  ...PACKS.map((name): [string, Findings] => [
    `cdk-nag 2, ${name}`,
    (declare) => {
      const app = newApp({ outdir: directory });
      const stack = stackWith(app, declare);
      Aspects.of(app).add(new nag2[`${name}Checks`]());
      const annotations = Annotations.fromStack(stack);
      const rule = Match.stringLikeRegexp('^(AwsSolutions|NIST|HIPAA|PCI)');
      const found = [...annotations.findError('*', rule), ...annotations.findWarning('*', rule)];
      return found.map(({ id, entry }) => `${id} ${(entry.data as string).slice(0, 60)}`);
    },
  ]),
  ...PACKS.map((name): [string, Findings] => [
    `cdk-nag 3, ${name}`,
    (declare) => {
      const app = newApp({ outdir: directory });
      Validations.of(app).addPlugins(new nag3[`${name}Checks`](app));
      stackWith(app, declare);
      return synthesize(app).filter((rule) => /AwsSolutions|NIST|HIPAA|PCI/.test(rule));
    },
  ]),
  [
    'Control Tower',
    (declare) => {
      const app = newApp({ outdir: directory });
      Validations.of(app).addPlugins(new CfnGuardValidator());
      stackWith(app, declare);
      return synthesize(app);
    },
  ],
];

describe.each(CHECKS)('%s', (_, findings) => {
  test('finds nothing that the library has not acknowledged with a reason', () => {
    expect(findings(declareAll)).toEqual([]);
  });

  test('still finds problems in other resources', () => {
    expect(findings(declareBad)).not.toEqual([]);
  });
});
