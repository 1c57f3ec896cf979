import type { Result } from '@tsunagu/protocols/kit';
import type { ReaderCode } from './codes.ts';

/** Drives a pure protocol dialogue over a wire: a fault of the wire ends it. */
export async function converse<Send, Reception, Outcome, Code extends ReaderCode>(
  dialogue: Generator<Send, Result<Outcome, Code>, Reception>,
  send: (sent: Send) => Promise<Result<Reception, ReaderCode>>,
): Promise<Result<Outcome, ReaderCode>> {
  let step = dialogue.next();
  while (!step.done) {
    const reception = await send(step.value);
    if (!reception.ok) return reception;
    step = dialogue.next(reception.value);
  }
  return step.value;
}
