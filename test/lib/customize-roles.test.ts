import * as fs from 'node:fs';
import * as path from 'node:path';
import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy } from '../../lib';
import { ENV, SOURCE, type Resource, newApp } from './stacks';

const PROVIDER = 'Stack/cdk-ebs-snapshot-copy';
const FRAMEWORK = `${PROVIDER}/Framework`;

/** An organization in which only the security team creates roles. */
function synthesized(declare: (stack: Stack) => void): { resources: Resource[]; report: string } {
  const app = newApp();
  const stack = new Stack(app, 'Stack', { env: ENV });
  iam.Role.customizeRoles(stack, {
    usePrecreatedRoles: {
      [`${PROVIDER}/HandlerRole`]: 'handler',
      [`${FRAMEWORK}/framework-onEvent/ServiceRole`]: 'on-event',
      [`${FRAMEWORK}/framework-isComplete/ServiceRole`]: 'is-complete',
      [`${FRAMEWORK}/framework-onTimeout/ServiceRole`]: 'on-timeout',
      [`${FRAMEWORK}/waiter-state-machine/Role`]: 'waiter',
    },
  });
  declare(stack);
  const assembly = app.synth();
  const template = assembly.getStackByName('Stack').template as { Resources: Record<string, Resource> };
  const report = fs.readFileSync(path.join(assembly.directory, 'iam-policy-report.txt'), 'utf8');
  return { resources: Object.values(template.Resources), report };
}

test.each<[string, (stack: Stack) => void, RegExp[]]>([
  [
    'a plain copy',
    (stack) => {
      new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE });
    },
    [/"ec2:CopySnapshot"/, /"ec2:DeleteSnapshot"/, new RegExp(SOURCE)],
  ],
  [
    'a copy under a key of the stack, of a source under another account’s key',
    (stack) => {
      const kmsKey = new kms.Key(stack, 'Key');
      const theirs = 'arn:aws:kms:us-east-1:999988887777:key/1234abcd-12ab-34cd-56ef-1234567890ab';
      const sourceKmsKey = kms.Key.fromKeyArn(stack, 'TheirKey', theirs);
      new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE, kmsKey, sourceKmsKey });
    },
    [/"\(Stack\/Key\/Resource\.Arn\)"/, /999988887777/],
  ],
])(
  'for %s, the stack creates no roles, and the report lists the permissions that the handler needs',
  (_, declare, needed) => {
    const { resources, report } = synthesized(declare);
    expect(resources.filter(({ Type }) => Type.startsWith('AWS::IAM::'))).toEqual([]);
    const ofHandler = report.slice(report.indexOf('<handler>'), report.indexOf('<on-event>'));
    for (const pattern of needed) expect(ofHandler).toMatch(pattern);
    expect(report).not.toContain('#{Token');
  },
);
