import {
  type JobBody,
  jobBody,
  jobIdSchema,
  openDocument,
  type PinnedKey,
  parseJson,
  parseWith,
  type Serial,
  type SignedDocument,
  serialSchema,
  type TenantId,
  tenantSchema,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';

/** Whose orders a terminal obeys. */
export interface OrderTrust {
  readonly tenant: TenantId;
  readonly serial: Serial;
  readonly jobKey: PinnedKey;
}

/** What every order says, of whichever type; it is read first, so that a type from the future can still be answered. */
const orderHead = z.object({
  tenant: tenantSchema,
  serial: serialSchema,
  job: jobIdSchema,
  attempt: z.number().int().min(1).max(100),
  /** Of a cancellation there is none: it is good at any time. */
  exp: z.number().int().nonnegative().default(Number.MAX_SAFE_INTEGER),
  cancel: z.literal(true).optional(),
});

/** A genuine order for this terminal. */
export interface Order {
  readonly head: z.output<typeof orderHead>;
  /** What to do, or why nothing will be done: the server is told. `cancelled`: the server takes the attempt back. */
  readonly body: Result<JobBody | 'cancelled', 'JOB_EXPIRED' | 'JOB_ORDER_INVALID'>;
}

/**
 * Reads a signed order. Order of faults: signature, shape of the head, whose it is; then, as `body`, its time and its type.
 * @param now the terminal's time of day
 */
export function readOrder(
  document: SignedDocument,
  trust: OrderTrust,
  now: number,
): Result<Order, 'SIGNATURE_INVALID' | 'JOB_ORDER_INVALID' | 'JOB_NOT_FOR_THIS_TERMINAL'> {
  const payload = openDocument('tsunagu-job-v1', document, trust.jobKey);
  if (!payload.ok) return payload;
  const json = parseJson(z.unknown(), payload.value);
  const head = parseWith(orderHead, json.ok ? json.value : undefined);
  if (!json.ok || !head.ok)
    return fail('JOB_ORDER_INVALID', { field: head.ok ? '' : (head.fault.field ?? ''), facts: { part: 'head' } });
  if (head.value.serial !== trust.serial || head.value.tenant !== trust.tenant)
    return fail('JOB_NOT_FOR_THIS_TERMINAL', { facts: { serial: head.value.serial, tenant: head.value.tenant } });
  const { exp, cancel } = head.value;
  return ok({ head: head.value, body: cancel ? ok('cancelled') : readBody(json.value, exp, now) });
}

function readBody(payload: unknown, exp: number, now: number): Order['body'] {
  if (exp < now) return fail('JOB_EXPIRED', { facts: { lateMs: now - exp } });
  const body = parseWith(jobBody, payload);
  return body.ok
    ? body
    : fail('JOB_ORDER_INVALID', { ...(body.fault.field !== undefined && { field: body.fault.field }) });
}
