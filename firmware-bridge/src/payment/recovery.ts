import { type Operation, operations, reversalReasons, transmissionTime } from '@tsunagu/protocols/acquiring';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import type { PaymentKind } from '@tsunagu/protocols/fleet';
import { ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { isDamaged, type SaleStore, type Transaction } from '../sales/index.ts';
import { type PaymentPorts, reversalsMax } from './ports.ts';
import { resultOf } from './result.ts';
import type { ReversalImage } from './reversal-image.ts';
import { sixDigits } from './reversal-message.ts';

/**
 * What a power loss left: a payment whose advice is kept stands, record or no record, and one whose reversal is kept does not, whatever
 * its record says. Where there is no record yet, one is written, so that there is a slip of it.
 */
export async function recover(
  ports: PaymentPorts,
  world: Pick<World, 'clock' | 'id' | 'log'>,
): Promise<Result<void, ErrorCode>> {
  // Advices know their slip numbers already.
  const posted = await recoverAdvices(ports);
  const restored = ports.reversals.isLost ? await restoreReversals(ports, world) : ok(undefined);
  if (!restored.ok) return restored;
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

/** Kinds whose requests have a reversal, and what they ask for. */
export const reversible: Readonly<Partial<Record<PaymentKind, Operation>>> = {
  sale: 'sale',
  preauth: 'authorisation',
  refund: 'refund',
  charge: 'charge',
  issue: 'issue',
};

/**
 * Reversals that were lost with their record are made anew out of the books: of every payment that does not stand there. One that was taken
 * already is taken once. What the books cannot tell of is a payment that the power ended between request and answer, at this very moment.
 */
async function restoreReversals(
  { sales, reversals, stan, identity }: PaymentPorts,
  { clock, id, log }: Pick<World, 'clock' | 'id' | 'log'>,
): Promise<Result<void, ErrorCode>> {
  const undone = sales
    .all()
    .filter(({ outcome }) => outcome === 'reversed')
    .slice(-reversalsMax);
  const images: ReversalImage[] = [];
  for (const { kind, card, amountMinor, posDataCode, mti, stan: original, localTime } of undone) {
    const operation = reversible[kind];
    if (card === undefined || operation === undefined) continue;
    const own = await stan.next();
    if (!own.ok) return own;
    const { terminalId, merchantId } = identity();
    images.push({
      v: 2,
      id: id(),
      attempts: 0,
      card,
      stan: own.value,
      transmissionTime: transmissionTime(clock.now()),
      amountMinor,
      processingCode: operations[operation].processingCode,
      posDataCode,
      reason: reversalReasons.timedOut,
      terminalId,
      merchantId,
      original: { mti, stan: Number(original), localTime },
    });
  }
  log('warn', 'reversalsRestored', { count: images.length });
  return await reversals.restore(images);
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
