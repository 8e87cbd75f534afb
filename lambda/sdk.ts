// The real AWS calls, through the SDK's clients: one client per service and Region, created on first use.
import {
  CloudFormationClient,
  DescribeStackResourceCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CopySnapshotCommand,
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DescribeFastSnapshotRestoresCommand,
  DescribeLockedSnapshotsCommand,
  DescribeSnapshotAttributeCommand,
  DescribeSnapshotsCommand,
  DescribeSnapshotTierStatusCommand,
  DisableFastSnapshotRestoresCommand,
  EC2Client,
  EnableFastSnapshotRestoresCommand,
  GetEbsEncryptionByDefaultCommand,
  LockSnapshotCommand,
  ModifySnapshotAttributeCommand,
  ModifySnapshotTierCommand,
  RestoreSnapshotTierCommand,
  UnlockSnapshotCommand,
} from '@aws-sdk/client-ec2';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { fromEnv } from '@aws-sdk/credential-provider-env';
import type { Calls } from './calls';
import { presignedUrl } from './presigned-url';

// A hanging call must end before Lambda's timeout: the framework reports a function that timed out as a failure.
const requestHandler = { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true };
// Lambda provides credentials in the environment. This keeps the SDK's other providers (files, SSO) out of the bundle.
const shared = { requestHandler, credentials: fromEnv() };

export function sdkCalls(): Calls {
  const ec2 = perRegion((region) => new EC2Client({ region, ...shared }));
  const ec2WithoutRetries = perRegion((region) => new EC2Client({ region, ...shared, maxAttempts: 1 }));
  const kms = perRegion((region) => new KMSClient({ region, ...shared }));
  const cloudFormation = new CloudFormationClient(shared);
  return {
    describeSnapshots: (region, input) => ec2(region).send(new DescribeSnapshotsCommand(input)),
    copySnapshot: async (region, input) => {
      const whole = { ...input, DestinationRegion: region };
      const PresignedUrl = await presignedUrl(ec2(input.SourceRegion ?? region), whole);
      return ec2WithoutRetries(region).send(new CopySnapshotCommand({ ...whole, PresignedUrl }));
    },
    deleteSnapshot: (region, input) => ec2(region).send(new DeleteSnapshotCommand(input)),
    describeLockedSnapshots: (region, input) => ec2(region).send(new DescribeLockedSnapshotsCommand(input)),
    createTags: (region, input) => ec2(region).send(new CreateTagsCommand(input)),
    deleteTags: (region, input) => ec2(region).send(new DeleteTagsCommand(input)),
    getEbsEncryptionByDefault: (region) => ec2(region).send(new GetEbsEncryptionByDefaultCommand({})),
    describeSnapshotAttribute: (region, input) => ec2(region).send(new DescribeSnapshotAttributeCommand(input)),
    modifySnapshotAttribute: (region, input) => ec2(region).send(new ModifySnapshotAttributeCommand(input)),
    describeSnapshotTierStatus: (region, input) => ec2(region).send(new DescribeSnapshotTierStatusCommand(input)),
    modifySnapshotTier: (region, input) => ec2(region).send(new ModifySnapshotTierCommand(input)),
    restoreSnapshotTier: (region, input) => ec2(region).send(new RestoreSnapshotTierCommand(input)),
    lockSnapshot: (region, input) => ec2(region).send(new LockSnapshotCommand(input)),
    unlockSnapshot: (region, input) => ec2(region).send(new UnlockSnapshotCommand(input)),
    describeFastSnapshotRestores: (region, input) => ec2(region).send(new DescribeFastSnapshotRestoresCommand(input)),
    enableFastSnapshotRestores: (region, input) => ec2(region).send(new EnableFastSnapshotRestoresCommand(input)),
    disableFastSnapshotRestores: (region, input) => ec2(region).send(new DisableFastSnapshotRestoresCommand(input)),
    describeKey: (region, input) => kms(region).send(new DescribeKeyCommand(input)),
    describeStacks: (input) => cloudFormation.send(new DescribeStacksCommand(input)),
    describeStackResource: (input) => cloudFormation.send(new DescribeStackResourceCommand(input)),
  };
}

function perRegion<Client>(make: (region: string) => Client): (region: string) => Client {
  const clients = new Map<string, Client>();
  return (region) => {
    const client = clients.get(region) ?? make(region);
    clients.set(region, client);
    return client;
  };
}
