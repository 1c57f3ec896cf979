import { toHex } from '../kit/index.ts';
import { decodeTlv } from '../tlv/index.ts';
import { type DateFormat, dataElements } from './data-elements.ts';
import { type Message, revealText, textOf } from './message.ts';
import { parseOriginalData } from './original-data.ts';

/** What the semantic rules can find. */
export type FindingCode =
  | 'EMV_TLV'
  | 'EMV_DUPLICATE_TAG'
  | 'AMOUNT_MISMATCH'
  | 'PAN_MISMATCH'
  | 'BAD_DATE'
  | 'PAN_LUHN'
  | 'MISSING_FIELD'
  | 'UNEXPECTED_FIELD'
  | 'BAD_ORIGINAL_DATA'
  | 'AMOUNT_EXCEEDS_ORIGINAL'
  | 'RECON_NET_MISMATCH';

/** One thing that a rule found in a well-formed message. */
export interface Finding {
  readonly code: FindingCode;
  readonly field: number;
  readonly severity: 'error' | 'warn';
}

/**
 * How reversals count in the net amount. `own-side`: a reversed credit makes the credits less,
 * (86 + 89) - (87 + 88). `cancelled`: 87 and 89 are cancelled sales and refunds, (86 + 87) - (88 + 89).
 */
export type NetRule = 'own-side' | 'cancelled';

/** What differs from link to link. */
export interface ValidateOptions {
  readonly netRule?: NetRule;
  /** Rules of this link that are off, or only warn. */
  readonly severities?: Readonly<Partial<Record<FindingCode, 'error' | 'warn' | 'off'>>>;
}

type Rule = (message: Message, options: ValidateOptions) => readonly (readonly [FindingCode, number])[];

/**
 * Applies the semantic rules to a well-formed message. They stand apart from the codec: a finding never makes a message
 * unreadable, and what to do about it is the caller's decision. Findings are ordered by rule.
 */
export function validate(message: Message, options: ValidateOptions = {}): readonly Finding[] {
  return rules.flatMap((rule) =>
    rule(message, options).flatMap(([code, field]) => {
      const severity = options.severities?.[code] ?? (code === 'PAN_LUHN' ? 'warn' : 'error');
      return severity === 'off' ? [] : [{ code, field, severity }];
    }),
  );
}

/** Classes 1 and 2 carry an amount and a trace number, a reversal advice the original it reverses. */
const missingFields: Rule = ({ mti, fields }) => {
  const wanted = mti[1] === '1' || mti[1] === '2' ? [4, 11] : mti === '1420' || mti === '1421' ? [56] : [];
  return wanted.filter((number) => fields[number] === undefined).map((number) => ['MISSING_FIELD', number] as const);
};

/** A request has no action code yet. */
const unexpectedFields: Rule = ({ mti, fields }) =>
  mti[2] === '0' && fields[39] !== undefined ? [['UNEXPECTED_FIELD', 39]] : [];

const checkDigit: Rule = ({ fields }) => {
  const pan = revealText(fields[2]);
  return pan === undefined || pan === '' || passesLuhn(pan) ? [] : [['PAN_LUHN', 2]];
};

/** ISO/IEC 7812-1, annex B. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 0x30;
    const doubled = digit * 2;
    sum += index % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

const trackTwoPan: Rule = ({ fields }) => {
  const pan = revealText(fields[2]);
  const track = revealText(fields[35]);
  if (pan === undefined || track === undefined) return [];
  return track.split(/[=D]/, 1)[0] === pan ? [] : [['PAN_MISMATCH', 35]];
};

const dated = dataElements.flatMap(({ number, date }) => (date ? [{ number, date }] : []));

const dates: Rule = (message) =>
  dated.flatMap(({ number, date }) => {
    const value = textOf(message, number);
    return value === undefined || value === '' || isPossible(value, date) ? [] : [['BAD_DATE', number] as const];
  });

const daysOf = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** A value of another length than the format's was agreed on by the link and is not judged here. */
function isPossible(value: string, format: DateFormat): boolean {
  if (value.length !== format.length) return true;
  const part = (name: string, fallback: number): number => {
    const at = format.indexOf(name);
    return at < 0 ? fallback : Number(value.slice(at, at + 2));
  };
  const month = part('MM', 1);
  const days = month === 2 && part('YY', 0) % 4 !== 0 ? 28 : (daysOf[month - 1] ?? 0);
  const day = part('DD', 1);
  return day >= 1 && day <= days && part('hh', 0) <= 23 && part('mm', 0) <= 59 && part('ss', 0) <= 59;
}

/** Issuer scripts: an answer may bring several. EMV 4.4 Book 3, 10.10. */
const repeatableTags: ReadonlySet<number> = new Set([0x71, 0x72]);
const amountAuthorised = 0x9f02;

/** DE55: well formed, no tag twice, and the amount the card signed is the amount of the message. */
const emvData: Rule = (message) => {
  const value = message.fields[55];
  if (!(value instanceof Uint8Array)) return [];
  const read = decodeTlv(value, { zeros: 'refuse' });
  if (!read.ok) return [['EMV_TLV', 55]];
  const tags = read.value.map(({ tag }) => tag).filter((tag) => !repeatableTags.has(tag));
  const findings: (readonly [FindingCode, number])[] = [];
  if (new Set(tags).size !== tags.length) findings.push(['EMV_DUPLICATE_TAG', 55]);
  const amount = textOf(message, 4);
  const amounts = read.value.filter(({ tag }) => tag === amountAuthorised).map((object) => toHex(object.value));
  if (amount !== undefined && amounts.some((signed) => signed !== amount)) findings.push(['AMOUNT_MISMATCH', 4]);
  return findings;
};

const originalData: Rule = ({ fields }) => {
  const value = fields[56];
  return value === undefined || (typeof value === 'string' && parseOriginalData(value).ok)
    ? []
    : [['BAD_ORIGINAL_DATA', 56]];
};

/** Both amounts are n 12, so that comparing the digits compares the numbers. */
const reversedAmount: Rule = (message) => {
  const amount = textOf(message, 4);
  const original = textOf(message, 30)?.slice(0, 12);
  const isMore =
    amount !== undefined && original !== undefined && amount.length === original.length && amount > original;
  return message.mti[1] === '4' && isMore ? [['AMOUNT_EXCEEDS_ORIGINAL', 4]] : [];
};

const netAmount: Rule = (message, { netRule = 'own-side' }) => {
  const net = textOf(message, 97);
  if (message.mti[1] !== '5' || (message.mti[2] !== '0' && message.mti[2] !== '2') || net === undefined) return [];
  const totals = [86, 87, 88, 89].map((number) => textOf(message, number) ?? '0');
  if (![net.slice(1), ...totals].every((digits) => /^\d+$/.test(digits))) return [['RECON_NET_MISMATCH', 97]];
  const [credits, creditReversals, debits, debitReversals] = totals.map((digits) => BigInt(digits));
  if (credits === undefined || creditReversals === undefined || debits === undefined || debitReversals === undefined)
    return [];
  const expected =
    netRule === 'own-side'
      ? credits + debitReversals - (creditReversals + debits)
      : credits + creditReversals - (debits + debitReversals);
  const sign = expected < 0n ? 'D' : 'C';
  const isRight = net[0] === sign && BigInt(net.slice(1)) === (expected < 0n ? -expected : expected);
  return isRight ? [] : [['RECON_NET_MISMATCH', 97]];
};

const rules: readonly Rule[] = [
  missingFields,
  unexpectedFields,
  checkDigit,
  trackTwoPan,
  dates,
  emvData,
  originalData,
  reversedAmount,
  netAmount,
];
