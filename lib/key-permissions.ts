import { Annotations, type Stack } from 'aws-cdk-lib';
import { Policy, type PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Construct, IConstruct, IDependable } from 'constructs';
import { keyArn } from './arns';
import type { CopyNeeds } from './copy-needs';
import { describeKey, useKey } from './handler-statements';
import type { KeyReference } from './key-reference';
import { acknowledgeStatement } from './nag-acknowledgement';
import type { RolePolicy } from './role-policy';
import { ShortList } from './short-list';
import { isFixed } from './tokens';

const MAX_KEYS = 2;
const MAX_ALIAS_CHARACTERS = 64;
const MAX_REGIONS = 2;
const MAX_ACCOUNTS = 2;
/** The inline policies of a role can have 10,240 characters in total. */
const MAX_KEY_POLICIES = 3;

const REASON =
  'EC2 re-encrypts from one key to another. IAM policies cannot name aliases, and the default key for EBS can be any ' +
  'key of the account. The handler uses keys only through EC2.';

/** The keys that the handler may use. */
export class KeyPermissions {
  private readonly keys = new ShortList(MAX_KEYS, MAX_ALIAS_CHARACTERS);
  private readonly regions = new ShortList(MAX_REGIONS);
  private readonly accounts = new ShortList(MAX_ACCOUNTS);
  private readonly keyPolicies = new Map<IConstruct, Policy>();

  public constructor(
    private readonly scope: Construct,
    private readonly stack: Stack,
    private readonly role: Role,
    private readonly policy: RolePolicy,
  ) {
    this.policy.grant('look at own keys', REASON, () => [describeKey(keyArn('*', stack.account, '*'))]);
  }

  /** Permits the keys of a copy. Returns the policies that are dedicated to one of these keys. */
  public permit(needs: CopyNeeds): IDependable[] {
    const { sourceKey, key } = needs;
    if (key === 'unknown') this.permitOwnKeys(needs, 'kmsKeyId is a token');
    if (key === 'default') this.permitOwnKeys(needs);
    const keys = [sourceKey, key].filter((each) => typeof each === 'object');
    return keys.flatMap((each) => this.permitKey(each, needs));
  }

  /**
   * A key that may come from a resource of the stack gets its own policy, on which only the copies with that key
   * depend. In the shared policy, it would make all copies wait for that resource, which may itself wait for a copy.
   */
  private permitKey(key: KeyReference, needs: CopyNeeds): IDependable[] {
    const { arn, alias = '', construct } = key;
    const isFixedKey = isFixed(arn, this.stack) && isFixed(alias, this.stack);
    if (construct !== undefined && !isFixedKey) return this.permitByKeyPolicy(key, construct, needs);
    const name = `key ${arn} ${alias}`;
    if (this.keys.admits(name, alias.length)) this.policy.grant(name, REASON, () => this.statementsFor(key));
    else this.permitKeysOfAccount(arn, needs);
    return [];
  }

  private permitByKeyPolicy(key: KeyReference, construct: IConstruct, needs: CopyNeeds): IDependable[] {
    const existing = this.keyPolicies.get(construct);
    if (existing !== undefined) return [existing];
    if (this.keyPolicies.size >= MAX_KEY_POLICIES) {
      this.permitOwnKeys(needs, `the stack has more than ${MAX_KEY_POLICIES} keys that are tokens`);
      return [];
    }
    const statements = [...useKey(key), describeKey(key.arn)];
    const policy = new Policy(this.scope, `KeyPolicy${construct.node.addr.slice(-8)}`, { statements });
    this.role.attachInlinePolicy(policy);
    for (const statement of statements) acknowledgeStatement(policy, statement.toStatementJson() as object, REASON);
    this.keyPolicies.set(construct, policy);
    return [policy];
  }

  private permitKeysOfAccount(arn: string, needs: CopyNeeds): void {
    const account = this.accounts.valueOrWildcard(accountOf(arn));
    const any = { arn: keyArn('*', account, '*') };
    const isNew = this.policy.grant(`keys of ${account}`, REASON, () => this.statementsFor(any));
    if (!isNew) return;
    warn(needs, this.inWords(account), 'the stack has more keys than its policy can list');
  }

  /** The handler may already describe all keys in the account of the stack. */
  private statementsFor(key: KeyReference): PolicyStatement[] {
    return accountOf(key.arn) === this.stack.account ? useKey(key) : [...useKey(key), describeKey(key.arn)];
  }

  /** The default key for EBS can be any key of the account. */
  private permitOwnKeys(needs: CopyNeeds, warning?: string): void {
    const { account } = this.stack;
    const isNew = [needs.sourceRegion, needs.destinationRegion].map((each) => {
      const region = isFixed(each, this.stack) ? this.regions.valueOrWildcard(each) : '*';
      return this.policy.grant(`own keys in ${region}`, REASON, () => useKey({ arn: keyArn(region, account, '*') }));
    });
    if (warning !== undefined && isNew.includes(true)) warn(needs, this.inWords(account), warning);
  }

  private inWords(account: string): string {
    if (account === '*') return 'any account';
    return account === this.stack.account ? 'this account' : `account ${account}`;
  }
}

function accountOf(arn: string): string {
  return arn.split(':')[4] ?? '*';
}

function warn({ scope }: CopyNeeds, whose: string, reason: string): void {
  Annotations.of(scope).addWarningV2(
    'cdk-ebs-snapshot-copy:anyKey',
    `The handler of the snapshot copies may use any key of ${whose} through EC2, because ${reason}.`,
  );
}
