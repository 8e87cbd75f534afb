// What cdk-nag's AwsSolutions pack finds in the provider, acknowledged where it is found, each with its reason. cdk-nag 2
// reads the metadata of the resource. cdk-nag 3 reads what `Validations` records, which an older CDK does not have.
import * as cdk from 'aws-cdk-lib';
import { Policy } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

type Rule = 'AwsSolutions-IAM4' | 'AwsSolutions-IAM5' | 'AwsSolutions-SF1' | 'AwsSolutions-SF2';

interface Suppression {
  readonly id: Rule;
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

const AWS_POLICY = 'The CDK Provider framework gives its functions this policy, to write logs and to be in a VPC.';
const ANY_VERSION = 'The CDK Provider framework lets its parts invoke any version of the functions of this stack.';
const NO_LOG = 'The input of the state machine holds a credential. The handler logs each of its decisions.';
const NO_TRACE = 'The state machine calls one function at a fixed interval. There is nothing to trace.';

/** Acknowledges the wildcards of a finished statement on the policy that it was added to. */
export function acknowledgeWildcards(policy: IConstruct, statement: object, reason: string): void {
  const { Action, Resource } = statement as Record<string, string | string[] | undefined>;
  for (const [kind, values] of Object.entries({ Action, Resource })) {
    const wildcards = [values ?? []].flat().filter((value) => value.includes('*'));
    for (const value of wildcards)
      acknowledge(policy, 'AwsSolutions-IAM5', reason, `${kind}::${asShown(value, policy)}`);
  }
}

/** Acknowledges what the CDK's Provider framework brings. */
export function acknowledgeFramework(framework: IConstruct): void {
  for (const construct of framework.node.findAll()) {
    if (construct instanceof Policy) {
      const { Statement: statements } = construct.document.toJSON() as { Statement: object[] };
      for (const statement of statements) acknowledgeWildcards(construct, statement, ANY_VERSION);
    } else if (construct.node.id === 'ServiceRole') {
      for (const name of ['AWSLambdaBasicExecutionRole', 'AWSLambdaVPCAccessExecutionRole']) {
        const finding = `Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/${name}`;
        acknowledge(construct, 'AwsSolutions-IAM4', AWS_POLICY, finding);
      }
    } else if (construct.node.id === 'waiter-state-machine') {
      acknowledge(construct, 'AwsSolutions-SF1', NO_LOG);
      acknowledge(construct, 'AwsSolutions-SF2', NO_TRACE);
    }
  }
}

function acknowledge(construct: IConstruct, rule: Rule, reason: string, finding?: string): void {
  const resource = construct.node.defaultChild;
  // A role or policy that iam.Role.customizeRoles replaces has none.
  if (!cdk.CfnResource.isCfnResource(resource)) return;
  const id = finding === undefined ? rule : `${rule}[${finding}]`;
  const { rules_to_suppress: present = [] } = (resource.getMetadata('cdk_nag') ?? {}) as NagMetadata;
  if (present.some((each) => each.id === rule && each.applies_to?.[0] === finding)) return;
  const suppression: Suppression = { id: rule, reason, ...(finding !== undefined && { applies_to: [finding] }) };
  resource.addMetadata('cdk_nag', { rules_to_suppress: [...present, suppression] } satisfies NagMetadata);
  validations?.of(resource).acknowledge({ id, reason });
}

/** cdk-nag shows what CloudFormation or IAM fills in by its name, in angle brackets. */
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
