import type { ErrorCode } from '@tsunagu/protocols/errors';
import { ok, type Result } from '@tsunagu/protocols/kit';
import { isDamaged, type SaleStore, type Transaction } from '../sales/index.ts';
import type { PaymentPorts } from './ports.ts';
import { resultOf } from './result.ts';
import type { ReversalImage } from './reversal-image.ts';
import { sixDigits } from './reversal-message.ts';

/**
 * What a power loss left: a payment whose advice is kept stands, record or no record, and one whose reversal is kept does not, whatever
 * its record says. Where there is no record yet, one is written, so that there is a slip of it.
 */
export async function recover(ports: PaymentPorts): Promise<Result<void, ErrorCode>> {
  // Advices know their slip numbers already.
  const posted = await recoverAdvices(ports);
  const reversed = await recoverReversals(ports);
  return posted.ok ? reversed : posted;
}

/** The record of the payment that a reversal takes back, if it came to one. */
export const recordOf = (sales: Pick<SaleStore, 'all'>, { original }: ReversalImage): Transaction | undefined =>
  sales.all().find((one) => one.stan === sixDigits(original.stan) && one.localTime === original.localTime);

async function recoverAdvices({ sales, advices }: PaymentPorts): Promise<Result<void, ErrorCode>> {
  for (const { seq, slip, stan } of advices.entries()) {
    if (sales.all().some((one) => one.slip === slip && one.stan === stan)) continue;
    const next = sales.nextSlip();
    // The record is not written yet, or was damaged since: an advice tells all of it.
    if (!sales.lost().includes(slip) && (!next.ok || next.value !== slip)) continue;
    const advice = await advices.read(seq);
    // Of one that is damaged itself its sender tells.
    if (!advice.ok && isDamaged(advice.fault)) continue;
    if (!advice.ok) return advice;
    const put = await sales.put(advice.value.transaction);
    if (!put.ok) return put;
  }
  return ok(undefined);
}

async function recoverReversals({ sales, reversals, report }: PaymentPorts): Promise<Result<void, ErrorCode>> {
  for (const image of await reversals.list()) {
    const known = recordOf(sales, image);
    if (known?.outcome === 'reversed') continue;
    const whole = known ? await sales.read(known.slip) : sales.nextSlip();
    if (!whole.ok) return whole;
    const record: Transaction | undefined =
      typeof whole.value === 'number'
        ? interrupted(image, whole.value, sales.day)
        : { ...whole.value, outcome: 'reversed', reason: 'PAYMENT_INTERRUPTED' };
    if (record === undefined) continue;
    const put = await sales.put(record);
    if (!put.ok) return put;
    await report(resultOf(record, 0));
  }
  return ok(undefined);
}

/** The record of a payment that the power ended between request and answer, as far as its reversal tells of it. */
function interrupted(image: ReversalImage, slip: number, day: number): Transaction | undefined {
  const { payment, original, card, amountMinor, posDataCode } = image;
  // One that was sent already had its time after the payment: what became of that was written down, or is told by an advice.
  if (payment === undefined || image.attempts > 0) return undefined;
  return {
    v: 1,
    ...payment,
    slip,
    day,
    outcome: 'reversed',
    reason: 'PAYMENT_INTERRUPTED',
    amountMinor,
    verification: 'none',
    card,
    stan: sixDigits(original.stan),
    localTime: original.localTime,
    posDataCode,
    mti: original.mti,
    isOffline: false,
  };
}
