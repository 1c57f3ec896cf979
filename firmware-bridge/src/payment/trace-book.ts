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

/** A trace as it leaves the terminal; a document of the fleet's wire holds 42,000 bytes. */
const mediaType = 'application/vnd.tsunagu.kernel-trace+json';
const documentBytesMax = 41_000;

/** The traces of the last payments, in memory: what somebody wants to look at is fresh, and a restart forgets it. */
export class TraceBook {
  readonly #traces: KernelTrace[] = [];
  #lines: KernelTraceLine[] = [];
  #isCut = false;

  /** A payment begins. */
  begin(): void {
    this.#lines = [];
    this.#isCut = false;
  }

  readonly add = (line: KernelTraceLine): void => {
    if (this.#lines.length < traceLinesMax) this.#lines.push(line);
    else this.#isCut = true;
  };

  /** The payment ended. One whose card was never spoken to leaves no trace. */
  end(atMs: number, { stan, card, entry, amountMinor, outcome, reason }: SaleResult): void {
    if (this.#lines.length === 0) return;
    this.#traces.push({
      v: 1,
      at: Math.round(atMs),
      stan,
      card,
      entry,
      amountMinor,
      outcome,
      ...(reason !== undefined && { reason }),
      lines: this.#lines,
      isCut: this.#isCut,
    });
    if (this.#traces.length > tracesMax) this.#traces.shift();
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
    const trace = this.#traces.findLast((one) => wanted === undefined || one.stan === wanted);
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
