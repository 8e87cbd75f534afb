import { type Duration, Duration as Durations, Fn, Resource } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import {
  FAST_RESTORE_RESOURCE_TYPE,
  FAST_RESTORE_STAGE_RESOURCE_TYPE,
  type FastRestoreProperties,
  STAGE_SECONDS,
} from './contract';
import { HandlerProvider } from './handler-provider';
import { injectedProps } from './property-injection';
import type { ISnapshotRef } from './snapshot-ref';
import { declareStages, secondsOf } from './stages';
import { refuse } from './validate';
import { isZoneId, problemsOfFastRestore } from './validate-fast-restore';
import { asText } from './wire-properties';

/** Properties of a `FastSnapshotRestore`. */
export interface FastSnapshotRestoreProps {
  /**
   * The snapshot, of this account or shared with it. `SnapshotCopy.fromSnapshotId` imports one by its id.
   *
   * Changes in place: the zones of the old snapshot are disabled before those of the new one are enabled.
   */
  readonly snapshot: ISnapshotRef;

  /**
   * Availability Zones of the snapshot's Region: names such as `us-east-1a`, or ids such as `use1-az1`, but not both. At
   * least one. Changes in place.
   */
  readonly availabilityZones: string[];

  /**
   * Whether the deployment waits until EC2 has optimized the snapshot, which takes 60 minutes per TiB. Otherwise, it goes
   * on as soon as EC2 has begun.
   *
   * @default false
   */
  readonly waitUntilEnabled?: boolean;

  /**
   * How long `waitUntilEnabled` may take: 1 minute to 48 hours, in whole seconds. For every 50 minutes beyond the first
   * 50, the stack gets one further resource.
   *
   * @default - 2 hours with `waitUntilEnabled`, 50 minutes without
   */
  readonly timeout?: Duration;
}

/**
 * Enables fast snapshot restore: volumes that are made from the snapshot in these zones have their full performance at
 * once. Deleting the stack disables it, whatever happens to the snapshot.
 *
 * EC2 charges for every snapshot, zone and hour: about $540 per month and zone. An account has five such snapshots in a
 * Region, unless its quota is raised.
 *
 * @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-fast-snapshot-restore.html
 * @example
 * declare const copy: SnapshotCopy;
 * new FastSnapshotRestore(this, 'Fast', { snapshot: copy, availabilityZones: ['eu-west-1a'] });
 */
export class FastSnapshotRestore extends Resource {
  /** Identifies this class to property injectors. */
  public static readonly PROPERTY_INJECTION_ID: string = 'cdk-ebs-snapshot-copy.FastSnapshotRestore';

  /** Throws an error that names every bad prop, with its value, what is allowed, and what to change. */
  public constructor(scope: Construct, id: string, props: FastSnapshotRestoreProps) {
    props = injectedProps(scope, id, props, FastSnapshotRestore.PROPERTY_INJECTION_ID);
    super(scope, id);
    refuse(this, problemsOfFastRestore(props, this));

    const { availabilityZones, snapshot, waitUntilEnabled = false } = props;
    const timeout = props.timeout ?? (waitUntilEnabled ? Durations.hours(2) : Durations.seconds(STAGE_SECONDS));
    const provider = HandlerProvider.getOrCreate(this);
    declareStages(this, {
      type: FAST_RESTORE_RESOURCE_TYPE,
      stageType: FAST_RESTORE_STAGE_RESOURCE_TYPE,
      timeout,
      serviceToken: provider.serviceToken,
      prerequisites: provider.permitFastRestore(this, snapshot),
      properties: (): FastRestoreProperties => ({
        SnapshotId: Fn.select(1, Fn.split('/', snapshot.snapshotRef.snapshotArn)),
        Region: snapshot.env.region,
        [isZoneId(availabilityZones) ? 'AvailabilityZoneIds' : 'AvailabilityZones']: availabilityZones,
        WaitUntilEnabled: waitUntilEnabled ? 'true' : undefined,
        TimeoutSeconds: asText(secondsOf(timeout)),
      }),
      stageProperties: (_, Stage): Partial<FastRestoreProperties> => ({ Stage }),
    });
  }
}
