import type { ErrorCode } from '../errors/index.ts';

/** What went wrong, as data. It carries positions, lengths and names, never the input itself. */
export interface Fault<C extends ErrorCode = ErrorCode> {
  readonly code: C;
  /** The data element, tag or property concerned, when there is one. */
  readonly field?: number | string;
  /** Offset in bytes from the start of what was read. */
  readonly offset?: number;
  /** Figures and names that may be shown to anybody. Never a PAN, PIN or key. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
  /** The fault or exception below this one. */
  readonly cause?: unknown;
}

/** An expected outcome: a value, or a fault with a stable code. A broken invariant of ours throws instead. */
export type Result<T, C extends ErrorCode = ErrorCode> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault<C> };

/** Wraps a value as a success. */
export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });

/** Makes a failure out of a code and, where they help, its position and facts. */
export const fail = <C extends ErrorCode>(
  code: C,
  more: Omit<Fault<C>, 'code'> = {},
): { readonly ok: false; readonly fault: Fault<C> } => ({ ok: false, fault: { code, ...more } });

/** A fault as an exception, for the few places (framework hooks, constructors) that cannot return a result. */
export class FaultError extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.code, { cause: fault.cause });
    this.name = 'FaultError';
    this.fault = fault;
  }
}

/** The value of a success; throws `FaultError` otherwise. For tests and for start-up code, where a fault ends the run. */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new FaultError(result.fault);
}
