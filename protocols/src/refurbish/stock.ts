import { z } from 'zod';
import { fail, ok, type Result } from '../kit/index.ts';
import { reasonText } from '../fleet/reason.ts';
import { partNumber } from './order.ts';

/** The most that lies of a part. */
const countMax = 100_000;
const count = z.number().int().nonnegative().max(countMax);

/** What a person does to the stock of a bought part. That one was fitted is said by the work order. */
export const stockMove = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('received'),
      part: partNumber,
      count: count.min(1),
      receipt: z.string().min(1).max(60).describe('Number of the delivery note or the order.'),
    }),
    z.strictObject({ kind: z.literal('counted'), part: partNumber, count: count.describe('As many as lie there.') }),
    z.strictObject({
      kind: z.literal('adjusted'),
      part: partNumber,
      change: z.number().int().min(-countMax).max(countMax).describe('More, or fewer: not 0.'),
      reason: reasonText(3),
    }),
    z.strictObject({ kind: z.literal('minimum'), part: partNumber, minimum: count.describe('Fewer are too few.') }),
  ])
  .describe('Something that was done to the stock of a bought part.');
export type StockMove = z.infer<typeof stockMove>;
/** Everything that a person can do to a stock. */
export const stockKinds = stockMove.options.map(({ shape: { kind } }) => kind.value);

/** How many lie of a part, and fewer than how many are too few. */
export interface PartStock {
  readonly count: number;
  readonly minimum: number;
}
/** Of a part that nobody heard of. */
export const noStock: PartStock = { count: 0, minimum: 0 };
/** Whether it is time to buy. */
export const isLow = ({ count: lying, minimum }: PartStock): boolean => lying < minimum;

/**
 * The stock after something was done to it. STOCK_BELOW_ZERO: more would go than lie there. STOCK_UNCHANGED: an adjustment by nothing.
 * STOCK_TOO_LARGE: more than anybody has.
 */
export function moveStock(
  stock: PartStock,
  move: StockMove | { readonly kind: 'fitted' },
): Result<PartStock, 'STOCK_BELOW_ZERO' | 'STOCK_UNCHANGED' | 'STOCK_TOO_LARGE'> {
  if (move.kind === 'minimum') return ok({ ...stock, minimum: move.minimum });
  if (move.kind === 'adjusted' && move.change === 0) return fail('STOCK_UNCHANGED', { field: 'change' });
  const after = move.kind === 'counted' ? move.count : stock.count + changeOf(move);
  const facts = { lying: stock.count };
  if (after < 0) return fail('STOCK_BELOW_ZERO', { facts });
  return after > countMax
    ? fail('STOCK_TOO_LARGE', { facts: { ...facts, max: countMax } })
    : ok({ ...stock, count: after });
}

function changeOf(move: Extract<StockMove, { kind: 'received' | 'adjusted' }> | { readonly kind: 'fitted' }): number {
  if (move.kind === 'fitted') return -1;
  return move.kind === 'received' ? move.count : move.change;
}
