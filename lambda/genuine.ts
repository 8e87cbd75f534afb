// Whoever may tag snapshots can put our tags on any of them. So a finished copy is adopted and reported only if it is what
// was asked for.
import type { ReconcileContext } from './context';
import type { Copy } from './copies';
import { isNamed } from './ownership';

/** The clocks of EC2 and of the handler differ by less than this. */
const SKEW_MS = 60_000;

/** Answers what is wrong with a finished copy, or nothing. What cannot be read is not judged. */
export async function flawOf(context: ReconcileContext, copy: Copy): Promise<string | undefined> {
  const { observed, request } = context;
  const { keepsCopy, stage, startedAt, type, wanted } = request;
  const { Encrypted: isEncrypted = false, KmsKeyId: keyArn, VolumeSize: size } = copy.snapshot;
  const hasNewHandle = type !== 'Delete' && !keepsCopy && stage === 1;
  if (hasNewHandle && isNamed(copy, request) && copy.startedAt < startedAt - SKEW_MS)
    return 'it began before the request';
  const source = await observed.source();
  if (source?.VolumeSize !== undefined && source.VolumeSize !== size) {
    return `its size is ${size ?? 0} GiB, the source’s ${source.VolumeSize} GiB`;
  }
  if (!isEncrypted && (wanted.encrypted || source?.Encrypted)) return 'it is not encrypted';
  const key = await observed.key();
  if (key?.Arn !== undefined && key.Arn !== keyArn) return `its key is ${keyArn ?? 'none'}, not ${key.Arn}`;
  return undefined;
}
