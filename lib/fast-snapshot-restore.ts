import { Duration, Fn } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import {
  FAST_RESTORE_RESOURCE_TYPE,
  FAST_RESTORE_STAGE_RESOURCE_TYPE,
  type FastRestoreProperties,
  STAGE_SECONDS,
} from './contract';
import { HandlerProvider } from './handler-provider';
import type { FastSnapshotRestoreProps } from './fast-snapshot-restore-props';
import { injectedProps } from './property-injection';
import { secondsOf } from './durations';
import { declareStages } from './stages';
import { refuse } from './validate';
import { isZoneId, problemsOfFastRestore } from './validate-fast-restore';
import { asText } from './wire-properties';

/**
 * Enables fast snapshot restore: volumes that are created from the snapshot in these zones have full performance
 * immediately. Deleting the stack disables it, whatever happens to the snapshot.
 *
 * EC2 charges for each snapshot and zone by the hour: about $540 per zone and month. The default quota of an account is
 * five snapshots per Region.
 *
 * Declare each zone of a snapshot in one construct only. A new logical ID disables the zones, because CloudFormation
 * deletes the old resource after it has created the new one.
 *
 * @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-fast-snapshot-restore.html
 * @example
 * declare const copy: SnapshotCopy;
 * new FastSnapshotRestore(this, 'Fast', { snapshot: copy, availabilityZones: ['eu-west-1a'] });
 */
export class FastSnapshotRestore extends Construct {
  /** Identifies this class to property injectors. */
  public static readonly PROPERTY_INJECTION_ID: string = 'cdk-ebs-snapshot-copy.FastSnapshotRestore';

  /** Type of the custom resource, for assertions about templates. */
  public static readonly RESOURCE_TYPE: string = FAST_RESTORE_RESOURCE_TYPE;

  /**
   * Declares a fast restore.
   *
   * Throws an error that lists every invalid prop with its value, the allowed values, and what to change.
   *
   * @param scope the scope in which to define the fast restore
   * @param id the construct ID of the fast restore
   * @param props properties of the fast restore
   */
  public constructor(scope: Construct, id: string, props: FastSnapshotRestoreProps) {
    props = injectedProps(scope, id, props, FastSnapshotRestore.PROPERTY_INJECTION_ID);
    super(scope, id);
    refuse(this, problemsOfFastRestore(props, this));

    const { availabilityZones, snapshot, waitUntilEnabled = false } = props;
    const timeout = props.timeout ?? (waitUntilEnabled ? Duration.hours(2) : Duration.seconds(STAGE_SECONDS));
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
