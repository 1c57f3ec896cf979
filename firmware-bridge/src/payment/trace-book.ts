import { instructionName } from '@tsunagu/protocols/apdu';
import type { SaleResult, SlipDocument } from '@tsunagu/protocols/fleet';
import {
  type KernelTrace,
  type KernelTraceLine,
  type TraceOrder,
  traceLinesMax,
  tracesMax,
} from '@tsunagu/protocols/kernel-trace';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { KeptTrace, SaleStore, TraceStore } from '../sales/index.ts';

/** A trace as it leaves the terminal; a document of the fleet's wire holds 42,000 bytes. */
const mediaType = 'application/vnd.tsunagu.kernel-trace+json';
const documentBytesMax = 41_000;

/** What a trace says of its payment. */
type Told = Pick<SaleResult, 'stan' | 'card' | 'entry' | 'amountMinor' | 'outcome' | 'reason'>;

/**
 * The traces of the last payments. That of a payment under way is kept when its request leaves, as what it is should the power fail:
 * interrupted. Nobody waits for the writing.
 */
export class TraceBook {
  readonly #store: TraceStore;
  #kept: readonly KeptTrace[];
  #seq: number;
  #lines: KernelTraceLine[] = [];
  #isCut = false;
  #writing: Promise<void> = Promise.resolve();

  /** @param sales what became of payments whose last word was not written down any more */
  constructor(store: TraceStore, sales: Pick<SaleStore, 'all'>) {
    this.#store = store;
    this.#kept = store.before.map(({ seq, trace }) => ({ seq, trace: settled(trace, sales) }));
    this.#seq = (store.before.at(-1)?.seq ?? -1) + 1;
  }

  /** A payment begins. */
  begin(): void {
    this.#lines = [];
    this.#isCut = false;
  }

  readonly add = (line: KernelTraceLine): void => {
    if (this.#lines.length < traceLinesMax) this.#lines.push(line);
    else this.#isCut = true;
  };

  /** The request of the payment leaves. */
  sent(atMs: number, of: Pick<Told, 'stan' | 'card' | 'entry' | 'amountMinor'>): void {
    this.#write(atMs, { ...of, outcome: 'reversed', reason: 'PAYMENT_INTERRUPTED' });
  }

  /** The payment ended. One whose card was never spoken to leaves no trace. */
  end(atMs: number, result: SaleResult): void {
    const ended = this.#write(atMs, result);
    if (ended === undefined) return;
    this.#kept = [...this.#kept, ended].slice(-tracesMax);
    this.#seq += 1;
  }

  #write(atMs: number, { stan, card, entry, amountMinor, outcome, reason }: Told): KeptTrace | undefined {
    if (this.#lines.length === 0) return undefined;
    const seq = this.#seq;
    const trace: KernelTrace = {
      v: 1,
      at: Math.round(atMs),
      stan,
      card,
      entry,
      amountMinor,
      outcome,
      ...(reason !== undefined && { reason }),
      lines: [...this.#lines],
      isCut: this.#isCut,
    };
    this.#writing = this.#store.keep(seq, trace);
    return { seq, trace };
  }

  /** Resolves when what was kept is on the medium. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  /** Commands of the last payment by name, and their status words. */
  commands(): readonly { readonly command: string; readonly sw: string }[] {
    return this.#lines.flatMap((line) =>
      'cla' in line
        ? [{ command: instructionName(line.cla, line.ins)?.name ?? `INS ${line.ins.toString(16)}`, sw: line.sw }]
        : [],
    );
  }

  /** The last trace, or that of a STAN, as a document; TRACE_UNKNOWN when it is not kept. */
  document({ stan }: TraceOrder): Result<SlipDocument, 'TRACE_UNKNOWN'> {
    const wanted = stan?.padStart(6, '0');
    const trace = this.#kept.findLast((one) => wanted === undefined || one.trace.stan === wanted)?.trace;
    if (trace === undefined) return fail('TRACE_UNKNOWN');
    let { lines, isCut } = trace;
    let bytes = Buffer.from(JSON.stringify(trace));
    while (bytes.length > documentBytesMax && lines.length > 1) {
      lines = lines.slice(0, Math.floor(lines.length * 0.9));
      isCut = true;
      bytes = Buffer.from(JSON.stringify({ ...trace, lines, isCut }));
    }
    return ok({ mediaType, base64: bytes.toString('base64') });
  }
}

/** The power failed after the payment had ended and before its trace said so: its record knows. */
function settled(trace: KernelTrace, sales: Pick<SaleStore, 'all'>): KernelTrace {
  if (trace.reason !== 'PAYMENT_INTERRUPTED' || trace.stan === '') return trace;
  const record = sales.all().findLast((one) => one.stan === trace.stan && one.amountMinor === trace.amountMinor);
  if (record === undefined) return trace;
  const { reason: _, ...rest } = trace;
  return { ...rest, outcome: record.outcome, ...(record.reason !== undefined && { reason: record.reason }) };
}
