import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import type { Configuration, SlipDocument, SlipOrder, TerminalTotals } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { SaleStore } from '../sales/index.ts';
import { slipEscPos } from './escpos.ts';
import { slipPdf } from './pdf.ts';
import { type SlipBlock, type SlipHead, slipOf, totalsSlip } from './slip.ts';
import { slipText } from './text.ts';

/** What slips are made from. */
export interface SlipSources {
  readonly sales: SaleStore;
  /** Those of the open business day, or of the one that was closed last. */
  readonly totals: (last: boolean) => Result<TerminalTotals, ErrorCode>;
  readonly configuration: Configuration;
  readonly identity: { readonly terminalId: string; readonly merchantId: string };
  readonly model: TerminalModel;
}

/** Finds a transaction (the newest with this STAN, or the last one) and prints its slip. */
export async function printSlip(order: SlipOrder, sources: SlipSources): Promise<Result<SlipDocument, ErrorCode>> {
  const { sales, configuration, identity } = sources;
  const language = order.language ?? configuration.language;
  const head: SlipHead = { ...configuration, ...identity };
  if (order.what !== 'payment') {
    const totals = sources.totals(order.what === 'last-totals');
    if (!totals.ok) return totals;
    return ok(await rendered(totalsSlip(totals.value, head, language), order, totals.value.until ?? 0));
  }
  const stan = order.stan?.padStart(6, '0');
  const found = [...sales.all()].reverse().find((one) => stan === undefined || one.stan === stan);
  if (found === undefined) return fail('PAYMENT_UNKNOWN', { field: 'stan' });
  const whole = await sales.read(found.slip);
  if (!whole.ok) return whole;
  return ok(await rendered(slipOf(whole.value, head, order.copy, language), order, whole.value.at));
}

async function rendered(
  blocks: readonly SlipBlock[],
  { format, columns }: SlipOrder,
  at: number,
): Promise<SlipDocument> {
  const document = (mediaType: string, bytes: Uint8Array): SlipDocument => ({
    mediaType,
    base64: Buffer.from(bytes).toString('base64'),
  });
  switch (format) {
    case 'text':
      return document('text/plain; charset=utf-8', Buffer.from(slipText(blocks, columns), 'utf8'));
    case 'escpos':
      return document('application/vnd.escpos', slipEscPos(blocks, columns));
    case 'pdf':
      return document('application/pdf', await slipPdf(blocks, columns, at));
  }
}
