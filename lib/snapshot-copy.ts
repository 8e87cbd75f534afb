import {
  CfnDeletionPolicy,
  type Duration,
  type ITaggable,
  RemovalPolicy,
  Stack,
  TagManager,
  TagType,
  Token,
  Tokenization,
} from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import { Construct, type IDependable } from 'constructs';
import {
  type Attributes,
  STAGE_RESOURCE_TYPE,
  type StageProperties,
  COPY_RESOURCE_TYPE,
  DRY_RUN_RESOURCE_TYPE,
  type RetainingPolicy,
  type CopyProperties,
} from './contract';
import { isAlias, type KeyReference, referenceOf, referenceOfKeyId } from './keys';
import { CopyProvider } from './provider';
import { CopyResource } from './resource';
import { serviceTimeoutFor, sharesOf, timeoutOf } from './stages';
import { problemsOfPolicies, problemsOfProps, problemsOfRemoval, problemsOfTags } from './validate';

/** Properties of a snapshot copy. */
export interface SnapshotCopyProps {
  /**
   * Id of the snapshot to copy, like `snap-0123456789abcdef0`: `snap-` and 17 hexadecimal digits (8 for old
   * snapshots). It may be a token, such as the `snapshotId` of another copy.
   *
   * Another value makes a new copy, which replaces the present one.
   *
   * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html
   */
  readonly sourceSnapshotId: string;

  /**
   * Region that holds the source snapshot, like `us-east-1`.
   *
   * @default - the Region of the stack
   */
  readonly sourceRegion?: string;

  /**
   * Region in which the copy is made, like `eu-west-1`. Another Region than the stack's is served from the same stack.
   *
   * @default - the Region of the stack
   */
  readonly destinationRegion?: string;

  /**
   * ARN of the Outpost on which the copy is stored, `arn:PARTITION:outposts:REGION:ACCOUNT:outpost/op-…`. The Outpost
   * and the source snapshot must be in the destination Region. Not together with `destinationAvailabilityZone`.
   *
   * @default - the copy is stored in the destination Region
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/snapshots-outposts.html
   */
  readonly destinationOutpostArn?: string;

  /**
   * Local Zone in which the copy is stored, like `us-west-2-lax-1a`; it must belong to the destination Region.
   * Not together with `destinationOutpostArn`.
   *
   * @default - the copy is stored in the destination Region
   * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html
   */
  readonly destinationAvailabilityZone?: string;

  /**
   * Description of the copy, at most 255 characters. EC2 cannot change it: another description is another copy.
   *
   * @default - no description
   */
  readonly description?: string;

  /**
   * `true` encrypts the copy of an unencrypted source. The copy of an encrypted source is encrypted without it.
   * `false` is refused at synthesis: EC2 has no way to decrypt a snapshot.
   *
   * @default - as the source, or as the account's encryption by default says
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html
   */
  readonly encrypted?: boolean;

  /**
   * KMS key under which the copy is encrypted; it must be a symmetric key in the destination Region. Implies
   * `encrypted`. Not together with `kmsKeyId`. The key's own policy is never edited: it must allow the account's IAM
   * policies to use the key, as CDK's and the console's default key policies do.
   *
   * @default - the account's default key for EBS in the destination Region, if the copy is encrypted
   */
  readonly kmsKey?: kms.IKey;

  /**
   * The same as `kmsKey`, as text: a key id, an alias name (`alias/…`), a key ARN or an alias ARN. A key id and an
   * alias name are of this account and the destination Region. Not together with `kmsKey`.
   *
   * A token may turn out to be any of these forms, so the handler may then use all keys of this account through EC2:
   * a token of another account's key belongs into `kmsKey`, by `kms.Key.fromKeyArn`.
   *
   * @default - the account's default key for EBS in the destination Region, if the copy is encrypted
   * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html
   */
  readonly kmsKeyId?: string;

  /**
   * KMS key of the source snapshot, to be declared when that is a customer key (of this or of another account): the
   * handler is granted its use through EC2. A key of another account must also be shared by its own policy.
   *
   * @default - the source is not encrypted, or under the AWS managed key for EBS
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/share-kms-key.html
   */
  readonly sourceKmsKey?: kms.IKey;

