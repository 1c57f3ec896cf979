/** What became of a card: the two digits of an answer record, and what a person reads. */
export const validityVerdicts = {
  valid: { code: '00', title: { en: 'valid', ja: '有効' } },
  newNumber: { code: '01', title: { en: 'new number', ja: '番号変更' } },
  newExpiry: { code: '02', title: { en: 'new expiry', ja: '有効期限更新' } },
  expired: { code: '03', title: { en: 'expired, and nothing took its place', ja: '有効期限切れ(更新なし)' } },
  closed: { code: '04', title: { en: 'may not be billed', ja: '請求不可(解約・利用停止)' } },
  unknown: { code: '05', title: { en: 'not a card of this company', ja: '該当カードなし' } },
  notJudged: { code: '06', title: { en: 'not judged', ja: '判定なし' } },
} as const satisfies Record<string, { code: string; title: { en: string; ja: string } }>;

/** The name of a verdict. */
export type ValidityVerdict = keyof typeof validityVerdicts;

/** All verdicts, in the order of their codes, which is that of the totals in an answer's trailer. */
export const validityVerdictNames = [
  'valid',
  'newNumber',
  'newExpiry',
  'expired',
  'closed',
  'unknown',
  'notJudged',
] as const satisfies readonly ValidityVerdict[];

/** Whether a verdict brings a card along: the number and the expiry that count now. */
export const bringsCard = (verdict: ValidityVerdict): boolean => verdict === 'newNumber' || verdict === 'newExpiry';

/** Why a line of a file was not taken. */
export const validityLineFaults = [
  'VALIDITY_LINE_FORM',
  'VALIDITY_LINE_NOT_AUTHENTIC',
  'VALIDITY_LINE_REPEATED',
  'VALIDITY_LINE_MISSING',
  'VALIDITY_REFERENCE_REFUSED',
  'VALIDITY_CARD_INVALID',
] as const;

/** A code of `validityLineFaults`. */
export type ValidityLineCode = (typeof validityLineFaults)[number];

/** A line that was not taken, or a record that no line has. */
export interface ValidityLineFault {
  readonly code: ValidityLineCode;
  /** Counted from 1, the header included; undefined for a record that is missing. */
  readonly line: number | undefined;
  /** The number of the record, where it is known. */
  readonly sequence: number | undefined;
}
