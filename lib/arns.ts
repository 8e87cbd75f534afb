import { Aws } from 'aws-cdk-lib';

// The partition is a token, because it cannot be derived from a stack without a known Region.

/** Pass `*` for any Region or any ID. The ARN of a snapshot has no account. */
export function snapshotArn(region: string, id: string): string {
  return `arn:${Aws.PARTITION}:ec2:${region}::snapshot/${id}`;
}

export function volumeArns(region: string, account: string): string {
  return `arn:${Aws.PARTITION}:ec2:${region}:${account}:volume/*`;
}

export function keyArn(region: string, account: string, id: string): string {
  return `arn:${Aws.PARTITION}:kms:${region}:${account}:key/${id}`;
}
