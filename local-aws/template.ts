// What CloudFormation makes of a template before it touches a resource: it refuses what cannot be deployed, and
// resolves the intrinsic functions.

export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };
export type Properties = Record<string, Value>;

export interface ResourceDefinition {
  readonly Type: string;
  readonly Properties?: Properties;
  readonly DependsOn?: string | string[];
  readonly Condition?: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface TemplateBody {
  readonly Resources: Record<string, ResourceDefinition>;
  readonly Parameters?: Record<string, { readonly Type: string; readonly Default?: string }>;
  readonly Mappings?: Record<string, Record<string, Record<string, Value>>>;
  readonly Conditions?: Record<string, Value>;
  readonly Outputs?: Record<string, { readonly Value: Value; readonly Condition?: string }>;
}

/** What Ref and Fn::GetAtt read of the resources that are there. */
export interface Attributes {
  ref(logicalId: string): string;
  getAtt(logicalId: string, attribute: string): Value;
}

/** What the real one refuses at once, with no stack touched. */
export class ValidationError extends Error {
  override readonly name = 'ValidationError';
}

const MAX_BYTES = 1_000_000;
const MAX_RESOURCES = 500;
const BOOTSTRAP_VERSION = '30';

type Intrinsic = (argument: Value, attributes: Attributes) => Value | undefined;

export class Template {
  /** The resources whose conditions hold. */
  readonly resources: ReadonlyMap<string, ResourceDefinition>;
  /** Which resources each one has to wait for. */
  readonly dependencies: ReadonlyMap<string, ReadonlySet<string>>;
  private readonly names: ReadonlyMap<string, string>;

  /** @param pseudo values of the pseudo parameters, such as AWS::Region */
  constructor(
    private readonly body: TemplateBody,
    pseudo: Readonly<Record<string, string>>,
    parameters: Readonly<Record<string, string>> = {},
  ) {
    refuseTooLarge(body);
    this.names = new Map([...Object.entries(pseudo), ...parameterValues(body, parameters)]);
    this.resources = new Map(
      Object.entries(body.Resources).filter(([, { Condition }]) => !Condition || this.condition(Condition)),
    );
    this.dependencies = new Map([...this.resources].map(([id, definition]) => [id, this.references(definition)]));
    this.checkOutputs();
    refuseCycles(this.dependencies);
  }

  properties(logicalId: string, attributes: Attributes): Properties {
    return this.resolve(this.resources.get(logicalId)?.Properties ?? {}, attributes) as Properties;
  }

  outputs(attributes: Attributes): Record<string, string> {
    return Object.fromEntries(
      this.liveOutputs().map(([name, { Value }]) => [name, toText(this.resolve(Value, attributes))]),
    );
  }

  private liveOutputs(): [string, { readonly Value: Value }][] {
    return Object.entries(this.body.Outputs ?? {}).filter(
      ([, { Condition }]) => !Condition || this.condition(Condition),
    );
  }

  private checkOutputs(): void {
    for (const [, { Value }] of this.liveOutputs()) this.references({ Type: 'Output', Properties: { Value } });
  }

  /** Resolving with attributes that only take notes finds just what will be read, in the branches that hold. */
  private references({ Properties: properties, DependsOn }: ResourceDefinition): Set<string> {
    const found = new Set<string>();
    const note = (logicalId: string): string => {
      if (!this.resources.has(logicalId)) {
        throw new ValidationError(
          `Template format error: Unresolved resource dependencies [${logicalId}] in the Resources block of the template`,
        );
      }
      found.add(logicalId);
      return '';
    };
    for (const logicalId of [DependsOn ?? []].flat()) note(logicalId);
    this.resolve(properties ?? {}, { ref: note, getAtt: note });
    return found;
  }

