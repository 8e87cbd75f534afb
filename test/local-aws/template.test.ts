import {
  Template,
  ValidationError,
  type ResourceDefinition,
  type TemplateBody,
  type Value,
} from '../../local-aws/template';

const PSEUDO = { 'AWS::Region': 'us-east-1', 'AWS::Partition': 'aws' };
const ATTRIBUTES = {
  ref: (id: string) => `ref-${id}`,
  getAtt: (id: string, attribute: string) => `${id}-${attribute}`,
};

function resource(
  properties: Record<string, Value> = {},
  others: Partial<ResourceDefinition> = {},
): ResourceDefinition {
  return { Type: 'AWS::SNS::Topic', Properties: properties, ...others };
}

function parse(body: TemplateBody, parameters?: Record<string, string>): Template {
  return new Template(body, PSEUDO, parameters);
}

function resolved(value: Value, others: Partial<TemplateBody> = {}): Value | undefined {
  const body = { ...others, Resources: { A: resource({ value }), Other: resource() } };
  return parse(body).properties('A', ATTRIBUTES).value;
}

describe('intrinsic functions', () => {
  const Mappings = { Runtimes: { 'us-east-1': { node: 'nodejs24.x' } } };
  const Conditions = {
    Yes: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'us-east-1'] },
    No: { 'Fn::Not': [{ Condition: 'Yes' }] },
  };

  test.each<[string, Value, Value | undefined]>([
    ['Ref of a pseudo parameter', { Ref: 'AWS::Partition' }, 'aws'],
    ['Ref of a resource', { Ref: 'Other' }, 'ref-Other'],
    ['Ref of NoValue', { Ref: 'AWS::NoValue' }, undefined],
    ['GetAtt', { 'Fn::GetAtt': ['Other', 'Arn'] }, 'Other-Arn'],
    ['GetAtt in one string', { 'Fn::GetAtt': 'Other.Arn' }, 'Other-Arn'],
    ['Join', { 'Fn::Join': [':', ['a', { Ref: 'Other' }, 1]] }, 'a:ref-Other:1'],
    ['Sub', { 'Fn::Sub': '${AWS::Region}/${Other}/${Other.Arn}/${!kept}' }, 'us-east-1/ref-Other/Other-Arn/${kept}'],
    ['Sub with variables', { 'Fn::Sub': ['${x}', { x: { Ref: 'Other' } }] }, 'ref-Other'],
    ['Select and Split', { 'Fn::Select': [1, { 'Fn::Split': ['-', { Ref: 'Other' }] }] }, 'Other'],
    ['If', { 'Fn::If': ['Yes', 'a', 'b'] }, 'a'],
    ['If not', { 'Fn::If': ['No', 'a', 'b'] }, 'b'],
    ['FindInMap', { 'Fn::FindInMap': ['Runtimes', { Ref: 'AWS::Region' }, 'node'] }, 'nodejs24.x'],
    ['Base64', { 'Fn::Base64': 'a' }, 'YQ=='],
    ['inside lists and objects', { list: [{ Ref: 'Other' }, { Ref: 'AWS::NoValue' }] }, { list: ['ref-Other'] }],
  ])('%s', (_, value, expected) => {
    expect(resolved(value, { Mappings, Conditions })).toEqual(expected);
  });
});

test('parameters have given values, defaults, or values from SSM', () => {
  const body: TemplateBody = {
    Parameters: {
      Given: { Type: 'String' },
      Default: { Type: 'String', Default: 'd' },
      BootstrapVersion: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/cdk-bootstrap/hnb659fds/version' },
    },
    Resources: { A: resource({ value: ['Given', 'Default', 'BootstrapVersion'].map((Ref) => ({ Ref })) }) },
  };
  expect(parse(body, { Given: 'g' }).properties('A', ATTRIBUTES).value).toEqual(['g', 'd', '30']);
  expect(() => parse(body)).toThrow('Parameters: [Given] must have values');
});

test('dependencies come from Ref, GetAtt, Sub and DependsOn, and only from branches that apply', () => {
  const { dependencies } = parse({
    Conditions: { No: { 'Fn::Equals': ['a', 'b'] } },
    Resources: {
      A: resource(
        { ref: { Ref: 'B' }, att: { 'Fn::GetAtt': ['C', 'X'] }, sub: { 'Fn::Sub': '${D} ${E.Y}' } },
        { DependsOn: ['F'] },
      ),
      ...Object.fromEntries(['B', 'C', 'D', 'E', 'F'].map((id) => [id, resource()])),
      G: resource({ unused: { 'Fn::If': ['No', { Ref: 'A' }, { Ref: 'B' }] } }),
    },
  });
  expect([...(dependencies.get('A') ?? [])].sort()).toEqual(['B', 'C', 'D', 'E', 'F']);
  expect([...(dependencies.get('G') ?? [])]).toEqual(['B']);
});

test('a resource whose condition is false does not exist', () => {
  const Conditions = { No: { 'Fn::Equals': ['a', 'b'] } };
  const { resources } = parse({ Conditions, Resources: { A: resource({}, { Condition: 'No' }), B: resource() } });
  expect([...resources.keys()]).toEqual(['B']);
});

describe('what CloudFormation refuses before it starts', () => {
  const many = Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`R${i}`, resource()]));

  test.each<[string, TemplateBody, string]>([
    [
      'a cycle',
      { Resources: { A: resource({ x: { Ref: 'B' } }), B: resource({}, { DependsOn: 'A' }), C: resource() } },
      'Circular dependency between resources: [A, B]',
    ],
    ['501 resources', { Resources: many }, 'Number of resources, 501, is greater than maximum allowed, 500'],
    ['an unknown Ref', { Resources: { A: resource({ x: { Ref: 'B' } }) } }, 'Unresolved resource dependencies [B]'],
    ['an unknown GetAtt', { Resources: { A: resource({ x: { 'Fn::GetAtt': ['B', 'C'] } }) } }, 'dependencies [B]'],
    ['an unknown DependsOn', { Resources: { A: resource({}, { DependsOn: 'B' }) } }, 'dependencies [B]'],
    ['an unknown output', { Resources: {}, Outputs: { O: { Value: { Ref: 'B' } } } }, 'dependencies [B]'],
    ['a megabyte', { Resources: { A: resource({ x: 'x'.repeat(1_000_000) }) } }, 'may not exceed 1000000 bytes'],
    ['an unknown condition', { Resources: { A: resource({}, { Condition: 'C' }) } }, 'condition dependency C'],
    ['an unknown mapping', { Resources: { A: resource({ x: { 'Fn::FindInMap': ['M', 'a', 'b'] } }) } }, 'M::a::b'],
  ])('%s', (_, body, message) => {
    expect(() => parse(body)).toThrow(ValidationError);
    expect(() => parse(body)).toThrow(message);
  });
});
