import { type CvmRule, parseCvmList, type Scheme } from '@tsunagu/protocols/emv';
import { hex } from '@tsunagu/protocols/kit';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import type { CardObjects } from './card-objects.ts';
import type { Verification } from './dialogue.ts';
import { found, performed, type Results, tsiBits, tvrBits } from './results.ts';
import type { ActionCodes, KernelTerminal, KernelTransaction } from './terminal.ts';

/** The application version that this terminal knows of each scheme (9F09). */
export const applicationVersions: Readonly<Partial<Record<Scheme, Uint8Array>>> = {
  visa: hex('0096'),
  mastercard: hex('0002'),
  jcb: hex('0200'),
  amex: hex('0001'),
  unionpay: hex('0030'),
};

const isSame = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;

/** YYMMDD as a number that sorts: years below 50 are of this century. EMV 4.3 Book 4, 6.7.3. */
const sortable = (date: string): number => (Number(date.slice(0, 2)) < 50 ? 20 : 19) * 1_000_000 + Number(date);

const digitsOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Processing restrictions: version, usage control, dates. EMV 4.3 Book 3, 10.4. */
export function restrict(
  results: Results,
  card: CardObjects,
  scheme: Scheme | undefined,
  terminal: KernelTerminal,
  transaction: KernelTransaction,
): Results {
  let next = results;
  const version = card.get(0x9f08);
  const known = scheme === undefined ? undefined : applicationVersions[scheme];
  if (version !== undefined && known !== undefined && !isSame(version, known))
    next = found(next, tvrBits.versionsDiffer);
  const usage = card.get(0x9f07)?.[0];
  if (usage !== undefined) {
    const goods = isSame(card.get(0x5f28), terminal.country) ? 0x20 : 0x10;
    // Goods at home or abroad, and at terminals that are no cash machine.
    if ((usage & goods) === 0 || (usage & 0x01) === 0) next = found(next, tvrBits.serviceNotAllowed);
  }
  const effective = card.get(0x5f25);
  const expiry = card.get(0x5f24);
  const today = sortable(transaction.date);
  if (effective !== undefined && sortable(digitsOf(effective)) > today) next = found(next, tvrBits.notYetEffective);
  if (expiry !== undefined && sortable(digitsOf(expiry)) < today) next = found(next, tvrBits.expired);
  return next;
}

/** Terminal risk management: floor limit and exception file. EMV 4.3 Book 3, 10.6 (random selection is for terminals that approve by themselves). */
export function manageRisk(
  results: Results,
  terminal: KernelTerminal,
  transaction: KernelTransaction,
  negative: NegativeAnswer,
): Results {
  let next = performed(results, tsiBits.terminalRiskManaged);
  if (transaction.amountMinor >= terminal.floorLimitMinor) next = found(next, tvrBits.aboveFloorLimit);
  if (negative === 'listed') next = found(next, tvrBits.onExceptionFile);
  return next;
}

/** What came of verifying the cardholder. */
export interface VerificationStep {
  readonly results: Results;
  readonly verification: Verification;
  /** 9F34. */
  readonly cvmResults: Uint8Array;
}

/** No rule was tried or none was met. EMV 4.3 Book 4, 6.3.4.5. */
const noCvm = Uint8Array.of(0x3f, 0x00, 0x00);

/** Cardholder verification: walks the card's list. EMV 4.3 Book 3, 10.5. */
export function verifyCardholder(
  results: Results,
  card: CardObjects,
  terminal: KernelTerminal,
  transaction: KernelTransaction,
): VerificationStep {
  const isSupported = ((card.get(0x82)?.[0] ?? 0) & 0x10) !== 0;
  const list = card.get(0x8e);
  if (!isSupported) return { results, verification: 'none', cvmResults: noCvm };
  const read = list === undefined ? undefined : parseCvmList(list);
  if (read === undefined || !read.ok || read.value.rules.length === 0)
    return { results: found(results, tvrBits.iccDataMissing), verification: 'none', cvmResults: noCvm };
  const done = performed(results, tsiBits.cardholderVerified);
  const isOwnCurrency = isSame(card.get(0x9f42), terminal.currency);
  let next = done;
  let last: CvmRule | undefined;
  for (const rule of read.value.rules) {
    if (!applies(rule, transaction.amountMinor, read.value, isOwnCurrency, terminal)) continue;
    last = rule;
    const code = [rule.code >> 8, rule.code & 0xff] as const;
    if (rule.method === 'none')
      return { results: next, verification: 'none', cvmResults: Uint8Array.of(...code, 0x02) };
    // A signature is judged by a person after the fact: the result is not known yet.
    if (rule.method === 'signature' && canSign(terminal))
      return { results: next, verification: 'signature', cvmResults: Uint8Array.of(...code, 0x00) };
    if (rule.method === 'unknown') next = found(next, tvrBits.cvmUnrecognised);
    if (!rule.continues) break;
  }
  const cvmResults =
    last === undefined ? Uint8Array.of(0x3f, 0x00, 0x01) : Uint8Array.of(last.code >> 8, last.code & 0xff, 0x01);
  return { results: found(next, tvrBits.cardholderNotVerified), verification: 'none', cvmResults };
}

/** Whether the condition of a rule is met in a sale without cash. EMV 4.3 Book 3, annex C3, table 40. */
function applies(
  { condition, method }: CvmRule,
  amountMinor: number,
  { amountX, amountY }: { readonly amountX: number; readonly amountY: number },
  isOwnCurrency: boolean,
  terminal: KernelTerminal,
): boolean {
  switch (condition) {
    case 'always':
    case 'notCash':
      return true;
    case 'ifSupported':
      return method === 'none' || (method === 'signature' && canSign(terminal));
    case 'underX':
      return isOwnCurrency && amountMinor < amountX;
    case 'overX':
      return isOwnCurrency && amountMinor > amountX;
    case 'underY':
      return isOwnCurrency && amountMinor < amountY;
    case 'overY':
      return isOwnCurrency && amountMinor > amountY;
    default:
      return false;
  }
}

/** The issuer's action codes as the card gives them; absent ones have their defaults. EMV 4.3 Book 3, 10.7. */
export const issuerActionCodes = (card: CardObjects): ActionCodes => ({
  denial: card.get(0x9f0e) ?? new Uint8Array(5),
  online: card.get(0x9f0f) ?? new Uint8Array(5).fill(0xff),
  default: card.get(0x9f0d) ?? new Uint8Array(5).fill(0xff),
});

const meets = (tvr: Uint8Array, a: Uint8Array, b: Uint8Array): boolean =>
  tvr.some((byte, at) => (byte & ((a[at] ?? 0) | (b[at] ?? 0))) !== 0);

/** Which cryptogram is asked for first: AAC when a denial code is met, else ARQC, since this terminal always asks. EMV 4.3 Book 3, 10.7. */
export const analyseAction = (tvr: Uint8Array, issuer: ActionCodes, terminal: ActionCodes): 'AAC' | 'ARQC' =>
  meets(tvr, issuer.denial, terminal.denial) ? 'AAC' : 'ARQC';

const canSign = ({ capabilities }: KernelTerminal): boolean => ((capabilities[1] ?? 0) & 0x20) !== 0;