  private resolve(value: Value, attributes: Attributes): Value | undefined {
    if (Array.isArray(value)) return this.resolveList(value, attributes);
    if (typeof value !== 'object' || value === null) return value;
    const [name, ...others] = Object.keys(value);
    if (name !== undefined && others.length === 0 && (name === 'Ref' || name.startsWith('Fn::'))) {
      const intrinsic = this.intrinsics[name];
      if (!intrinsic) throw new ValidationError(`Template error: the local CloudFormation does not know ${name}`);
      return intrinsic(value[name] as Value, attributes);
    }
    const entries = Object.entries(value).map(([key, inner]) => [key, this.resolve(inner, attributes)] as const);
    return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined)) as Value;
  }

  private resolveList(values: Value, attributes: Attributes): Value[] {
    const resolved = (values as Value[]).map((item) => this.resolve(item, attributes));
    return resolved.filter((item) => item !== undefined);
  }

  private readonly intrinsics: Readonly<Record<string, Intrinsic>> = {
    Ref: (name, attributes) => this.reference(name as string, attributes),
    'Fn::GetAtt': (target, attributes) => {
      const [logicalId, ...attribute] = Array.isArray(target) ? (target as string[]) : (target as string).split('.');
      return attributes.getAtt(logicalId ?? '', attribute.join('.'));
    },
    'Fn::Join': (argument, attributes) => {
      const [separator, items] = argument as [string, Value];
      return (this.resolve(items, attributes) as Value[]).map(toText).join(separator);
    },
    'Fn::Sub': (argument, attributes) => this.substitute(argument, attributes),
    'Fn::Select': (argument, attributes) => {
      const [index, items] = this.resolveList(argument, attributes) as [string | number, Value[]];
      // While references are noted, a list that comes from a resource is empty.
      return items[Number(index)] ?? '';
    },
    'Fn::Split': (argument, attributes) => {
      const [separator, text] = this.resolveList(argument, attributes) as [string, string];
      return text.split(separator);
    },
    'Fn::If': (argument, attributes) => {
      const [condition, whenTrue, whenFalse] = argument as [string, Value, Value];
      return this.resolve(this.condition(condition) ? whenTrue : whenFalse, attributes);
    },
    'Fn::FindInMap': (argument, attributes) => {
      const [map, first, second] = this.resolveList(argument, attributes) as [string, string, string];
      const found = this.body.Mappings?.[map]?.[first]?.[second];
      if (found === undefined) {
        throw new ValidationError(`Template error: Unable to get mapping for ${map}::${first}::${second}`);
      }
      return found;
    },
    'Fn::Base64': (text, attributes) => Buffer.from(toText(this.resolve(text, attributes)), 'utf8').toString('base64'),
  };

  private reference(name: string, attributes: Attributes): Value | undefined {
    if (name === 'AWS::NoValue') return undefined;
    return this.names.get(name) ?? attributes.ref(name);
  }

  private substitute(argument: Value, attributes: Attributes): string {
    const [text, variables] = (Array.isArray(argument) ? argument : [argument, {}]) as [string, Record<string, Value>];
    return text.replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      const given = variables[name];
      if (given !== undefined) return toText(this.resolve(given, attributes));
      const [logicalId = name, ...attribute] = name.split('.');
      if (attribute.length > 0) return toText(attributes.getAtt(logicalId, attribute.join('.')));
      return toText(this.reference(name, attributes));
    });
  }

  private condition(name: string): boolean {
    const condition = this.body.Conditions?.[name];
    if (condition === undefined) {
      throw new ValidationError(`Template error: unresolved condition dependency ${name} in the template`);
    }
    return this.holds(condition);
  }

  private holds(condition: Value): boolean {
    const [[name, argument] = ['', '']] = Object.entries(condition as Properties);
    switch (name) {
      case 'Condition':
        return this.condition(argument as string);
      case 'Fn::And':
        return (argument as Value[]).every((part) => this.holds(part));
      case 'Fn::Or':
        return (argument as Value[]).some((part) => this.holds(part));
      case 'Fn::Not':
        return !this.holds((argument as [Value])[0]);
      case 'Fn::Equals': {
        const [left, right] = this.resolveList(argument, NO_RESOURCES);
        return toText(left) === toText(right);
      }
      default:
        throw new ValidationError(`Template error: ${name} is no condition`);
    }
  }
}

const NO_RESOURCES: Attributes = {
  ref: refuseInCondition,
  getAtt: refuseInCondition,
};

function refuseInCondition(logicalId: string): never {
  throw new ValidationError(
    `Template format error: Unresolved dependencies [${logicalId}]. Cannot reference resources in the Conditions block of the template`,
  );
}

function toText(value: Value | undefined): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function refuseTooLarge(body: TemplateBody): void {
  if (Buffer.byteLength(JSON.stringify(body, undefined, 1)) > MAX_BYTES) {
    throw new ValidationError(`Template may not exceed ${MAX_BYTES} bytes in size.`);
  }
  const count = Object.keys(body.Resources).length;
  if (count > MAX_RESOURCES) {
    throw new ValidationError(
      `Template format error: Number of resources, ${count}, is greater than maximum allowed, ${MAX_RESOURCES}`,
    );
  }
}

function parameterValues(body: TemplateBody, given: Readonly<Record<string, string>>): [string, string][] {
  const declared = Object.entries(body.Parameters ?? {});
  const missing = declared.filter(([name, { Default }]) => (given[name] ?? Default) === undefined);
  if (missing.length > 0) {
    throw new ValidationError(`Parameters: [${missing.map(([name]) => name).join(', ')}] must have values`);
  }
  return declared.map(([name, { Type, Default }]) => {
    const value = given[name] ?? Default ?? '';
    // The default is then the name of a parameter in SSM, and the only one that CDK reads by itself is this.
    return [name, Type.startsWith('AWS::SSM::') ? BOOTSTRAP_VERSION : value];
  });
}

/** What is left when all that waits for nothing is taken away, again and again, goes round in a circle. */
function refuseCycles(dependencies: ReadonlyMap<string, ReadonlySet<string>>): void {
  const left = new Map(dependencies);
  for (let before = -1; before !== left.size;) {
    before = left.size;
    for (const [id, needed] of left) {
      if (![...needed].some((other) => left.has(other))) left.delete(id);
    }
  }
  if (left.size > 0) {
    throw new ValidationError(`Circular dependency between resources: [${[...left.keys()].join(', ')}]`);
  }
}
