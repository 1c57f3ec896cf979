import { type NegativeReason, negativeReasons } from '@tsunagu/protocols/negative';
import { isCardNumber } from './rules.ts';

/** A card of an issuer's list, as it stands in a file. `pan` is text only until the room has made a secret of it. */
export interface ImportedCard {
  readonly pan: string;
  readonly reason: NegativeReason;
}

/** What a file says: its cards, and the lines that were no card. Lines are counted from 1; their content is never repeated. */
export interface ImportFile {
  readonly cards: readonly ImportedCard[];
  readonly refused: readonly { readonly line: number; readonly why: 'form' | 'pan' | 'reason' }[];
}

const refusedMax = 100;
/** The most cards of one file. */
export const importCardsMax = 5_000_000;

/**
 * Reads an issuer's list: CSV (`pan,reason`, a head line is skipped, the reason may be missing) or JSON lines
 * (`{"pan":"…","reason":"…"}`), told apart line by line. A card that stands twice counts once, with its first reason.
 * @param fits whether the list can hold a number
 */
export function readImportFile(text: string, fits: (pan: string) => boolean = () => true): ImportFile {
  const cards = new Map<string, NegativeReason>();
  const refused: { line: number; why: 'form' | 'pan' | 'reason' }[] = [];
  let line = 0;
  for (const raw of text.split(/\r?\n/)) {
    line += 1;
    const trimmed = raw.trim();
    const isHead = line === 1 && /^"?(pan|card)/i.test(trimmed);
    if (trimmed === '' || trimmed.startsWith('#') || isHead) continue;
    const read = trimmed.startsWith('{') ? readJson(trimmed) : readCsv(trimmed);
    const why = read ? (faultOf(read) ?? (fits(read.pan) ? undefined : 'pan')) : 'form';
    if (why !== undefined) {
      if (refused.length < refusedMax) refused.push({ line, why });
      continue;
    }
    const reason = negativeReasons.find((known) => known === read?.reason) ?? 'other';
    if (read && !cards.has(read.pan) && cards.size < importCardsMax) cards.set(read.pan, reason);
  }
  return { cards: [...cards].map(([pan, reason]) => ({ pan, reason })), refused };
}

interface Line {
  readonly pan: string;
  readonly reason: string;
}

function readCsv(text: string): Line {
  const [pan = '', reason = ''] = text.split(/[,;\t]/).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
  return { pan: pan.replaceAll(/[ -]/g, ''), reason: reason.toLowerCase() };
}

function readJson(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('pan' in value) || typeof value.pan !== 'string')
      return undefined;
    const reason = 'reason' in value && typeof value.reason === 'string' ? value.reason : '';
    return { pan: value.pan, reason: reason.toLowerCase() };
  } catch {
    return undefined;
  }
}

function faultOf({ pan, reason }: Line): 'pan' | 'reason' | undefined {
  if (!/^\d{12,19}$/.test(pan) || !isCardNumber(Buffer.from(pan, 'latin1'))) return 'pan';
  return reason === '' || negativeReasons.some((known) => known === reason) ? undefined : 'reason';
}
