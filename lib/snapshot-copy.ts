import { type IResolvable, type ITaggableV2, type RemovalPolicy, Resource, type TagManager, Token } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { aws_kms } from 'aws-cdk-lib/interfaces';
import type { Construct } from 'constructs';
import { snapshotArn } from './arns';
import { type Attributes, COPY_RESOURCE_TYPE } from './contract';
import type { MetricName } from './copy-metrics';
import type { CopyResource } from './copy-resource';
import { declareCopy, tagManagerFor } from './declare-copy';
import { HandlerProvider } from './handler-provider';
import { isAlias } from './key-reference';
import { unlessPlaceholders } from './placeholders';
import { injectedProps } from './property-injection';
import type { ISnapshotCopy } from './snapshot-copy-interface';
import type { SnapshotCopyProps, SnapshotFromIdOptions } from './snapshot-copy-props';
import { SnapshotGrants } from './snapshot-grants';
import type { SnapshotReference } from './snapshot-ref';
import { problemsOfCopy, problemsOfImport, refuse } from './validate';
import { warnOfUnknownRegions } from './validate-regions';
import { problemsOfLockedRemoval, propAgainstFastRestore, warnOfArchive } from './validate-handover';
import { problemsOfPolicies, problemsOfRemoval } from './validate-removal';
import { problemsOfTags } from './validate-tags';

/** Common base of a copy in this app and an imported snapshot. `env` is the Region and account of the snapshot. */
abstract class SnapshotCopyBase extends Resource implements ISnapshotCopy {
  public abstract readonly snapshotId: string;
  public abstract readonly grants: SnapshotGrants;

  public get snapshotArn(): string {
    return snapshotArn(this.env.region, this.snapshotId);
  }

  /** A reference to the snapshot. */
  public get snapshotRef(): SnapshotReference {
    return { snapshotArn: this.snapshotArn };
  }
}

/**
 * A copy of an EBS snapshot that the stack owns. Deploying the stack makes the copy and waits until it is usable.
 * Deleting the stack deletes the copy. Resources that use an attribute of the copy are created after the copy is
 * complete.
 *
 * `env.region` of the copy is the destination Region. All copies of a stack share one handler.
 *
 * A stack runs at most 20 copies into one Region at the same time; see `SnapshotCopyProvider`. Further copies wait for
 * the copies that are declared before them, so declare a copy after the copies that it depends on.
 *
 * @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-copy-snapshot.html
 * @resource AWS::EC2::Snapshot
 * @example
 * const copy = new SnapshotCopy(this, 'Copy', {
 *   sourceSnapshotId: 'snap-0123456789abcdef0',
 *   sourceRegion: 'us-east-1',
 * });
 * new ec2.Volume(this, 'Volume', { availabilityZone: 'eu-west-1a', snapshotId: copy.snapshotId });
 */
export class SnapshotCopy extends SnapshotCopyBase implements ITaggableV2 {
  /** Identifies this class to property injectors. */
  public static readonly PROPERTY_INJECTION_ID: string = 'cdk-ebs-snapshot-copy.SnapshotCopy';

  /** Type of the custom resource, for assertions about templates. */
  public static readonly RESOURCE_TYPE: string = COPY_RESOURCE_TYPE;

  /**
   * Imports a snapshot that this app does not make.
   *
   * Throws an error that lists every invalid argument with its value and the allowed values.
   *
   * @param scope the scope in which to define the import
   * @param id the construct ID of the import
   * @param snapshotId the ID of the snapshot
   * @param options what cannot be derived from the ID
   */
  public static fromSnapshotId(
    scope: Construct,
    id: string,
    snapshotId: string,
    options: SnapshotFromIdOptions = {},
  ): ISnapshotCopy {
    class Import extends SnapshotCopyBase {
      public readonly snapshotId = snapshotId;
      public readonly grants: SnapshotGrants;

      public constructor() {
        super(scope, id, { region: options.region });
        refuse(this, problemsOfImport(snapshotId, options, this));
        this.grants = SnapshotGrants.fromSnapshot(this, options);
      }
    }
    return new Import();
  }

  /** Tags of the copy: the tags in the props, and the tags that `Tags.of` adds. */
  public readonly cdkTagManager: TagManager;

  /** KMS key that encrypts the copy, if given as `kmsKey`. `snapshotKmsKeyArn` returns the key of any copy. */
  public readonly encryptionKey?: aws_kms.IKeyRef;

  /**
   * The prop that rules out fast snapshot restore for this copy.
   *
   * @internal
   */
  public readonly _propAgainstFastRestore?: string;

  /** The custom resources of the copy. The first one owns the copy. */
  private readonly stages: readonly [CopyResource, ...CopyResource[]];

