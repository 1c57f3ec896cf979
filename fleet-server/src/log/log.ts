import { type Fault, FaultError } from '@tsunagu/protocols/kit';
import type { LogFacts, LogSink } from '@tsunagu/protocols/world';
import type { Logger } from 'pino';

/** How many causes of a fault are written down. */
const causesMax = 5;

/** Writes log lines to pino. */
export const pinoSink =
  (logger: Logger): LogSink =>
  (level, event, facts) => {
    if (logger.isLevelEnabled(level)) logger[level](readable(facts), event);
  };

/** Facts with their faults as plain objects: code, position, facts, and the chain of causes. */
export const readable = (facts: LogFacts): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [name, isFault(value) ? plainFault(value, 0) : value]),
  );

const isFault = (value: unknown): value is Fault =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && 'code' in value;

function plainFault(fault: Fault, depth: number): object {
  const { code, field, offset, facts, cause } = fault;
  return {
    code,
    ...(field !== undefined && { field }),
    ...(offset !== undefined && { offset }),
    ...(facts !== undefined && { facts }),
    ...(cause !== undefined && depth < causesMax && { cause: plainCause(cause, depth + 1) }),
  };
}

function plainCause(cause: unknown, depth: number): unknown {
  if (cause instanceof FaultError) return plainFault(cause.fault, depth);
  if (cause instanceof Error) return { name: cause.name, message: cause.message, stack: cause.stack };
  return isFault(cause) ? plainFault(cause, depth) : typeof cause;
}
