import { AwsError, type Service } from './faults';
import { SERVICE_OF, type Action } from './services';

/** A request, as it came over the wire and as the SDK's user wrote it. */
export interface WireCall {
  readonly action: Action;
  /** The form fields of a query protocol, or the members of a JSON body. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** In the shape of the SDK; throws an AwsError at what the service does not take. */
  readonly input: () => unknown;
}

/** How one service speaks. */
export interface Protocol {
  readonly contentType: string;
  decode(body: string, target: string | undefined): WireCall;
  answer(action: Action, output: object, requestId: string): string;
  refuse(error: AwsError, requestId: string): string;
}

const XML = '<?xml version="1.0" encoding="UTF-8"?>\n';
const EC2_NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';
const CLOUDFORMATION_NAMESPACE = 'http://cloudformation.amazonaws.com/doc/2010-05-15/';

export const PROTOCOLS: Readonly<Record<Service, Protocol>> = {
  ec2: {
    contentType: 'text/xml;charset=UTF-8',
    decode: (body) => decodeQuery('ec2', body),
    answer(action, output, requestId) {
      const members = Object.keys(output).length > 0 ? membersOf(output, EC2_STYLE) : element('return', 'true');
      const content = element('requestId', requestId) + members;
      return `${XML}<${action}Response xmlns="${EC2_NAMESPACE}">${content}</${action}Response>`;
    },
    refuse(error, requestId) {
      const code = element('Code', error.code) + element('Message', error.message);
      return `${XML}<Response><Errors><Error>${code}</Error></Errors>${element('RequestID', requestId)}</Response>`;
    },
  },
  cloudformation: {
    contentType: 'text/xml',
    decode: (body) => decodeQuery('cloudformation', body),
    answer(action, output, requestId) {
      const result = `<${action}Result>${membersOf(output, QUERY_STYLE)}</${action}Result>`;
      const metadata = `<ResponseMetadata>${element('RequestId', requestId)}</ResponseMetadata>`;
      return `<${action}Response xmlns="${CLOUDFORMATION_NAMESPACE}">${result}${metadata}</${action}Response>`;
    },
    refuse(error, requestId) {
      const type = error.status < 500 ? 'Sender' : 'Receiver';
      const content = element('Type', type) + element('Code', error.code) + element('Message', error.message);
      const id = element('RequestId', requestId);
      return `<ErrorResponse xmlns="${CLOUDFORMATION_NAMESPACE}"><Error>${content}</Error>${id}</ErrorResponse>`;
    },
  },
  kms: {
    contentType: 'application/x-amz-json-1.1',
    decode(body, target = '') {
      const action = knownAction('kms', target.replace('TrentService.', ''));
      const parameters = JSON.parse(body) as Record<string, unknown>;
      return { action, parameters, input: () => parameters };
    },
    answer: (_action, output) => JSON.stringify(withEpochSeconds(output)),
    refuse: (error) => JSON.stringify({ __type: error.code, message: error.message }),
  },
};

function knownAction(service: Service, action: string): Action {
  if (Object.hasOwn(SERVICE_OF, action) && SERVICE_OF[action as Action] === service) {
    return action as Action;
  }
  throw new AwsError('InvalidAction', `The action ${action} is not valid for this web service.`);
}

// What the query protocols send

type Field = 'string' | 'number' | 'boolean' | ListField;

/** A list, its items numbered from 1: how the SDK calls it, and what its items are. */
interface ListField {
  readonly member: string;
  readonly of: 'string' | Fields;
}

type Fields = Readonly<Record<string, Field>>;

const TAGS: ListField = { member: 'Tags', of: { Key: 'string', Value: 'string' } };

const FILTERS: ListField = {
  member: 'Filters',
  of: { Name: 'string', Value: { member: 'Values', of: 'string' } },
};
const FAST_RESTORES: Fields = {
  SourceSnapshotId: { member: 'SourceSnapshotIds', of: 'string' },
  AvailabilityZone: { member: 'AvailabilityZones', of: 'string' },
  AvailabilityZoneId: { member: 'AvailabilityZoneIds', of: 'string' },
};