  /**
   * Time in which EC2 is to complete the copy (a time-based copy, which costs more): 15 minutes to 48 hours in steps
   * of 15 minutes, and not longer than a `timeout` that is given. Not for Outposts and Local Zones. It changes nothing of a copy
   * that exists.
   *
   * @default - no time is promised
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/time-based-copies.html
   */
  readonly completionDuration?: Duration;

  /**
   * Tags of the copy; `Tags.of(scope).add(…)` on the copy or an ancestor adds to them. Keys of 1 to 128 characters
   * without the prefixes `aws:` and `cdk-ebs-snapshot-copy:`, values of at most 256 characters, at most 45 tags (EC2
   * takes 50, and 5 say whose the copy is). Tags change in place.
   *
   * @default - no tags but those of the construct itself
   * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
   */
  // eslint-disable-next-line @typescript-eslint/consistent-indexed-object-style -- jsii knows maps in this form only
  readonly tags?: { readonly [key: string]: string };

  /**
   * How long the copy may take, 1 minute to 48 hours in whole seconds; a token may come to 50 minutes at most. A copy
   * that takes longer fails the deployment, and is deleted. Changes nothing of a copy that exists.
   *
   * CloudFormation gives a custom resource an hour, so every 50 minutes beyond the first take a further resource of
   * the stack, which may have 500.
   *
   * @default - `completionDuration` and 10 minutes more, but at least 50 minutes
   */
  readonly timeout?: Duration;

  /**
   * What becomes of the copy when it is replaced, or removed from the stack: `DESTROY` deletes it, `RETAIN` keeps it,
   * `RETAIN_ON_UPDATE_OR_DELETE` keeps it too, but leaves nothing of a creation that was rolled back (recommended for
   * backups). `SNAPSHOT` is refused at synthesis.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * `true` only proves at deployment that EC2 would permit the copy, and copies nothing. `snapshotId`, `snapshotArn`
   * and `grantCreateVolume` throw then. Switched on for a copy that exists, it checks the new inputs and keeps the copy.
   *
   * @default false
   */
  readonly dryRun?: boolean;
}

/**
 * A copy of an EBS snapshot, owned by the stack: deploying makes the copy and waits until it is usable, deleting the
 * stack deletes it. What reads an attribute of the copy waits for it.
 *
 * Synthesis fails with an error that names every bad prop. All copies of a stack share one handler.
 */
export class SnapshotCopy extends Construct implements ITaggable {
  /** Tags of the copy: those of the props, and what Aspects add. */
  public readonly tags: TagManager;

  private readonly resource: CopyResource;
  /** The resource that is complete when the copy is: attributes come from it, so that their readers wait. */
  private readonly last: CopyResource;
  private readonly destinationRegion: string;
  private readonly timeout: Duration;
  /** How long each resource waits: the first one, which owns the copy, and its completions. */
  private readonly shares: readonly [Duration, ...Duration[]];

  /** Throws an error when a prop is wrong: it says the value, what is allowed, and what to change. */
  public constructor(
    scope: Construct,
    id: string,
    private readonly props: SnapshotCopyProps,
  ) {
    super(scope, id);
    const stack = Stack.of(this);
    this.refuse(problemsOfProps(props, stack));
    this.destinationRegion = props.destinationRegion ?? stack.region;
    this.timeout = timeoutOf(props);
    this.shares = sharesOf(this.timeout, props.dryRun);
    this.tags = new TagManager(TagType.KEY_VALUE, COPY_RESOURCE_TYPE, props.tags);
    const provider = CopyProvider.getOrCreate(this);
    const prerequisites = this.prerequisites(provider);
    this.resource = new CopyResource(this, 'Resource', {
      type: props.dryRun === true ? DRY_RUN_RESOURCE_TYPE : COPY_RESOURCE_TYPE,
      provider,
      prerequisites,
      properties: this.properties(this.shares[0]),
    });
    if (props.removalPolicy !== undefined) this.resource.applyRemovalPolicy(props.removalPolicy);
    const completions = this.declareCompletions(provider, prerequisites);
    this.last = completions.at(-1) ?? this.resource;
    // A dry run takes no place among EC2's copies.
    if (props.dryRun !== true) {
      provider.queue({ destinationRegion: this.destinationRegion, stages: [this.resource, ...completions] });
    }
    this.node.addValidation({
      validate: () => [
        ...problemsOfTags(this.tags.hasTags() ? this.tags.tagValues() : {}),
        ...problemsOfPolicies(this.resource.cfnOptions),
      ],
    });
  }

