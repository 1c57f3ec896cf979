import { z } from 'zod';
import { parseJson } from '../fleet/parse.ts';
import {
  type CustodyFault,
  type CustodyHead,
  handover,
  handoverHash,
  holder,
  type Holder,
  noCustody,
  openHandover,
  signedHandover,
} from './handover.ts';

/** A line of an exported file of custody: its first names the hands, then hand-overs, those of a terminal in their order. */
export const custodyLine = z.union([
  z.strictObject({ custody: z.literal('tsunagu-custody-v1'), tenant: z.string().max(32), holders: z.array(holder) }),
  z.strictObject({ handover: signedHandover }),
]);
export type CustodyLine = z.infer<typeof custodyLine>;

/** Something that is wrong with a file of custody, and where. */
export interface CustodyFinding {
  readonly code: CustodyFault;
  readonly line: number;
  readonly serial: string;
}

/** What a file of custody turned out to be. */
export interface CustodyReport {
  readonly findings: readonly CustodyFinding[];
  readonly terminals: number;
  readonly handovers: number;
  readonly holders: readonly Holder[];
  /** Where each chain ends. */
  readonly heads: ReadonlyMap<string, CustodyHead>;
}

const lineLengthMax = 1_048_576;
const findingsMax = 200;

/**
 * Reads a file of custody line by line. Needs nothing but the file; whoever does not trust its list of hands compares their key ids with a
 * list of their own.
 */
export function verifyCustody(lines: Iterable<string>): CustodyReport {
  const findings: CustodyFinding[] = [];
  const holders = new Map<string, Holder>();
  const heads = new Map<string, CustodyHead>();
  let handovers = 0;
  let line = 0;
  const find = (code: CustodyFault, serial: string): void => {
    if (findings.length < findingsMax) findings.push({ code, line, serial });
  };
  for (const text of lines) {
    line += 1;
    if (text.trim() === '') continue;
    const read = parseJson(custodyLine, text, lineLengthMax);
    if (!read.ok) {
      find('CUSTODY_INVALID', '');
      continue;
    }
    if ('custody' in read.value) {
      for (const each of read.value.holders) holders.set(each.kid, each);
      continue;
    }
    handovers += 1;
    const { handover: signed } = read.value;
    const body = parseJson(handover, signed.payload, lineLengthMax);
    const serial = body.ok ? body.value.serial : '';
    const opened = openHandover(signed, holders, heads.get(serial) ?? noCustody);
    if (opened.ok) heads.set(serial, opened.value.head);
    else find(opened.fault.code, serial);
    // A hand that was revoked for a time before it signed is one finding; what stands on it is not broken.
    if (!opened.ok && opened.fault.code === 'CUSTODY_HOLDER_REVOKED' && body.ok)
      heads.set(serial, { seq: body.value.seq, hash: handoverHash(signed), holder: body.value.to });
  }
  return { findings, terminals: heads.size, handovers, holders: [...holders.values()], heads };
}