const FIELDS: Readonly<Record<Exclude<Action, 'DescribeKey'>, Fields>> = {
  CopySnapshot: {
    SourceRegion: 'string',
    SourceSnapshotId: 'string',
    Description: 'string',
    DestinationOutpostArn: 'string',
    DestinationAvailabilityZone: 'string',
    DestinationRegion: 'string',
    PresignedUrl: 'string',
    Encrypted: 'boolean',
    KmsKeyId: 'string',
    CompletionDurationMinutes: 'number',
    TagSpecification: { member: 'TagSpecifications', of: { ResourceType: 'string', Tag: TAGS } },
    DryRun: 'boolean',
  },
  DescribeSnapshots: {
    SnapshotId: { member: 'SnapshotIds', of: 'string' },
    Owner: { member: 'OwnerIds', of: 'string' },
    Filter: FILTERS,
    MaxResults: 'number',
    NextToken: 'string',
    DryRun: 'boolean',
  },
  DeleteSnapshot: { SnapshotId: 'string', DryRun: 'boolean' },
  CreateTags: { ResourceId: { member: 'Resources', of: 'string' }, Tag: TAGS, DryRun: 'boolean' },
  DeleteTags: { ResourceId: { member: 'Resources', of: 'string' }, Tag: TAGS, DryRun: 'boolean' },
  DescribeLockedSnapshots: { SnapshotId: { member: 'SnapshotIds', of: 'string' } },
  GetEbsEncryptionByDefault: {},
  DescribeSnapshotAttribute: { SnapshotId: 'string', Attribute: 'string' },
  ModifySnapshotAttribute: {
    SnapshotId: 'string',
    Attribute: 'string',
    OperationType: 'string',
    UserId: { member: 'UserIds', of: 'string' },
    UserGroup: { member: 'GroupNames', of: 'string' },
  },
  DescribeSnapshotTierStatus: { Filter: FILTERS },
  ModifySnapshotTier: { SnapshotId: 'string', StorageTier: 'string' },
  RestoreSnapshotTier: { SnapshotId: 'string', PermanentRestore: 'boolean', TemporaryRestoreDays: 'number' },
  LockSnapshot: { SnapshotId: 'string', LockMode: 'string', LockDuration: 'number', CoolOffPeriod: 'number' },
  UnlockSnapshot: { SnapshotId: 'string' },
  EnableFastSnapshotRestores: FAST_RESTORES,
  DisableFastSnapshotRestores: FAST_RESTORES,
  DescribeFastSnapshotRestores: { Filter: FILTERS, NextToken: 'string', MaxResults: 'number' },
  DescribeStacks: { StackName: 'string' },
  DescribeStackResource: { StackName: 'string', LogicalResourceId: 'string' },
};

function decodeQuery(service: Service, body: string): WireCall {
  const parameters = Object.fromEntries(new URLSearchParams(body));
  const action = knownAction(service, parameters.Action ?? '') as keyof typeof FIELDS;
  const members = Object.entries(parameters).filter(([name]) => name !== 'Action' && name !== 'Version');
  return { action, parameters, input: () => structureOf(nest(members), FIELDS[action]) };
}

interface Tree {
  [part: string]: string | Tree;
}

/** `{"Tag.1.Key": "a"}` → `{Tag: {1: {Key: "a"}}}` */
function nest(parameters: [name: string, value: string][]): Tree {
  const root: Tree = {};
  for (const [name, value] of parameters) {
    const parts = name.split('.');
    const last = parts.pop() ?? '';
    let node = root;
    for (const part of parts) {
      const child = (node[part] ??= {});
      if (typeof child === 'string') {
        throw unknownParameter(name);
      }
      node = child;
    }
    node[last] = value;
  }
  return root;
}

