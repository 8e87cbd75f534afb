// Decoded requests and their copies, for tests of functions that call no service.
import { COPY_RESOURCE_TYPE, TAG, type CopyProperties } from '../../lib/contract';
import { toCopy, type Copy } from '../../lambda/copies';
import { decodeRequest, type PollEvent, type Request } from '../../lambda/request';
import { LOGICAL_ID, STACK_ID } from './in-process';

export const HANDLE = `copy-${'1'.repeat(32)}`;

/** The Create of a copy from us-east-1 to eu-west-1, unless told otherwise. */
export function requestFor(wanted: Partial<CopyProperties> = {}, event: Partial<PollEvent> = {}): Request {
  const complete: PollEvent = {
    RequestType: 'Create',
    RequestId: 'request-1',
    StackId: STACK_ID,
    ResourceType: COPY_RESOURCE_TYPE,
    LogicalResourceId: LOGICAL_ID,
    PhysicalResourceId: HANDLE,
    ResourceProperties: { SourceSnapshotId: 'snap-0123456789abcdef0', DestinationRegion: 'eu-west-1', ...wanted },
    Begun: { At: Date.UTC(2030, 0, 1) },
    ...event,
  };
  return decodeRequest(complete, 'us-east-1');
}

/** A copy that the request started when it began, as DescribeSnapshots shows it. */
export function copyFor(request: Request, more: Partial<Copy> = {}): Copy {
  const owner = {
    [TAG.stack]: request.stackId,
    [TAG.resource]: request.logicalId,
    [TAG.inputs]: request.wanted.inputs,
    [TAG.handle]: request.physicalId.text,
  };
  const { tags: others = {}, ...rest } = more;
  const copy = toCopy({ SnapshotId: 'snap-0fedcba9876543210', State: 'completed' }, request.wanted.destinationRegion);
  return { ...copy, startedAt: request.startedAt, tags: { ...owner, ...others }, ...rest };
}
