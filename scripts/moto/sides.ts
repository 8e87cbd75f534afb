import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CreateSnapshotCommand, CreateVolumeCommand, EC2Client } from '@aws-sdk/client-ec2';
import { CreateAliasCommand, CreateKeyCommand, DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { SimulatedEc2 } from '../../local-aws/ec2';
import { Endpoint } from '../../local-aws/endpoint';
import { SimulatedKms } from '../../local-aws/kms';
import { Services } from '../../local-aws/services';

export const REGION = 'eu-west-1';
export const SOURCE_REGION = 'us-east-1';
export const ALIAS = 'alias/mine';
export const STACK = 'stack';
export const LOGICAL_ID = 'Queue';

/** The account that moto simulates. */
const ACCOUNT_ID = '123456789012';

/** One of the two that are compared, with the same scene set in each. */
export interface Side {
  readonly ec2: EC2Client;
  readonly kms: KMSClient;
  readonly cloudformation: CloudFormationClient;
  readonly sourceId: string;
  readonly keyArn: string;
  readonly disabledKeyArn: string;
  /** Lets pending copies end. */
  settle(): void;
  stop(): Promise<void>;
}

export async function startOurs(): Promise<Side> {
  let now = Date.parse('2026-03-01T12:00:00Z');
  const clock = { now: () => now };
  const kms = new SimulatedKms({ clock, accountId: ACCOUNT_ID });
  const ec2 = new SimulatedEc2({ clock, kms });
  const services = new Services({ clock, ec2, stacks: ourStack(now) });
  const endpoint = await Endpoint.start({ services, clock });
  return {
    ...clientsOf(endpoint.url, REGION),
    sourceId: ec2.addSnapshot({ region: SOURCE_REGION, volumeSize: 8 }).id,
    keyArn: kms.addKey({ region: REGION, alias: ALIAS }).arn,
    disabledKeyArn: kms.addKey({ region: REGION, state: 'Disabled' }).arn,
    settle: () => {
      now += ec2.settings.copyDuration;
    },
    stop: () => endpoint.stop(),
  };
}

function ourStack(now: number) {
  const stack = {
    StackId: `arn:aws:cloudformation:${REGION}:${ACCOUNT_ID}:stack/${STACK}/0`,
    StackName: STACK,
    StackStatus: 'CREATE_COMPLETE',
    CreationTime: new Date(now),
  };
  const resource = {
    LogicalResourceId: LOGICAL_ID,
    PhysicalResourceId: 'queue',
    ResourceType: 'AWS::SQS::Queue',
    ResourceStatus: 'CREATE_COMPLETE',
    LastUpdatedTimestamp: new Date(now),
  };
  return {
    describeStack: (id: string) => ([stack.StackId, STACK].includes(id) ? stack : undefined),
    describeStackResource: (_stack: string, logicalId: string) => (logicalId === LOGICAL_ID ? resource : undefined),
  };
}

export async function startMoto(): Promise<Side> {
  const server = await startServer();
  try {
    return { ...clientsOf(server.url, REGION), ...(await motoScene(server.url)), ...server };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function motoScene(url: string) {
  const { ec2 } = clientsOf(url, SOURCE_REGION);
  const { kms, cloudformation } = clientsOf(url, REGION);
  const volume = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: `${SOURCE_REGION}a`, Size: 8 }));
  const { SnapshotId: sourceId = '' } = await ec2.send(new CreateSnapshotCommand({ VolumeId: volume.VolumeId }));
  // What AWS takes for granted, moto stores only when it is said.
  const key = { KeyUsage: 'ENCRYPT_DECRYPT', KeySpec: 'SYMMETRIC_DEFAULT', MultiRegion: false } as const;
  const newKey = async () => (await kms.send(new CreateKeyCommand(key))).KeyMetadata?.Arn ?? '';
  const [keyArn, disabledKeyArn] = [await newKey(), await newKey()];
  await kms.send(new CreateAliasCommand({ AliasName: ALIAS, TargetKeyId: keyArn }));
  await kms.send(new DisableKeyCommand({ KeyId: keyIdOf(disabledKeyArn) }));
  const template = { Resources: { [LOGICAL_ID]: { Type: 'AWS::SQS::Queue' } } };
  await cloudformation.send(new CreateStackCommand({ StackName: STACK, TemplateBody: JSON.stringify(template) }));
  await cloudformation.send(new DescribeStacksCommand({ StackName: STACK }));
  return { sourceId, keyArn, disabledKeyArn, settle: () => undefined };
}

export function keyIdOf(arn: string): string {
  return arn.slice(arn.indexOf('/') + 1);
}

function clientsOf(endpoint: string, region: string) {
  const credentials = { accessKeyId: 'example', secretAccessKey: 'example' };
  const config = { endpoint, region, credentials, maxAttempts: 1 };
  return {
    ec2: new EC2Client(config),
    kms: new KMSClient(config),
    cloudformation: new CloudFormationClient(config),
  };
}

async function startServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const ended = new Promise<string>((resolve) => {
    server.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'ENOENT' ? "moto_server is not installed: pip install 'moto[server]'" : error.message);
    });
    server.on('exit', (code) => {
      resolve(`moto_server ended with ${code ?? 'a signal'}`);
    });
  });
  const stop = async () => {
    server.kill();
    await ended;
  };
  const failure = await Promise.race([ended, answers(url)]);
  if (failure !== undefined) {
    await stop();
    throw new Error(failure);
  }
  return { url, stop };
}

/** Waits until the server is up; resolves to what is wrong, if it never is. */
async function answers(url: string): Promise<string | undefined> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const up = await fetch(`${url}/moto-api/`).then(
      () => true,
      () => false,
    );
    if (up) {
      return undefined;
    }
    await sleep(100);
  }
  return 'moto_server does not answer';
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