function structureOf(tree: string | Tree, fields: Fields): object {
  if (typeof tree === 'string') {
    throw unknownParameter(tree);
  }
  return Object.fromEntries(
    Object.entries(tree).map(([name, value]): [string, unknown] => {
      const field = fields[name];
      if (field === undefined) {
        throw unknownParameter(name);
      }
      return typeof field === 'object' ? [field.member, listOf(value, field)] : [name, scalarOf(name, value, field)];
    }),
  );
}

/** Objects keep whole numbers as keys in rising order, so the items come as they were numbered. */
function listOf(value: string | Tree, field: ListField): unknown[] {
  if (typeof value === 'string') {
    throw unknownParameter(field.member);
  }
  const { of } = field;
  return Object.values(value).map((item) =>
    of === 'string' ? scalarOf(field.member, item, 'string') : structureOf(item, of),
  );
}

function scalarOf(
  name: string,
  value: string | Tree,
  type: 'string' | 'number' | 'boolean',
): string | number | boolean {
  if (typeof value !== 'string') {
    throw unknownParameter(name);
  }
  if (type === 'string') {
    return value;
  }
  if (type === 'boolean' ? !/^(true|false)$/.test(value) : !/^\d+$/.test(value)) {
    throw new AwsError('InvalidParameterValue', `Invalid value '${value}' for ${name}`);
  }
  return type === 'boolean' ? value === 'true' : Number(value);
}

function unknownParameter(name: string): AwsError {
  return new AwsError('UnknownParameter', `The parameter ${name} is not recognized`);
}

// What the services answer

interface XmlStyle {
  readonly item: string;
  /** The name of a member, which may be another one in another list. */
  readonly nameOf: (member: string, list: string) => string;
}

const EC2_NAMES: Readonly<Record<string, string>> = {
  CreateVolumePermissions: 'createVolumePermission',
  FastSnapshotRestores: 'fastSnapshotRestoreSet',
  FastSnapshotRestoreStateErrors: 'fastSnapshotRestoreStateErrorSet',
  SnapshotTierStatuses: 'snapshotTierStatusSet',
  Snapshots: 'snapshotSet',
  Tags: 'tagSet',
};

/** The same member has another name elsewhere. */
const SNAPSHOT_NAMES: Readonly<Record<string, string>> = { State: 'status', StateMessage: 'statusMessage' };

const EC2_STYLE: XmlStyle = {
  item: 'item',
  nameOf: (member, list) =>
    (list === 'snapshotSet' ? SNAPSHOT_NAMES[member] : undefined) ??
    EC2_NAMES[member] ??
    member.charAt(0).toLowerCase() + member.slice(1),
};

const QUERY_STYLE: XmlStyle = { item: 'member', nameOf: (member) => member };

function membersOf(value: object, style: XmlStyle, list = ''): string {
  return Object.entries(value)
    .map(([member, content]) => valueElement(style.nameOf(member, list), content, style))
    .join('');
}

/** @param list the name of the list that the value is in */
function valueElement(name: string, value: unknown, style: XmlStyle, list?: string): string {
  if (value === undefined) {
    return '';
  }
  if (value instanceof Date) {
    return element(name, value.toISOString());
  }
  if (Array.isArray(value)) {
    return `<${name}>${value.map((item) => valueElement(style.item, item, style, name)).join('')}</${name}>`;
  }
  if (typeof value === 'object' && value !== null) {
    return `<${name}>${membersOf(value, style, list)}</${name}>`;
  }
  return element(name, `${value as string | number | boolean}`);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

function element(name: string, text: string): string {
  return `<${name}>${text.replace(/[&<>"\r]/g, (char) => ENTITIES[char] ?? char)}</${name}>`;
}

/** The JSON protocol counts times in seconds. */
function withEpochSeconds(value: object): object {
  return Object.fromEntries(
    Object.entries(value).map(([key, member]: [string, unknown]) => {
      if (member instanceof Date) {
        return [key, member.getTime() / 1000];
      }
      return [key, typeof member === 'object' && member !== null ? withEpochSeconds(member) : member];
    }),
  );
}
