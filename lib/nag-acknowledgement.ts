// Acknowledges the findings of the cdk-nag packs in the provider. Each is acknowledged on its resource, with a reason.
// cdk-nag 2 reads the metadata of the resource. cdk-nag 3 reads what `Validations` records; older CDK versions do not
// have that class.
import * as cdk from 'aws-cdk-lib';
import { Policy } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

interface Suppression {
  readonly id: string;
  readonly reason: string;
  readonly applies_to?: readonly string[];
}

interface NagMetadata {
  readonly rules_to_suppress?: readonly Suppression[];
}

interface Validations {
  of(scope: IConstruct): { acknowledge(rule: { readonly id: string; readonly reason: string }): void };
}

const { Validations: validations } = cdk as { readonly Validations?: Validations };

const ONE_ROLE = 'The policy belongs to one role only, and is deleted with it.';
const NO_RESERVATION =
  'Reserved concurrency fails with the default quota of new accounts. maxConcurrentCopies limits the load.';
const NO_QUEUE =
  'CloudFormation waits for the answer to a request, and reports a failure. A queued event would be of no use later.';
const NO_LOG =
  'The input of the state machine has a credential. stateMachineLogGroup turns on logs without execution data.';
const NO_TRACE = 'The state machine calls one function at a fixed interval. The setting tracing turns on X-Ray.';
const AWS_POLICY =
  'The CDK Provider framework attaches this policy to its functions, to write logs and to run in a VPC.';
const ANY_VERSION = 'The CDK Provider framework lets its parts invoke any version of the functions of this stack.';
const NO_RESOURCES = 'X-Ray and log delivery have no resource-level permissions.';

/** The rules that find something in every resource of a type, each with the reason to acknowledge it. */
const FINDINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'AWS::IAM::Policy': {
    'HIPAA.Security-IAMNoInlinePolicy': ONE_ROLE,
    'NIST.800.53.R4-IAMNoInlinePolicy': ONE_ROLE,
    'NIST.800.53.R5-IAMNoInlinePolicy': ONE_ROLE,
    'PCI.DSS.321-IAMNoInlinePolicy': ONE_ROLE,
  },
  'AWS::Lambda::Function': {
    'HIPAA.Security-LambdaConcurrency': NO_RESERVATION,
    'HIPAA.Security-LambdaDLQ': NO_QUEUE,
    'NIST.800.53.R5-LambdaConcurrency': NO_RESERVATION,
    'NIST.800.53.R5-LambdaDLQ': NO_QUEUE,
  },
  'AWS::StepFunctions::StateMachine': { 'AwsSolutions-SF1': NO_LOG, 'AwsSolutions-SF2': NO_TRACE },
};

/** Acknowledges the findings in a policy of the handler after a complete statement has been added to it. */
export function acknowledgeStatement(policy: IConstruct, statement: object, reason: string): void {
  acknowledgeType(policy);
  const { Action, Resource } = statement as Record<string, string | string[] | undefined>;
  for (const [kind, values] of Object.entries({ Action, Resource })) {
    const wildcards = [values ?? []].flat().filter((value) => value.includes('*'));
    for (const value of wildcards)
      acknowledge(policy, 'AwsSolutions-IAM5', reason, `${kind}::${asShown(value, policy)}`);
  }
}

/** Acknowledges the findings in the functions and in the CDK's Provider framework. */
export function acknowledgeProvider(provider: IConstruct, framework: IConstruct): void {
  for (const construct of provider.node.findAll()) acknowledgeType(construct);
  for (const construct of framework.node.findAll()) {
    if (construct instanceof Policy) {
      const { Statement: statements } = construct.document.toJSON() as { Statement: { Resource: unknown }[] };
      for (const statement of statements) {
        acknowledgeStatement(construct, statement, statement.Resource === '*' ? NO_RESOURCES : ANY_VERSION);
      }
    } else if (construct.node.id === 'ServiceRole') {
      for (const name of ['AWSLambdaBasicExecutionRole', 'AWSLambdaVPCAccessExecutionRole']) {
        const finding = `Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/${name}`;
        acknowledge(construct, 'AwsSolutions-IAM4', AWS_POLICY, finding);
      }
    }
  }
}

function acknowledgeType(construct: IConstruct): void {
  const { cfnResourceType: type = '' } = (construct.node.defaultChild ?? {}) as { cfnResourceType?: string };
  for (const [rule, reason] of Object.entries(FINDINGS[type] ?? {})) acknowledge(construct, rule, reason);
}

function acknowledge(construct: IConstruct, rule: string, reason: string, finding?: string): void {
  const resource = construct.node.defaultChild;
  // A role or policy that iam.Role.customizeRoles replaces has no resource.
  if (!cdk.CfnResource.isCfnResource(resource)) return;
  const id = finding === undefined ? rule : `${rule}[${finding}]`;
  const { rules_to_suppress: present = [] } = (resource.getMetadata('cdk_nag') ?? {}) as NagMetadata;
  if (present.some((each) => each.id === rule && each.applies_to?.[0] === finding)) return;
  const suppression: Suppression = { id: rule, reason, ...(finding !== undefined && { applies_to: [finding] }) };
  resource.addMetadata('cdk_nag', { rules_to_suppress: [...present, suppression] } satisfies NagMetadata);
  validations?.of(resource).acknowledge({ id, reason });
}

/** For a value that CloudFormation or IAM fills in, cdk-nag shows its name in angle brackets. */
function asShown(value: string, scope: IConstruct): string {
  const nameOf = (token: cdk.IResolvable): string => {
    const { Ref, 'Fn::GetAtt': attribute } = cdk.Stack.of(scope).resolve(token) as {
      Ref?: string;
      'Fn::GetAtt'?: string[];
    };
    return `<${Ref ?? attribute?.join('.') ?? ''}>`;
  };
  const parts = cdk.Tokenization.reverseString(value.replace('${*}', '<*>')).mapTokens({ mapToken: nameOf });
  return parts.join(new cdk.StringConcat()) as string;
}
