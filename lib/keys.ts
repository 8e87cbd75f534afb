import { Stack, Token } from 'aws-cdk-lib';
import type { IAlias, IKey } from 'aws-cdk-lib/aws-kms';

/** A key as an IAM statement can name it. */
export interface KeyReference {
  /** ARN of the key; of every key of its account and Region when the key is known by an alias only. */
  readonly arn: string;
  /** The alias that the key goes by: IAM knows no alias ARNs, only the condition kms:ResourceAliases. */
  readonly alias?: string;
}

export function isAlias(key: IKey): key is IAlias {
  return 'aliasName' in key;
}

export function referenceOf(key: IKey): KeyReference {
  if (isAlias(key)) {
    const arn = Stack.of(key).formatArn({ service: 'kms', resource: 'key', resourceName: '*' });
    return { arn, alias: key.aliasName };
  }
  return referenceOfArn(key.keyArn);
}

/** `undefined` for a token: nobody knows which of the four forms it will have. */
export function referenceOfKeyId(id: string, stack: Stack, region: string): KeyReference | undefined {
  if (Token.isUnresolved(id)) return undefined;
  if (id.startsWith('arn:')) return referenceOfArn(id);
  const inRegion = (resourceName: string) => stack.formatArn({ service: 'kms', region, resource: 'key', resourceName });
  return id.startsWith('alias/') ? { arn: inRegion('*'), alias: id } : { arn: inRegion(id) };
}

function referenceOfArn(arn: string): KeyReference {
  const [, account, alias] = /^(.*:)(alias\/.*)$/.exec(arn) ?? [];
  return account === undefined ? { arn } : { arn: `${account}key/*`, alias };
}
