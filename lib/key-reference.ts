import { Stack } from 'aws-cdk-lib';
import type { IAlias } from 'aws-cdk-lib/aws-kms';
import type { aws_kms } from 'aws-cdk-lib/interfaces';
import type { IConstruct } from 'constructs';
import { keyArn } from './arns';
import { isKnown } from './tokens';

/** A key in the form in which an IAM statement can name it. */
export interface KeyReference {
  /** ARN of the key. If only an alias of the key is known, an ARN that matches every key of its account and Region. */
  readonly arn: string;
  /** IAM statements cannot name alias ARNs. They match aliases by the condition key kms:ResourceAliases. */
  readonly alias?: string;
  /** The construct that represents the key. Absent if the key is given as a string. */
  readonly construct?: IConstruct;
}

export function isAlias(key: aws_kms.IKeyRef): key is IAlias {
  return 'aliasName' in key;
}

export function referenceOf(key: aws_kms.IKeyRef): KeyReference {
  const { region, account } = Stack.of(key);
  const reference = isAlias(key)
    ? { arn: keyArn(region, account, '*'), alias: key.aliasName }
    : referenceOfArn(key.keyRef.keyArn);
  return { ...reference, construct: key };
}

/** Returns `undefined` for a string that is resolved later: it can become any of the four forms. */
export function referenceOfKeyId(id: string, region: string, account: string): KeyReference | undefined {
  if (!isKnown(id)) return undefined;
  if (id.startsWith('arn:')) return referenceOfArn(id);
  return id.startsWith('alias/')
    ? { arn: keyArn(region, account, '*'), alias: id }
    : { arn: keyArn(region, account, id) };
}

function referenceOfArn(arn: string): KeyReference {
  const [, prefix, alias] = /^(.*:)(alias\/.*)$/.exec(arn) ?? [];
  return prefix === undefined ? { arn } : { arn: `${prefix}key/*`, alias };
}
