import { fail, ok, type Result } from '../kit/index.ts';
import { type PaymentMethodCode, paymentMethod } from '../fleet/switch-rules.ts';

/**
 * How the cardholder pays in Japan (shiharai kubun), as DE48 of a request: our own layout, since no network's is public. `JP`, the method (2 digits), how many
 * instalments (2, 00 for none), the month of the first (2, 00 for none), how many bonus months (1), and of each bonus month its number (2) and amount (8 digits, 0
 * for the issuer to divide).
 */
export interface PaymentMethod {
  readonly code: PaymentMethodCode;
  /** For 31 to 34 and 61: 2 to 99. */
  readonly instalments?: number | undefined;
  /** 1 to 12. */
  readonly firstMonth?: number | undefined;
  readonly bonus?: readonly { readonly month: number; readonly amountMinor: number }[] | undefined;
}

/** At once: what a request without DE48 means. */
export const lumpSum: PaymentMethod = { code: '10' };

const bonusMax = 6;
/** Methods that need a number of instalments, and those that have bonus months. */
const divided = new Set<PaymentMethodCode>(['31', '32', '33', '34', '61']);
const withBonus = new Set<PaymentMethodCode>(['21', '22', '23', '24', '31', '32', '33', '34']);

const digits = (value: number, width: number): string => String(value).padStart(width, '0');
const bad = (what: string) => fail('ACQUIRING_MESSAGE_REFUSED', { field: 48, facts: { expected: what } });

/** What a method is called. 21 to 24 and 31 to 34 differ by contract: their code stands beside the name. */
const names: Readonly<Record<PaymentMethodCode, { readonly en: string; readonly ja: string }>> = {
  '10': { en: 'Lump sum', ja: '一括' },
  ...named(['21', '22', '23', '24'], 'Bonus', 'ボーナス払い'),
  ...named(['31', '32', '33', '34'], 'Bonus and instalments', 'ボーナス併用払い'),
  '61': { en: 'Instalments', ja: '分割払い' },
  '80': { en: 'Revolving', ja: 'リボルビング払い' },
};

function named<const C extends PaymentMethodCode>(codes: readonly C[], en: string, ja: string) {
  const entries = codes.map((code) => [code, { en: `${en} (${code})`, ja: `${ja}(${code})` }] as const);
  return Object.fromEntries(entries) as Record<C, { readonly en: string; readonly ja: string }>;
}

/** A method for a person: "分割払い 3回", "Bonus (22) bonus month 12 ¥30,000". */
export function paymentMethodText(method: PaymentMethod, language: 'en' | 'ja'): string {
  const { code, instalments, firstMonth, bonus = [] } = method;
  const isEnglish = language === 'en';
  return [
    names[code][language],
    instalments !== undefined && (isEnglish ? `x ${instalments}` : `${instalments}回`),
    firstMonth !== undefined && (isEnglish ? `from month ${firstMonth}` : `${firstMonth}月から`),
    ...bonus.map(({ month, amountMinor }) => {
      const amount = amountMinor > 0 ? ` ¥${amountMinor.toLocaleString('en')}` : '';
      return isEnglish ? `bonus month ${month}${amount}` : `ボーナス${month}月${amount}`;
    }),
  ]
    .filter(Boolean)
    .join(' ');
}

/** Whether a method needs a number of instalments. */
export const isDivided = (code: PaymentMethodCode): boolean => divided.has(code);

/** Writes DE48. A method that makes no sense is ACQUIRING_MESSAGE_REFUSED. */
export function formatPaymentMethod(method: PaymentMethod): Result<string, 'ACQUIRING_MESSAGE_REFUSED'> {
  const { code, instalments = 0, firstMonth = 0, bonus = [] } = method;
  const text = [
    'JP',
    code,
    digits(instalments, 2),
    digits(firstMonth, 2),
    String(bonus.length),
    ...bonus.map(({ month, amountMinor }) => digits(month, 2) + digits(amountMinor, 8)),
  ].join('');
  const read = parsePaymentMethod(text);
  return read.ok ? ok(text) : read;
}

/** Reads DE48; without one it is 10. */
export function parsePaymentMethod(text: string | undefined): Result<PaymentMethod, 'ACQUIRING_MESSAGE_REFUSED'> {
  if (text === undefined) return ok(lumpSum);
  const match = /^JP(\d\d)(\d\d)(\d\d)(\d)((?:\d{10})*)$/.exec(text);
  const code = paymentMethod.safeParse(match?.[1]);
  if (!match || !code.success) return bad('a payment method');
  const instalments = Number(match[2]);
  const firstMonth = Number(match[3]);
  const count = Number(match[4]);
  const bonus = (match[5]?.match(/.{10}/g) ?? []).map((part) => ({
    month: Number(part.slice(0, 2)),
    amountMinor: Number(part.slice(2)),
  }));
  if (bonus.length !== count || count > bonusMax) return bad('bonus months');
  if (divided.has(code.data) !== instalments >= 2) return bad('instalments');
  if (!withBonus.has(code.data) && count > 0) return bad('no bonus months');
  if (firstMonth > 12 || bonus.some(({ month }) => month < 1 || month > 12)) return bad('months');
  return ok({
    code: code.data,
    ...(instalments > 0 && { instalments }),
    ...(firstMonth > 0 && { firstMonth }),
    ...(count > 0 && { bonus }),
  });
}
