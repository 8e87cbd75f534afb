// How IAM evaluates the identity policies of the handler's role: Allow statements, wildcards, and the condition operators in
// use. An operator that is not implemented here throws, so that no test passes because of a missing one.

/** The longest possible name, because the policy repeats the ID of the stack. */
export const STACK_NAME = 'S'.repeat(128);
export const STACK_ID = `arn:aws-us-gov:cloudformation:us-gov-west-1:111122223333:stack/${STACK_NAME}/1234abcd-12ab-34cd-56ef-1234567890ab`;
const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws-us-gov',
  'AWS::Region': 'us-gov-west-1',
  'AWS::AccountId': '111122223333',
  'AWS::StackId': STACK_ID,
};
export interface Statement {
  readonly Action: string | string[];
  readonly Resource: string | string[];
  readonly Condition?: Readonly<Record<string, Record<string, unknown>>>;
}
interface Policy {
  readonly Properties: { readonly PolicyDocument: { readonly Statement: Statement[] }; readonly Roles: unknown[] };
}

/** The policies of the handler's role, as IAM gets them. The one for all copies is first. */
export function policiesIn(template: object): Statement[][] {
  const { Resources: resources } = template as { Resources: Record<string, Policy> };
  return Object.entries(resources)
    .filter(([id]) => /^(cdkebssnapshotcopy(HandlerRoleDefault|Key)|Fast\d*)Policy/.test(id))
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([, policy]) => rendered(policy.Properties.PolicyDocument.Statement) as Statement[]);
}

function rendered(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(rendered);
  if (typeof tree !== 'object' || tree === null) return tree;
  const intrinsic = tree as { Ref?: string; 'Fn::Join'?: [string, unknown[]]; 'Fn::GetAtt'?: [string, string] };
  if (intrinsic.Ref !== undefined) return PSEUDO[intrinsic.Ref] ?? intrinsic.Ref;
  if (intrinsic['Fn::GetAtt']) return `arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/${intrinsic['Fn::GetAtt'][0]}`;
  if (intrinsic['Fn::Join']) return intrinsic['Fn::Join'][1].map(rendered).join('');
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, rendered(value)]));
}

/** The condition keys that EC2 and KMS send for a call, for one resource. */
export type Context = Readonly<Record<string, string | readonly string[]>>;

/** Whether a call is allowed on a resource. A call on several must be allowed on each. */
export function isAllowed(
  statements: readonly Statement[],
  action: string,
  resource: string,
  context: Context = {},
): boolean {
  return statements.some(
    (statement) =>
      [statement.Action].flat().some((pattern) => isLike(pattern, action.toLowerCase(), 'i')) &&
      [statement.Resource].flat().some((pattern) => isLike(pattern, resource)) &&
      Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
        Object.entries(keys).every(([key, wanted]) =>
          holds(operator, [wanted].flat().map(String), valuesOf(context, key)),
        ),
      ),
  );
}

/** Condition keys are case-insensitive, and so are the tags in them. */
function valuesOf(context: Context, key: string): readonly string[] | undefined {
  const found = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase());
  return found && [found[1]].flat();
}

function holds(operator: string, wanted: readonly string[], values: readonly string[] | undefined): boolean {
  const [, quantifier, name = ''] = /^(?:(ForAllValues|ForAnyValue):)?(.*)$/.exec(operator) ?? [];
  if (name === 'Null') return wanted.includes(String(values === undefined || values.length === 0));
  const test = (value: string) => compare(name.replace(/IfExists$/, ''), wanted, value);
  switch (quantifier) {
    case 'ForAllValues':
      return (values ?? []).every(test);
    case 'ForAnyValue':
      return (values ?? []).some(test);
    default:
      if (name.endsWith('IfExists') && values === undefined) return true;
      return values?.length === 1 && values.every(test);
  }
}

function compare(name: string, wanted: readonly string[], value: string): boolean {
  const folded = wanted.map((each) => each.toLowerCase());
  switch (name) {
    case 'StringEquals':
      return wanted.includes(value);
    case 'StringNotEquals':
      return !wanted.includes(value);
    case 'StringEqualsIgnoreCase':
      return folded.includes(value.toLowerCase());
    case 'ArnNotLike':
      return !wanted.some((pattern) => isLike(pattern, value));
    case 'StringNotEqualsIgnoreCase':
      return !folded.includes(value.toLowerCase());
    case 'StringLike':
      return wanted.some((pattern) => isLike(pattern, value));
    case 'Bool':
      return folded.includes(value.toLowerCase());
    default:
      throw new Error(`the condition operator ${name} is not implemented`);
  }
}

/** `${*}` is a literal asterisk. */
function isLike(pattern: string, text: string, flags = ''): boolean {
  const source = pattern
    .split(/(\$\{\*\}|\*)/)
    .map((part) => (part === '*' ? '.*' : part.replace('${*}', '*').replace(/[^\w]/g, '\\$&')))
    .join('');
  return new RegExp(`^${source}$`, `s${flags}`).test(text);
}
