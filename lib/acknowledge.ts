// What cdk-nag's AwsSolutions pack finds in the provider, and why it is so. Written as the metadata that
// `Validations.of(…).acknowledge(…)` writes, which aws-cdk-lib 2.200 does not have yet.
import { Stack } from 'aws-cdk-lib';
import { CfnPolicy, CfnRole } from 'aws-cdk-lib/aws-iam';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { IConstruct } from 'constructs';

const METADATA = 'aws:cdk:acknowledged-rules';

/** A finding that no line describes stays one. */
const REASONS: readonly [finding: RegExp, reason: string][] = [
  [
    /^AwsSolutions-IAM4\[.*\/AWSLambda(Basic|VPCAccess)ExecutionRole\]$/,
    'The Provider framework of the CDK gives its functions this policy to write their logs, and to be in a VPC.',
  ],
  [
    /^AwsSolutions-IAM5\[Resource::<[^>]*\.Arn>:\*\]$/,
    'The Provider framework of the CDK lets its parts invoke any version of the functions of this stack.',
  ],
  [
    /^AwsSolutions-IAM5\[Resource::\*\]$/,
    'EC2 knows no resources for listing snapshots, and Lambda none for network interfaces that it will make.',
  ],
  [
    /^AwsSolutions-IAM5\[Resource::arn:[^\]]*:snapshot\/[^\]]*\]$/,
    'A copy has no id before it is made: what may be done to copies is bound by the tag of their stack.',
  ],
  [
    /^AwsSolutions-IAM5\[Resource::arn:[^\]]*:key\/[^\]]*\]$/,
    'IAM knows no ARNs of aliases, and the default key for EBS may be any of the account: used through EC2 only.',
  ],
  [/^AwsSolutions-IAM5\[Action::kms:ReEncrypt\*\]$/, 'EC2 needs both of its actions, from one key and to another.'],
  [
    /^AwsSolutions-SF1$/,
    'The input of the waiter holds the credential to answer CloudFormation; the handler logs each of its decisions.',
  ],
  [/^AwsSolutions-SF2$/, 'The waiter calls one function at a fixed interval: there is nothing to trace.'],
];

/** To be called when all statements of the policies are known. */
export function acknowledgeFindings(provider: IConstruct): void {
  for (const construct of provider.node.findAll()) {
    const acknowledged = findingsOf(construct).flatMap((finding) =>
      REASONS.filter(([pattern]) => pattern.test(finding)).map(([, reason]) => [finding, reason]),
    );
    if (acknowledged.length > 0) construct.node.addMetadata(METADATA, Object.fromEntries(acknowledged));
  }
}

function findingsOf(construct: IConstruct): string[] {
  const resolve = (value: unknown): unknown => Stack.of(construct).resolve(value);
  if (construct instanceof CfnRole) {
    return listOf(resolve(construct.managedPolicyArns)).map((arn) => `AwsSolutions-IAM4[Policy::${inWords(arn)}]`);
  }
  if (construct instanceof CfnPolicy) {
    const { Statement: statements } = resolve(construct.policyDocument) as { Statement: Record<string, unknown>[] };
    return statements.flatMap(({ Action, Resource }) => [
      ...wildcards(Action).map((action) => `AwsSolutions-IAM5[Action::${action}]`),
      ...wildcards(Resource).map((resource) => `AwsSolutions-IAM5[Resource::${resource}]`),
    ]);
  }
  return construct instanceof CfnStateMachine ? ['AwsSolutions-SF1', 'AwsSolutions-SF2'] : [];
}

function wildcards(value: unknown): string[] {
  return listOf(value)
    .map(inWords)
    .filter((text) => text.includes('*'));
}

function listOf(value: unknown): unknown[] {
  return value === undefined ? [] : [value].flat();
}

/** As cdk-nag writes what CloudFormation will put together. */
function inWords(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref: ref, ...fn } = value as { Ref?: string; 'Fn::GetAtt'?: string[]; 'Fn::Join'?: [string, unknown[]] };
  if (ref !== undefined) return `<${ref}>`;
  if (fn['Fn::GetAtt'] !== undefined) return `<${fn['Fn::GetAtt'].join('.')}>`;
  const [separator, parts] = fn['Fn::Join'] ?? ['', []];
  return parts.map(inWords).join(separator);
}