  /**
   * Declares a copy.
   *
   * Throws an error that lists every invalid prop with its value, the allowed values, and what to change.
   *
   * @param scope the scope in which to define the copy
   * @param id the construct ID of the copy
   * @param props properties of the copy
   */
  public constructor(scope: Construct, id: string, props: SnapshotCopyProps) {
    props = injectedProps(scope, id, props, SnapshotCopy.PROPERTY_INJECTION_ID);
    super(scope, id, { region: props.destinationRegion });
    refuse(this, problemsOfCopy(props, this));
    warnOfUnknownRegions(this, props);
    warnOfArchive(this, props);
    this.encryptionKey = props.kmsKey;
    this._propAgainstFastRestore = propAgainstFastRestore(props);
    this.cdkTagManager = tagManagerFor(props);

    const provider = HandlerProvider.getOrCreate(this);
    this.stages = declareCopy(this, props, this.cdkTagManager, provider);
    provider.enqueue(this.env.region, this.owner, this.last);

    if (props.removalPolicy !== undefined) this.owner.applyRemovalPolicy(props.removalPolicy);
    this.node.addValidation({
      validate: () => [
        ...unlessPlaceholders(this, problemsOfTags(this.cdkTagManager.tagValues())),
        ...problemsOfPolicies(this.owner.cfnOptions),
        ...problemsOfLockedRemoval(props.lock, this.owner.retainingPolicy),
      ],
    });
  }

  /**
   * ID of the copy, such as `snap-0123456789abcdef0`.
   *
   * @attribute
   */
  public get snapshotId(): string {
    return this.attribute('SnapshotId');
  }

  /**
   * ID of the snapshot that was copied. With `latestSource`, the snapshot that the handler found.
   */
  public get sourceSnapshotId(): string {
    return this.attribute('SourceSnapshotId');
  }

  /**
   * Size of the volume from which the source was taken, in GiB. A volume that is created from the copy has at least
   * this size.
   *
   * @attribute
   */
  public get snapshotVolumeSizeInGibibytes(): number {
    return Token.asNumber(this.last.getAtt('VolumeSize' satisfies keyof Attributes));
  }

  /**
   * Whether the copy is encrypted. The value is known only at deployment. It is the string `true` or `false`, which
   * CloudFormation accepts as a boolean.
   *
   * @attribute
   */
  public get snapshotEncrypted(): IResolvable {
    return this.last.getAtt('Encrypted' satisfies keyof Attributes);
  }

  /**
   * ARN of the KMS key that encrypts the copy. Empty if the copy is not encrypted.
   *
   * @attribute
   */
  public get snapshotKmsKeyArn(): string {
    return this.attribute('KmsKeyArn');
  }

  /**
   * ID of the AWS account that owns the copy: 12 digits.
   *
   * @attribute
   */
  public get snapshotOwnerId(): string {
    return this.attribute('OwnerId');
  }

  /**
   * Time when EC2 started the copy, in UTC and ISO 8601 format.
   *
   * @attribute
   */
  public get snapshotStartTime(): string {
    return this.attribute('StartTime');
  }

  /**
   * Time when EC2 completed the copy, in UTC and ISO 8601 format. Empty if EC2 does not report it.
   *
   * @attribute
   */
  public get snapshotCompletionTime(): string {
    return this.attribute('CompletionTime');
  }

  /**
   * Size of all blocks of the snapshot, in bytes. Empty if EC2 does not report it. For an incremental snapshot, it is
   * more than EC2 bills.
   *
   * @attribute
   */
  public get snapshotFullSizeInBytes(): string {
    return this.attribute('FullSnapshotSizeInBytes');
  }

  /**
   * How EC2 made the copy: `standard` or `time-based`. Empty if EC2 does not report it.
   *
   * @attribute
   */
  public get snapshotTransferType(): string {
    return this.attribute('TransferType');
  }

  /** Grants permissions on the copy and on its key. */
  public get grants(): SnapshotGrants {
    const key = this.encryptionKey;
    // IAM does not accept an alias as a resource, so the handler returns the key that the alias pointed to.
    const isNamed = key !== undefined && !isAlias(key);
    return SnapshotGrants._withKey(this, { arn: isNamed ? key.keyRef.keyArn : this.attribute('KmsKeyArnOrNone') });
  }

  /**
   * Metric for the number of failed requests for this copy: creations, updates and deletions. Sum over 5 minutes.
   *
   * @param props metric options
   */
  public metricFailures(props?: MetricOptions): Metric {
    return this.metric('Failures', props);
  }

  /**
   * Metric for the number of copies that the handler started for this resource. Sum over 5 minutes.
   *
   * @param props metric options
   */
  public metricCopies(props?: MetricOptions): Metric {
    return this.metric('Copies', props);
  }

  /**
   * Metric for the time that EC2 took for the copies of this resource, in seconds. Average over 5 minutes.
   *
   * @param props metric options
   */
  public metricDuration(props?: MetricOptions): Metric {
    return this.metric('Duration', props);
  }

  /**
   * Sets what happens to the copy when it is replaced or removed from the stack; see `removalPolicy` in the props.
   *
   * Throws an error for `RemovalPolicy.SNAPSHOT`.
   *
   * @param policy the new removal policy
   */
  public override applyRemovalPolicy(policy: RemovalPolicy): void {
    refuse(this, problemsOfRemoval(policy));
    this.owner.applyRemovalPolicy(policy);
  }

  private metric(name: MetricName, props?: MetricOptions): Metric {
    return HandlerProvider.getOrCreate(this).metric(name, this.owner.logicalId, props);
  }

  private get owner(): CopyResource {
    return this.stages[0];
  }

  /**
   * The last stage is done when the copy is. Attributes come from it, so that whatever reads them waits for the copy.
   */
  private get last(): CopyResource {
    return this.stages.at(-1) ?? this.owner;
  }

  private attribute(name: keyof Attributes): string {
    return this.last.getAtt(name).toString();
  }
}
