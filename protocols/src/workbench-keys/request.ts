import type { ErrorCode } from '../errors/index.ts';
import { type Fault, FaultError, fromHex, ok, type Result, Secret, toHex, unwrap } from '../kit/index.ts';

/** A request of the workbench: named inputs, nothing known about them yet. */
export type Request = Readonly<Record<string, unknown>>;

/** What the workbench answers: named outputs. */
export type Answer = Record<string, unknown>;

/** One operation of the workbench. Every request stands alone. */
export type Operation = (request: Request) => Result<Answer, ErrorCode>;

/**
 * Makes an operation of a function that ends early by `unwrap`. A workbench line is read, computed and answered in one
 * go, and a dozen early returns would hide what it computes.
 */
export const operation =
  (compute: (request: Request) => Answer): Operation =>
  (request) => {
    try {
      return ok(compute(request));
    } catch (error) {
      if (error instanceof FaultError) return { ok: false, fault: error.fault };
      throw error;
    }
  };

/** Ends the operation with a refusal. */
export function refuse(fault: Fault): never {
  throw new FaultError(fault);
}

const invalid = (field: string): never => refuse({ code: 'INPUT_INVALID', field });

/** Whether an input is there. */
export const has = (request: Request, field: string): boolean =>
  request[field] !== undefined && request[field] !== null;

/** An input that must be text. */
export function text(request: Request, field: string): string {
  const value = request[field];
  return typeof value === 'string' ? value : invalid(field);
}

/** An input that must be one of some texts. */
export function choice<const T extends string>(request: Request, field: string, choices: readonly T[]): T {
  const value = text(request, field);
  return choices.find((each) => each === value) ?? invalid(field);
}

/** An input that must be one of some numbers. */
export function numberOf<const T extends number>(request: Request, field: string, choices: readonly T[]): T {
  const value = request[field];
  return choices.find((each) => each === value) ?? invalid(field);
}

/** An input that must be a whole number. */
export function integer(request: Request, field: string): number {
  const value = request[field];
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : invalid(field);
}

/** An input in hexadecimal. */
export function bytes(request: Request, field: string): Uint8Array {
  const read = fromHex(text(request, field));
  return read.ok ? read.value : refuse({ ...read.fault, field });
}

/** An input in hexadecimal that has a length of its own. */
export function bytesOf(request: Request, field: string, ...lengthsBytes: readonly number[]): Uint8Array {
  const read = bytes(request, field);
  return lengthsBytes.includes(read.length)
    ? read
    : refuse({ code: 'INPUT_INVALID', field, facts: { lengthBytes: read.length } });
}

/** An input in hexadecimal that is a key. */
export const key = (request: Request, field: string): Secret<'key'> => Secret.take('key', bytes(request, field));

/** An input in base64 that is DER. */
export function der(request: Request, field: string): Uint8Array {
  const value = text(request, field);
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)) return invalid(field);
  return Uint8Array.from(Buffer.from(value, 'base64'));
}

/** An input that is an object. */
export function object(request: Request, field: string): Request {
  const value = request[field];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return invalid(field);
  return Object.fromEntries(Object.entries(value));
}

/** An input that is a list. */
export function list(request: Request, field: string): readonly unknown[] {
  const value = request[field];
  return Array.isArray(value) ? value : invalid(field);
}

/** A secret as hexadecimal, which only the workbench shows. */
export const shown = (secret: Secret): string => secret.use(toHex);

export { unwrap };