  /** Id of the copy, like `snap-0123456789abcdef0`. Throws with `dryRun`. */
  public get snapshotId(): string {
    this.refuseInDryRun('snapshotId');
    return this.attribute('SnapshotId');
  }

  /** ARN of the copy, as IAM statements take it: `arn:PARTITION:ec2:REGION::snapshot/ID`. Throws with `dryRun`. */
  public get snapshotArn(): string {
    this.refuseInDryRun('snapshotArn');
    return Stack.of(this).formatArn({
      service: 'ec2',
      region: this.destinationRegion,
      account: '',
      resource: 'snapshot',
      resourceName: this.attribute('SnapshotId'),
    });
  }

  /** Size of the volume that was snapshotted, in GiB: the least size of a volume made from the copy. */
  public get volumeSize(): number {
    return Token.asNumber(this.last.getAtt('VolumeSize' satisfies keyof Attributes));
  }

  /** Whether the copy is encrypted: `'true'` or `'false'`, a string. */
  public get encrypted(): string {
    return this.attribute('Encrypted');
  }

  /** ARN of the KMS key under which the copy is encrypted; empty when it is not. */
  public get kmsKeyArn(): string {
    return this.attribute('KmsKeyArn');
  }

  /** Id of the AWS account that owns the copy, 12 digits. */
  public get ownerId(): string {
    return this.attribute('OwnerId');
  }

  /** When the copy was begun: a time in UTC, ISO 8601. */
  public get startTime(): string {
    return this.attribute('StartTime');
  }

  /** When the copy was complete: a time in UTC, ISO 8601; empty when EC2 does not say. */
  public get completionTime(): string {
    return this.attribute('CompletionTime');
  }

  /** Size of all blocks of the snapshot, in bytes, a string; empty when EC2 does not say. Not what it is billed for. */
  public get fullSnapshotSizeInBytes(): string {
    return this.attribute('FullSnapshotSizeInBytes');
  }

  /** How the copy was made: `'standard'` or `'time-based'`; empty when EC2 does not say. */
  public get transferType(): string {
    return this.attribute('TransferType');
  }

  /**
   * Lets somebody create volumes from this copy, and from no other snapshot, in the destination Region and this
   * account, with the copy's key through EC2. Only the grantee's own policy is changed, never that of the key.
   *
   * Throws with `dryRun`.
   *
   * @param grantee who may create volumes
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
   */
  public grantCreateVolume(grantee: iam.IGrantable): iam.Grant {
    this.refuseInDryRun('grantCreateVolume');
    const stack = Stack.of(this);
    const volumes = stack.formatArn({
      service: 'ec2',
      region: this.destinationRegion,
      resource: 'volume',
      resourceName: '*',
    });
    const grant = (actions: string[], resourceArns: string[], conditions?: Record<string, Record<string, unknown>>) =>
      iam.Grant.addToPrincipal({ grantee, actions, resourceArns, conditions });
    // The domain differs between partitions; only AWS can speak for a service.
    const throughEc2 = { StringLike: { 'kms:ViaService': `ec2.${this.destinationRegion}.*` } };
    const key = [this.keyArnForGrant()];
    return grant(['ec2:CreateVolume'], [this.snapshotArn, volumes])
      .combine(
        grant(
          ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncrypt*'],
          key,
          throughEc2,
        ),
      )
      .combine(grant(['kms:CreateGrant'], key, { ...throughEc2, Bool: { 'kms:GrantIsForAWSResource': 'true' } }));
  }

  /**
   * What becomes of the copy when it is replaced, or removed from the stack; see `removalPolicy` of the props.
   *
   * Throws for `RemovalPolicy.SNAPSHOT`.
   *
   * @param policy the removal policy to use from now on
   */
  public applyRemovalPolicy(policy: RemovalPolicy): void {
    this.refuse(problemsOfRemoval(policy));
    this.resource.applyRemovalPolicy(policy);
  }

  /** What has to be there before the copy is begun. */
  private prerequisites(provider: CopyProvider): IDependable[] {
    const keys = [this.props.kmsKey, this.props.sourceKmsKey].filter((key) => key !== undefined);
    // The name of an alias is text: nothing else would make the copy wait for the alias.
    return [...provider.allow(this.needs()), ...keys.filter(isAlias)];
  }

