// The packs of organizations, with every setting on: what they find in the library's resources is acknowledged.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { CfnGuardValidator } from '@cdklabs/cdk-validator-cfnguard';
import { Aspects, Stack, Validations } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks } from 'cdk-nag';
import * as nag2 from 'cdk-nag-2';
import { SnapshotCopy, SnapshotCopyProvider } from '../../lib';
import { ENV, newApp, SOURCE } from './stacks';

interface Report {
  readonly pluginReports: {
    readonly violations?: {
      readonly ruleName: string;
      readonly violatingConstructs?: { readonly constructPath?: string }[];
    }[];
  }[];
}

let directory: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'packs-'));
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true });
});

/** What is not the library's is somebody else's, and imported. */
function declare(stack: Stack): void {
  const keyArn = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
  const kmsKey = kms.Key.fromKeyArn(stack, 'Key', keyArn);
  const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['us-east-1a'],
    privateSubnetIds: ['subnet-0123456789abcdef0'],
  });
  SnapshotCopyProvider.configure(stack, {
    vpc,
    securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0')],
    logGroup: logs.LogGroup.fromLogGroupName(stack, 'Logs', 'copies'),
    stateMachineLogGroup: new logs.LogGroup(stack, 'WaiterLogs', {
      encryptionKey: kmsKey,
      retention: logs.RetentionDays.ONE_YEAR,
    }),
    tracing: true,
  });
  new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE, kmsKey });
}

function findings(prepare: (app: ReturnType<typeof newApp>) => void): string[] {
  const app = newApp({ outdir: directory });
  prepare(app);
  declare(new Stack(app, 'Stack', { env: ENV }));
  const silenced = [jest.spyOn(console, 'error'), jest.spyOn(console, 'log')].map((spy) =>
    spy.mockImplementation(() => undefined),
  );
  const { exitCode } = process;
  try {
    app.synth();
  } catch {
    // The report says what was found.
  }
  process.exitCode = exitCode;
  for (const spy of silenced) spy.mockRestore();
  const file = fs.readdirSync(directory).find((name) => name.endsWith('validation-report.json'));
  if (file === undefined) return [];
  const { pluginReports } = JSON.parse(fs.readFileSync(path.join(directory, file), 'utf8')) as Report;
  return pluginReports.flatMap(({ violations = [] }) => violations.map(({ ruleName }) => ruleName));
}

test.each([
  ['HIPAA', HIPAASecurityChecks],
  ['NIST 800-53', NIST80053R5Checks],
  ['PCI DSS', PCIDSS321Checks],
])('the %s pack of cdk-nag 3 finds nothing that is not acknowledged', (_, Checks) => {
  expect(
    findings((app) => {
      Validations.of(app).addPlugins(new Checks(app));
    }),
  ).toEqual([]);
});

test.each([
  ['HIPAA', nag2.HIPAASecurityChecks],
  ['NIST 800-53', nag2.NIST80053R5Checks],
  ['PCI DSS', nag2.PCIDSS321Checks],
])('the %s pack of cdk-nag 2 finds nothing that is not acknowledged', (_, Checks) => {
  const app = newApp({ outdir: directory });
  const stack = new Stack(app, 'Stack', { env: ENV });
  declare(stack);
  Aspects.of(app).add(new Checks());
  const annotations = Annotations.fromStack(stack);
  const rule = Match.stringLikeRegexp('^(HIPAA|NIST|PCI)');
  const found = [...annotations.findError('*', rule), ...annotations.findWarning('*', rule)];
  expect(found.map(({ id, entry }) => `${id} ${(entry.data as string).slice(0, 80)}`)).toEqual([]);
});

test('the rules of Control Tower find nothing', () => {
  const validator = new CfnGuardValidator({ controlTowerRulesEnabled: true });
  expect(
    findings((app) => {
      Validations.of(app).addPlugins(validator);
    }),
  ).toEqual([]);
});
