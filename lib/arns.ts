import { Aws } from 'aws-cdk-lib';

// The partition is a token: a literal one would have to be guessed where the Region of the stack is not known.

/** `*` as the Region or the id stands for any. Snapshots have no account in their ARN. */
export function snapshotArn(region: string, id: string): string {
  return `arn:${Aws.PARTITION}:ec2:${region}::snapshot/${id}`;
}

export function volumeArns(region: string, account: string): string {
  return `arn:${Aws.PARTITION}:ec2:${region}:${account}:volume/*`;
}

export function keyArn(region: string, account: string, id: string): string {
  return `arn:${Aws.PARTITION}:kms:${region}:${account}:key/${id}`;
}