  /** The further stages of waiting, each after the one before. */
  private declareCompletions(provider: CopyProvider, prerequisites: IDependable[]): CopyResource[] {
    const owner = this.resource;
    let before = owner;
    return this.shares.slice(1).map((share, index) => {
      const stage = index + 2;
      const identity: Omit<StageProperties, keyof CopyProperties> = {
        CopyLogicalId: owner.logicalId,
        CopyId: owner.ref,
        Stage: `${stage}`,
      };
      // The ids are for ever: CloudFormation would take another one for another resource.
      const properties = this.properties(share);
      const completion = new CopyResource(this, `Stage${stage}`, {
        type: STAGE_RESOURCE_TYPE,
        provider,
        prerequisites: [before, ...prerequisites],
        properties: () => ({ ...properties(), ...identity }),
      });
      before = completion;
      return completion;
    });
  }

  private properties(share: Duration): () => CopyProperties & { readonly ServiceTimeout: string } {
    const { props } = this;
    const kmsKeyId = props.kmsKey?.keyArn ?? props.kmsKeyId;
    const fixed = given({
      // CloudFormation takes it for itself.
      ServiceTimeout: serviceTimeoutFor(share),
      SourceSnapshotId: props.sourceSnapshotId,
      SourceRegion: props.sourceRegion ?? Stack.of(this).region,
      DestinationRegion: this.destinationRegion,
      DestinationOutpostArn: props.destinationOutpostArn,
      DestinationAvailabilityZone: props.destinationAvailabilityZone,
      Description: props.description === '' ? undefined : props.description,
      Encrypted: props.encrypted === true || kmsKeyId !== undefined ? 'true' : undefined,
      KmsKeyId: kmsKeyId,
      SourceKmsKeyArn: props.sourceKmsKey?.keyArn,
      CompletionDurationMinutes: props.completionDuration && asText(props.completionDuration.toMinutes()),
      TimeoutSeconds: asText(this.timeout.toSeconds()),
    } as const);
    return () => ({
      ...fixed,
      Tags: this.tags.hasTags() ? (this.tags.renderTags() as CopyProperties['Tags']) : undefined,
      DeletionPolicy: retaining(this.resource),
    });
  }

  private needs() {
    const { kmsKey, kmsKeyId, sourceKmsKey, sourceSnapshotId, sourceRegion } = this.props;
    const stack = Stack.of(this);
    const key: KeyReference | undefined =
      kmsKey !== undefined
        ? referenceOf(kmsKey)
        : kmsKeyId !== undefined
          ? referenceOfKeyId(kmsKeyId, stack, this.destinationRegion)
          : undefined;
    const keys = [key, sourceKmsKey && referenceOf(sourceKmsKey)].filter((found) => found !== undefined);
    return {
      sourceSnapshotId,
      sourceRegion: sourceRegion ?? stack.region,
      destinationRegion: this.destinationRegion,
      keys,
      // Without a key of its own a copy gets the account's default one for EBS, which may be a customer key.
      anyOwnKey: key === undefined,
    };
  }

  private attribute(name: keyof Attributes): string {
    return this.last.getAtt(name).toString();
  }

  /** An alias is no resource to IAM: the handler answers with the key that it stood for. */
  private keyArnForGrant(): string {
    const { kmsKey } = this.props;
    return kmsKey === undefined || referenceOf(kmsKey).alias !== undefined
      ? this.attribute('KmsKeyArnOrNone')
      : kmsKey.keyArn;
  }

  private refuse(problems: readonly string[]): void {
    if (problems.length > 0) throw new Error(problems.map((problem) => `${this.node.path}: ${problem}`).join('\n'));
  }

  private refuseInDryRun(what: string): void {
    if (this.props.dryRun !== true) return;
    this.refuse([
      `${what} is not there with dryRun "true", which copies nothing: take dryRun away, or do without ${what}`,
    ]);
  }
}

/** Without what is not given: the CDK would look at it in every pass through the template. */
function given<T extends object>(properties: T): T {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)) as T;
}

function asText(value: number): string {
  return Tokenization.stringifyNumber(value);
}

function retaining({ cfnOptions }: CopyResource): RetainingPolicy | undefined {
  const policy: `${CfnDeletionPolicy}` | undefined = cfnOptions.deletionPolicy;
  return policy === 'Retain' || policy === 'RetainExceptOnCreate' ? policy : undefined;
}
