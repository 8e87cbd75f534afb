import type { aws_kms } from 'aws-cdk-lib/interfaces';
import { isAlias } from './key-reference';
import type { CommonSnapshotCopyProps } from './snapshot-copy-props';
import { isKnown } from './tokens';
import { problemsOfArn, type Regions } from './validate-destination';

const KEY_ID = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/;
const ALIAS_NAME = /^alias\/[A-Za-z0-9/_-]{1,250}$/;
const KMS_ARN = /^arn:(aws[a-z-]*):kms:([a-z0-9-]+):\d{12}:(.+)$/;
const KEY_ID_FORMS = 'a key ID (1234abcd-12ab-34cd-56ef-1234567890ab or mrk-…), alias/NAME';
const KEY_ARN_FORMS =
  'arn:PARTITION:kms:REGION:ACCOUNT:key/ID or arn:PARTITION:kms:REGION:ACCOUNT:alias/NAME, with an account of 12 digits';

export function problemsOfKeys(props: CommonSnapshotCopyProps, { source, destination }: Regions): string[] {
  const { kmsKey, kmsKeyId, sourceKmsKey, encrypted } = props;
  const problems: string[] = [];
  if (encrypted === false && (kmsKey !== undefined || kmsKeyId !== undefined)) {
    problems.push(
      `encrypted "false" cannot be combined with ${kmsKey === undefined ? 'kmsKeyId' : 'kmsKey'}, which encrypts the copy: remove one`,
    );
  }
  if (kmsKey !== undefined && kmsKeyId !== undefined) {
    problems.push(`kmsKey "${kmsKey.node.path}" and kmsKeyId "${kmsKeyId}" are mutually exclusive: remove one`);
  }
  if (kmsKey !== undefined) problems.push(...problemsOfKey('kmsKey', kmsKey, 'copy', destination));
  if (isKnown(kmsKeyId)) problems.push(...problemsOfKeyId(kmsKeyId, destination));
  if (sourceKmsKey !== undefined) problems.push(...problemsOfKey('sourceKmsKey', sourceKmsKey, 'source', source));
  return problems;
}

function problemsOfKey(
  prop: 'kmsKey' | 'sourceKmsKey',
  key: aws_kms.IKeyRef,
  what: 'copy' | 'source',
  wantedRegion: string,
): string[] {
  const { keyArn } = key.keyRef;
  const parts = partsOfKmsArn(keyArn);
  if (isKnown(keyArn) && parts === undefined) {
    return [`${prop} "${keyArn}" is not the ARN of a key: specify ${KEY_ARN_FORMS}`];
  }
  const region = parts?.region ?? key.env.region;
  if (!isKnown(region) || !isKnown(wantedRegion) || region === wantedRegion) return [];
  return [
    `${prop} "${key.node.path}" is in "${region}", but the ${what} is in "${wantedRegion}": ${wayOut(prop, key)}`,
  ];
}

/** The CDK assumes that every alias is in the Region of the stack. */
function wayOut(prop: 'kmsKey' | 'sourceKmsKey', key: aws_kms.IKeyRef): string {
  if (!isAlias(key)) return 'specify a key in that Region (for a multi-Region key, its replica there)';
  const name = isKnown(key.aliasName) ? key.aliasName : 'alias/NAME';
  return prop === 'kmsKey'
    ? `for an alias in that Region, use kmsKeyId: '${name}' instead`
    : `for an alias in that Region, use kms.Key.fromKeyArn(this, 'Key', 'arn:PARTITION:kms:REGION:ACCOUNT:${name}')`;
}

function problemsOfKeyId(id: string, destinationRegion: string): string[] {
  if (KEY_ID.test(id) || ALIAS_NAME.test(id)) return [];
  const parts = partsOfKmsArn(id);
  return parts === undefined
    ? [`kmsKeyId "${id}" is not a key: specify ${KEY_ID_FORMS}, ${KEY_ARN_FORMS}`]
    : problemsOfArn('kmsKeyId', id, parts.partition, parts.region, destinationRegion);
}

function partsOfKmsArn(arn: string): { partition: string; region: string } | undefined {
  const [, partition, region, resource = ''] = KMS_ARN.exec(arn) ?? [];
  const isKey = resource.startsWith('key/') && KEY_ID.test(resource.slice('key/'.length));
  if (partition === undefined || region === undefined) return undefined;
  return isKey || ALIAS_NAME.test(resource) ? { partition, region } : undefined;
}
