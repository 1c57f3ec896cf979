import { fail, ok, type Result } from '../kit/index.ts';

/** Message classes. ISO 8583:1993, 4.1, second digit of the MTI. */
export const messageClasses = {
  1: { en: 'Authorization', ja: 'オーソリ' },
  2: { en: 'Financial', ja: '売上' },
  3: { en: 'File action', ja: 'ファイル更新' },
  4: { en: 'Reversal or chargeback', ja: '取消・チャージバック' },
  5: { en: 'Reconciliation', ja: '精算' },
  6: { en: 'Administrative', ja: '管理' },
  7: { en: 'Fee collection', ja: '手数料徴収' },
  8: { en: 'Network management', ja: 'ネットワーク管理' },
} as const;

/** Message functions. ISO 8583:1993, 4.1, third digit. */
export const messageFunctions = {
  0: { en: 'request', ja: '要求' },
  1: { en: 'request response', ja: '要求応答' },
  2: { en: 'advice', ja: '通知' },
  3: { en: 'advice response', ja: '通知応答' },
  4: { en: 'notification', ja: '一方通知' },
} as const;

/** Transaction originators. ISO 8583:1993, 4.1, fourth digit. */
export const messageOrigins = {
  0: { en: 'acquirer', ja: '取得機関' },
  1: { en: 'acquirer repeat', ja: '取得機関(再送)' },
  2: { en: 'card issuer', ja: '発行会社' },
  3: { en: 'card issuer repeat', ja: '発行会社(再送)' },
  4: { en: 'other', ja: 'その他' },
  5: { en: 'other repeat', ja: 'その他(再送)' },
} as const;

/** The edition that the first digit of an MTI names. */
export const editionOf = (digit: number): string => (['1987', '1993', '2003'] as const)[digit] ?? 'unknown';

/** Every MTI of the 1993 edition, by class * 30 + function * 6 + origin - 30. */
const mtis: readonly string[] = Array.from(
  { length: 240 },
  (_, index) => `1${Math.floor(index / 30) + 1}${Math.floor((index % 30) / 6)}${index % 6}`,
);

/** The text of an MTI from three digits inside the tables. */
export const mtiText = (classDigit: number, functionDigit: number, originDigit: number): string =>
  mtis[(classDigit - 1) * 30 + functionDigit * 6 + originDigit] ?? '';

/** Checks the text of an MTI, first fault first. BAD_CHARSET, MTI_VERSION (facts.edition) or MTI_INVALID, all of field 0. */
export function checkMti(mti: string): Result<string, 'BAD_CHARSET' | 'MTI_VERSION' | 'MTI_INVALID' | 'FIELD_LENGTH'> {
  if (mti.length !== 4) return fail('FIELD_LENGTH', { field: 0, facts: { expected: 4, length: mti.length } });
  for (let index = 0; index < 4; index++) {
    const digit = mti.charCodeAt(index) - 0x30;
    const code = mtiFault(index, digit);
    if (code)
      return fail(code, {
        field: 0,
        offset: index,
        ...(code === 'MTI_VERSION' && { facts: { edition: editionOf(digit) } }),
      });
  }
  return ok(mti);
}

/** What is wrong with the digit of an MTI at one of its four places. */
export function mtiFault(index: number, digit: number): 'BAD_CHARSET' | 'MTI_VERSION' | 'MTI_INVALID' | undefined {
  if (digit < 0 || digit > 9) return 'BAD_CHARSET';
  if (index === 0) return digit === 1 ? undefined : 'MTI_VERSION';
  if (index === 1) return digit >= 1 && digit <= 8 ? undefined : 'MTI_INVALID';
  return digit <= (index === 2 ? 4 : 5) ? undefined : 'MTI_INVALID';
}

/**
 * The MTI that answers a request or an advice: 1100 → 1110, 1421 → 1430. Undefined for what is never answered
 * (responses and notifications). The answer to a repeat is that of the first message. ISO 8583:1993, 4.1.
 */
export function responseMti(mti: string): string | undefined {
  const digit = mti.charCodeAt(2) - 0x30;
  if (digit !== 0 && digit !== 2) return undefined;
  const origin = (mti.charCodeAt(3) - 0x30) & ~1;
  return `${mti.slice(0, 2)}${digit + 1}${origin}`;
}

/** The MTI of a repeat: 1100 → 1101, 1420 → 1421. A repeat stays as it is; all other elements stay the same. */
export const repeatMti = (mti: string): string => `${mti.slice(0, 3)}${(mti.charCodeAt(3) - 0x30) | 1}`;

/** The MTI of the first of a series of repeats: 1101 → 1100. */
export const originalMti = (mti: string): string => `${mti.slice(0, 3)}${(mti.charCodeAt(3) - 0x30) & ~1}`;

/** Whether the message is a repeat. */
export const isRepeat = (mti: string): boolean => (mti.charCodeAt(3) & 1) === 1;

/** Whether the message asks for an answer. */
export const expectsResponse = (mti: string): boolean => responseMti(mti) !== undefined;

/** Class, function and originator of an MTI in words. */
export function describeMti(mti: string): { en: string; ja: string } | undefined {
  const parts = [messageClasses, messageFunctions, messageOrigins].map(
    (table, index) => Object.entries(table).find(([digit]) => digit === mti[index + 1])?.[1],
  );
  const [kind, work, origin] = parts;
  if (mti.length !== 4 || mti[0] !== '1' || !kind || !work || !origin) return undefined;
  return { en: `${kind.en} ${work.en}, ${origin.en}`, ja: `${kind.ja}${work.ja}・${origin.ja}` };
}
