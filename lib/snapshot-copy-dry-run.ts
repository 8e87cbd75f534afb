import { CustomResource, Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { DRY_RUN_RESOURCE_TYPE, DRY_RUN_TIMEOUT_SECONDS } from './contract';
import { aliasesOf, needsOf } from './copy-needs';
import { HandlerProvider } from './handler-provider';
import { injectedProps } from './property-injection';
import type { SnapshotCopyDryRunProps } from './snapshot-copy-props';
import { serviceTimeout } from './stages';
import { problemsOfDryRun, refuse } from './validate';
import { warnOfUnknownRegions } from './validate-regions';
import { requestProperties } from './wire-properties';

/**
 * Checks whether EC2 would make a copy, without making one. It runs when it is created and when its props change. It
 * checks the source and the keys in the same way as `SnapshotCopy` does before it copies, and calls CopySnapshot with
 * the EC2 parameter `DryRun`. If a check fails, the deployment fails with the reason. As long as its props stay the
 * same, CloudFormation does not run it again.
 *
 * It has no attributes. Deleting it has no effect.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html
 * @example
 * new SnapshotCopyDryRun(this, 'DryRun', {
 *   sourceSnapshotId: 'snap-0123456789abcdef0',
 *   sourceRegion: 'us-east-1',
 * });
 */
export class SnapshotCopyDryRun extends Construct {
  /** Identifies this class to property injectors. */
  public static readonly PROPERTY_INJECTION_ID: string = 'cdk-ebs-snapshot-copy.SnapshotCopyDryRun';

  /** Type of the custom resource, for assertions about templates. */
  public static readonly RESOURCE_TYPE: string = DRY_RUN_RESOURCE_TYPE;

  /**
   * Declares a dry run.
   *
   * Throws an error that lists every invalid prop with its value, the allowed values, and what to change.
   *
   * @param scope the scope in which to define the dry run
   * @param id the construct ID of the dry run
   * @param props properties of the dry run
   */
  public constructor(scope: Construct, id: string, props: SnapshotCopyDryRunProps) {
    super(scope, id);
    props = injectedProps(scope, id, props, SnapshotCopyDryRun.PROPERTY_INJECTION_ID);
    refuse(this, problemsOfDryRun(props, this));
    warnOfUnknownRegions(this, props);

    const provider = HandlerProvider.getOrCreate(this);
    const resource = new CustomResource(this, 'Resource', {
      resourceType: DRY_RUN_RESOURCE_TYPE,
      serviceToken: provider.serviceToken,
      serviceTimeout: Duration.seconds(serviceTimeout(DRY_RUN_TIMEOUT_SECONDS)),
      properties: requestProperties(props, this),
    });
    resource.node.addDependency(...provider.permit(needsOf(this, props)), ...aliasesOf(props));
  }
}
