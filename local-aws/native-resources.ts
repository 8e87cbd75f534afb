// The resources of other types than custom ones: those that the custom resources run on work, some others can refuse,
// and the rest only have an ID and attributes.
import { createHash } from 'node:crypto';
import type { SimulatedEc2 } from './ec2';
import { partitionOf } from './kms';
import type { Lambda } from './lambda';
import { ResourceFailure } from './custom-resource';
import type { NativeResource, NativeResources, Provisioned } from './stack';
import type { StepFunctions } from './step-functions';
import type { Value } from './template';

export interface Services {
  readonly accountId: string;
  readonly ec2: SimulatedEc2;
  readonly lambda: Lambda;
  readonly stepFunctions: StepFunctions;
}

export function nativeResources(services: Services): NativeResources {
  let created = 0;
  const put = (resource: NativeResource): Provisioned => {
    const name = nameOf(resource, ++created);
    switch (resource.type) {
      case 'AWS::Lambda::Function':
        return putFunction(services, resource, name);
      case 'AWS::StepFunctions::StateMachine':
        return putStateMachine(services, resource, name);
      case 'AWS::EC2::Volume':
        return putVolume(services, resource, created);
      case 'AWS::EC2::Snapshot':
        return putSnapshot(services, resource);
      case 'AWS::KMS::Key':
        return putKey(services, resource);
      default:
        return stub(resource.physicalId ?? name, arnOf(services, resource, resource.physicalId ?? name));
    }
  };
  return {
    put,
    delete: (resource) => {
      remove(services, resource);
    },
  };
}

function putFunction(services: Services, resource: NativeResource, name: string): Provisioned {
  const { properties, region, assets } = resource;
  const arn = arnOf(services, resource, name);
  const { S3Key } = properties.Code as { S3Key?: string };
  const codeDirectory = assets.get(S3Key ?? '');
  const { Variables: environment = {} } = (properties.Environment ?? {}) as { Variables?: Record<string, string> };
  const logging = (properties.LoggingConfig ?? {}) as Partial<Record<string, string>>;
  const { LogGroup: logGroup = `/aws/lambda/${name}`, LogFormat, ApplicationLogLevel = 'INFO' } = logging;
  if (codeDirectory !== undefined) {
    services.lambda.put({
      ...{ arn, name, region, codeDirectory, environment, logGroup },
      handler: properties.Handler as string,
      timeoutSeconds: Number(properties.Timeout ?? 3),
      memorySize: Number(properties.MemorySize ?? 128),
      // In text format, everything is logged.
      logLevel: LogFormat === 'JSON' ? ApplicationLogLevel : undefined,
    });
  }
  return stub(name, arn);
}

function putStateMachine(services: Services, resource: NativeResource, name: string): Provisioned {
  const arn = resource.physicalId ?? arnOf(services, resource, name);
  services.stepFunctions.put(arn, resource.properties.DefinitionString as string);
  return stub(arn, arn);
}

/** EC2 makes no volume from a snapshot that it has not completed. */
function putVolume({ ec2, accountId }: Services, resource: NativeResource, count: number): Provisioned {
  const { properties, region, physicalId } = resource;
  if (physicalId) throw new ResourceFailure('Update to resource type AWS::EC2::Volume is not supported.');
  const snapshotId = properties.SnapshotId as string | undefined;
  if (snapshotId !== undefined) {
    const snapshot = ec2.all().find(({ id }) => id === snapshotId);
    if (snapshot?.region !== region) {
      throw new ResourceFailure(`The snapshot '${snapshotId}' does not exist. (Service: Ec2, Status Code: 400)`);
    }
    if (ec2.stateOf(snapshotId) !== 'completed') {
      throw new ResourceFailure(
        `Snapshot is in invalid state - ${ec2.stateOf(snapshotId)} (Service: Ec2, Status Code: 400)`,
      );
    }
  }
  const id = `vol-${hex(`${resource.stackName} ${resource.logicalId} ${count}`).slice(0, 17)}`;
  return stub(id, `arn:${partitionOf(region)}:ec2:${region}:${accountId}:volume/${id}`);
}

/** A snapshot of a volume, which nothing but its tags can change. */
function putSnapshot({ ec2, accountId }: Services, { properties, region, physicalId }: NativeResource): Provisioned {
  const id = physicalId ?? ec2.addSnapshot({ region, volumeId: properties.VolumeId as string }).id;
  return stub(id, `arn:${partitionOf(region)}:ec2:${region}:${accountId}:snapshot/${id}`);
}

function putKey({ ec2 }: Services, { region, physicalId }: NativeResource): Provisioned {
  const key = physicalId ? ec2.kms.find(region, physicalId) : ec2.kms.addKey({ region });
  if (!key) throw new ResourceFailure(`Key '${physicalId ?? ''}' does not exist`);
  return stub(key.keyId, key.arn);
}

function remove({ lambda, stepFunctions, accountId, ec2 }: Services, resource: NativeResource): void {
  const { type, physicalId = '', region } = resource;
  if (type === 'AWS::Lambda::Function') lambda.remove(arnOf({ accountId }, resource, physicalId));
  if (type === 'AWS::StepFunctions::StateMachine') stepFunctions.remove(physicalId);
  if (type === 'AWS::EC2::Snapshot') ec2.deleteSnapshot(region, { SnapshotId: physicalId });
  const key = type === 'AWS::KMS::Key' ? ec2.kms.find(region, physicalId) : undefined;
  if (key) key.state = 'PendingDeletion';
}

function stub(physicalId: string, arn: string): Provisioned {
  return { physicalId, getAtt: (attribute): Value => (attribute.endsWith('Arn') ? arn : physicalId) };
}

function nameOf({ type, stackName, logicalId, properties, physicalId }: NativeResource, count: number): string {
  const given = properties[`${type.split('::')[2] ?? ''}Name`];
  if (typeof given === 'string') return given;
  return physicalId ?? `${stackName}-${logicalId}-${hex(`${stackName} ${logicalId} ${count}`).slice(0, 12)}`;
}

function arnOf({ accountId }: Pick<Services, 'accountId'>, { type, region }: NativeResource, name: string): string {
  const partition = partitionOf(region);
  const [, service = '', kind = ''] = type.split('::');
  switch (type) {
    case 'AWS::IAM::Role':
      return `arn:${partition}:iam::${accountId}:role/${name}`;
    case 'AWS::Lambda::Function':
      return `arn:${partition}:lambda:${region}:${accountId}:function:${name}`;
    case 'AWS::Logs::LogGroup':
      return `arn:${partition}:logs:${region}:${accountId}:log-group:${name}:*`;
    case 'AWS::StepFunctions::StateMachine':
      return `arn:${partition}:states:${region}:${accountId}:stateMachine:${name}`;
    default:
      return `arn:${partition}:${service.toLowerCase()}:${region}:${accountId}:${kind.toLowerCase()}/${name}`;
  }
}

function hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
