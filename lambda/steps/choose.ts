// Which of the copies that are there is the request about?
import type { ReconcileContext } from '../context';
import { chooseCopy } from '../ownership';

export function choose(context: ReconcileContext): undefined {
  const { observed, request } = context;
  context.copy = chooseCopy(observed.copies, request, observed.operation);
}
