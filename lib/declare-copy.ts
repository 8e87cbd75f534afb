import { TagManager, TagType } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { COPY_RESOURCE_TYPE, type CopyProperties, STAGE_RESOURCE_TYPE, type StageProperties } from './contract';
import { aliasesOf, handoverNeedsOf, needsOf } from './copy-needs';
import type { CopyResource } from './copy-resource';
import type { HandlerProvider } from './handler-provider';
import type { SnapshotCopyProps } from './snapshot-copy-props';
import { secondsOf } from './durations';
import { declareStages, timeoutOf } from './stages';
import { asText, handoverProperties, requestProperties, tagProperties } from './wire-properties';

export function tagManagerFor({ tags = {} }: SnapshotCopyProps): TagManager {
  const initial = Object.entries(tags).map(([key, value]) => ({ key, value }));
  return new TagManager(TagType.STANDARD, COPY_RESOURCE_TYPE, initial);
}

/** Declares the custom resources of a copy, and grants the handler the permissions for them. */
export function declareCopy(
  scope: Construct,
  props: SnapshotCopyProps,
  tags: TagManager,
  provider: HandlerProvider,
): [CopyResource, ...CopyResource[]] {
  provider.permitHandover(handoverNeedsOf(scope, props));
  const timeout = timeoutOf(props);
  const properties = {
    ...requestProperties(props, scope),
    ...handoverProperties(props),
    TimeoutSeconds: asText(secondsOf(timeout)),
  };
  return declareStages(scope, {
    type: COPY_RESOURCE_TYPE,
    stageType: STAGE_RESOURCE_TYPE,
    timeout,
    serviceToken: provider.serviceToken,
    prerequisites: [...provider.permit(needsOf(scope, props)), ...aliasesOf(props)],
    properties: (owner): CopyProperties => ({
      ...properties,
      Tags: tagProperties(tags),
      DeletionPolicy: owner.retainingPolicy,
    }),
    stageProperties: (owner, Stage): Omit<StageProperties, keyof CopyProperties> => ({
      CopyLogicalId: owner.logicalId,
      CopyId: owner.ref,
      Stage,
    }),
  });
}
