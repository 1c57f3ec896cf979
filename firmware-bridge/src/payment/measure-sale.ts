import type { ErrorCode } from '@tsunagu/protocols/errors';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type SaleTimings, saleRooms } from '../secure/index.ts';
import type { CardSide, SaleOrder } from './ports.ts';

/** Times of some sales, milliseconds by room. */
export interface MeasuredSales {
  readonly sales: number;
  readonly median: SaleTimings;
  readonly p99: SaleTimings;
  /** What is ours of the median: everything but the card itself and what lies behind the acquirer. */
  readonly oursMs: number;
}

/** Makes sales one after the other and tells where their time went. The first sale that is not approved ends it. */
export async function measureSales(
  side: Pick<CardSide, 'sell' | 'timings'>,
  order: SaleOrder,
  count: number,
): Promise<Result<MeasuredSales, ErrorCode>> {
  const times: SaleTimings[] = [];
  for (let sale = 0; sale < count; sale++) {
    const { outcome, reason } = await side.sell(order);
    const timings = side.timings();
    if (outcome !== 'approved' || timings === undefined)
      return fail('SALE_FAILED', { facts: { outcome, ...(reason !== undefined && { reason }) } });
    times.push(timings);
  }
  const median = quantile(times, 0.5);
  const oursMs = median.reader + median.kernel + median.payment + median.storage;
  return ok({ sales: count, median, p99: quantile(times, 0.99), oursMs });
}

/** Each room's own quantile: the rooms' figures need not come from one sale. */
function quantile(times: readonly SaleTimings[], q: number): SaleTimings {
  const of = (room: keyof SaleTimings): number => {
    const sorted = times.map((one) => one[room]).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
  };
  const spent = { reader: 0, card: 0, kernel: 0, payment: 0, storage: 0, acquirer: 0, total: of('total') };
  for (const room of saleRooms) spent[room] = of(room);
  return spent;
}
