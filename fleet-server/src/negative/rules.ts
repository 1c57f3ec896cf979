import type { NegativeHead } from '@tsunagu/protocols/negative';

/** How long a head is good. A terminal that hears nothing for so long approves nothing offline. */
export const headLifeMs = 24 * 3_600_000;
/** A head is signed anew when less than this is left of it. */
export const headRenewBeforeMs = 12 * 3_600_000;
/** An overlay with more entries than this is folded into a new version. */
export const overlayMax = 500;

/** What a list is at a moment. */
export interface ListState {
  readonly list: string;
  readonly version: number;
  readonly digest: string;
  readonly size: number;
  readonly overlaySeq: number;
  readonly overlayTags: readonly Uint8Array[];
}

/** The head that says so. */
export const headOf = (state: ListState, now: number): NegativeHead => ({
  list: state.list,
  version: state.version,
  digest: state.digest,
  size: state.size,
  overlay: {
    seq: state.overlaySeq,
    tags: state.overlayTags.map((tag) => Buffer.from(tag).toString('base64')),
  },
  issuedAt: now,
  notAfter: now + headLifeMs,
});

/** Whether a PAN's last digit is its check digit (ISO/IEC 7812-1, annex B). `digits` are ASCII. */
export function hasCheckDigit(digits: Uint8Array): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = (digits[digits.length - 1 - index] ?? 0) - 0x30;
    const weighted = index % 2 === 0 ? digit : digit * 2;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return sum % 10 === 0;
}
