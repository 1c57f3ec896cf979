import { z } from 'zod';
import type { Ability } from '../catalogue/abilities.ts';
import { isAcquirerCards } from './acquirer-cards.ts';

/** What a value is: its type, bounds and unit. A value that is none of these is refused. */
export type SettingKind =
  | { readonly type: 'integer'; readonly min: number; readonly max: number; readonly unit: SettingUnit }
  | { readonly type: 'flag' }
  | { readonly type: 'choice'; readonly of: readonly string[] }
  | { readonly type: 'text'; readonly lengthMax: number };
/** What a number counts: minor units of the currency, milliseconds, per cent, pieces, or a TCP port. */
export type SettingUnit = 'minor' | 'ms' | 'percent' | 'count' | 'port';

/** What people and machines know about a setting besides its value. */
interface About {
  readonly name: { readonly en: string; readonly ja: string };
  readonly says: string;
  /** What a model must be able to do; without it the setting does not exist for the model. */
  readonly needs?: readonly Ability[];
  /** A value that a text of some form may be. */
  readonly example?: string;
  /** Whether a change waits for the maintenance window, where one is set. Every change waits until no payment is in hand. */
  readonly isDisruptive?: boolean;
}

const integer = <const A extends About>(
  min: number,
  max: number,
  initial: number,
  unit: SettingUnit,
  about: A,
): A & { readonly kind: SettingKind; readonly schema: z.ZodDefault<z.ZodNumber> } => ({
  ...about,
  kind: { type: 'integer', min, max, unit },
  schema: z.number().int().min(min).max(max).default(initial).describe(about.says),
});

const flag = <const A extends About>(
  initial: boolean,
  about: A,
): A & { readonly kind: SettingKind; readonly schema: z.ZodDefault<z.ZodBoolean> } => ({
  ...about,
  kind: { type: 'flag' },
  schema: z.boolean().default(initial).describe(about.says),
});

const choice = <const C extends readonly [string, ...string[]], const A extends About>(
  of: C,
  initial: C[number],
  about: A,
) => ({
  ...about,
  kind: { type: 'choice', of } satisfies SettingKind as SettingKind,
  schema: z
    .enum(of)
    .default(() => initial as z.output<z.ZodEnum<{ [K in C[number]]: K }>>)
    .describe(about.says),
});

/** A run of digits as long as a card number that passes the check digit (ISO/IEC 7812-1, annex B), written with or without gaps. */
function holdsCardNumber(text: string): boolean {
  for (const [run] of text.replaceAll(/(?<=\d)[ -](?=\d)/g, '').matchAll(/\d{12,19}/g)) {
    let sum = 0;
    for (let at = 0; at < run.length; at++) {
      const digit = Number(run[run.length - 1 - at]);
      sum += at % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
    }
    if (sum % 10 === 0) return true;
  }
  return false;
}

/** Texts are shown, printed and logged: none may hold a card number. */
const text = <const A extends About>(
  lengthMax: number,
  initial: string,
  about: A,
  isValid: (value: string) => boolean = () => true,
): A & { readonly kind: SettingKind; readonly schema: z.ZodDefault<z.ZodString> } => ({
  ...about,
  kind: { type: 'text', lengthMax },
  schema: z
    .string()
    .max(lengthMax)
    .regex(/^[^\p{Cc}]*$/u)
    .refine((value) => !holdsCardNumber(value) && isValid(value))
    .default(initial)
    .describe(about.says),
});

/** Names that were looked up and are in the runtime's tables: a few hundred, with their spellings at most some thousands. */
const timeZones = new Set<string>();

function isTimeZone(name: string): boolean {
  if (timeZones.has(name)) return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
  } catch {
    return false;
  }
  if (timeZones.size < 1_000) timeZones.add(name);
  return true;
}

/**
 * Every setting of a terminal: name, type, bounds, unit, and what a model must be able to do. A setting holds no secret: keys, PINs and
 * card numbers have ways of their own. What stands here is what the terminal honours; a new setting is a new row.
 */
export const settings = {
  language: choice(['ja', 'en'], 'ja', {
    name: { en: 'Language', ja: '言語' },
    says: 'Language of screen and slips.',
  }),
  floorLimitMinor: integer(0, 1_000_000, 0, 'minor', {
    name: { en: 'Floor limit', ja: 'フロアリミット' },
    says: 'Amounts in minor units (JPY has none: yen). Below it a terminal may approve offline; 0 forbids it.',
    needs: ['offline'],
  }),
  offlineCountMax: integer(0, 200, 20, 'count', {
    name: { en: 'Offline sales, at most', ja: 'オフライン承認件数上限' },
    says: 'How many sales a terminal may approve offline before the switch has taken them.',
    needs: ['offline'],
  }),
  offlineAmountMaxMinor: integer(0, 10_000_000, 100_000, 'minor', {
    name: { en: 'Offline amount, at most', ja: 'オフライン承認金額上限' },
    says: 'How much these may come to together, minor units.',
    needs: ['offline'],
  }),
  completionPercentMax: integer(1, 200, 100, 'percent', {
    name: { en: 'Completion, at most', ja: '売上確定の上限率' },
    says: 'The most that may be posted of an authorisation, per cent of what was authorised.',
  }),
  taxPercent: integer(0, 50, 10, 'percent', {
    name: { en: 'Consumption tax', ja: '消費税率' },
    says: 'Consumption tax that amounts include, per cent, as the slip shows it.',
  }),
  amountMaxMinor: integer(1, 99_999_999, 5_000_000, 'minor', {
    name: { en: 'Sale, at most', ja: '取引金額上限' },
    says: 'The most one sale may be, minor units.',
  }),
  contactlessLimitMinor: integer(1, 99_999_999, 99_999_999, 'minor', {
    name: { en: 'Contactless limit', ja: '非接触の上限金額' },
    says: 'From this amount on a card is not read without contacts, minor units. EMV Book A, 5.8.',
    needs: ['contactless'],
  }),
  contactlessCvmLimitMinor: integer(0, 99_999_999, 15_001, 'minor', {
    name: { en: 'Contactless limit without verification', ja: '非接触の本人確認不要限度' },
    says: 'From this amount on a contactless sale needs the cardholder verified, minor units. EMV Book A, 5.8.',
    needs: ['contactless'],
  }),
  pinBypass: flag(false, {
    name: { en: 'PIN may be left out', ja: 'PINスキップ許可' },
    says: 'Whether a cardholder may leave the PIN out. Card companies in Japan ended it in March 2025.',
    needs: ['pinPad'],
  }),
  contactFallback: flag(true, {
    name: { en: 'Contactless to contact', ja: '非接触から接触への切替' },
    says: 'Whether a card that could not be finished without contacts may be inserted.',
    needs: ['contact', 'contactless'],
  }),
  stripeFallback: flag(false, {
    name: { en: 'Fallback to stripe', ja: '磁気フォールバック' },
    says: 'Whether the stripe of a chip that cannot be read may be drawn, flagged as technical fallback to the issuer. Card companies forbid it more and more.',
    needs: ['contact', 'stripe'],
  }),
  dcc: flag(false, {
    name: { en: 'Paying in the own currency (DCC)', ja: '自国通貨決済(DCC)' },
    says: 'Whether foreign cards are offered an amount in their own currency. The cardholder chooses; nothing chosen is yen.',
    needs: ['ownCurrency'],
  }),
  answerTimeoutMs: integer(1_000, 60_000, 8_000, 'ms', {
    name: { en: 'Wait for the switch', ja: '応答待ち時間' },
    says: 'How long the terminal waits for the switch before it reverses, milliseconds.',
  }),
  heartbeatMs: integer(5_000, 3_600_000, 60_000, 'ms', {
    name: { en: 'Heartbeat', ja: '定期通信間隔' },
    says: 'How often it says that it is there, milliseconds.',
  }),
  merchantName: text(40, '喫茶つなぐ', {
    name: { en: 'Merchant name', ja: '加盟店名' },
    says: 'Merchant name on the slip.',
  }),
  receiptHeader: text(60, '', {
    name: { en: 'Line at the top of the slip', ja: '伝票の先頭行' },
    says: 'A line above everything else on the slip; empty prints none.',
    needs: ['printer'],
  }),
  receiptFooter: text(60, '', {
    name: { en: 'Line at the end of the slip', ja: '伝票の末尾行' },
    says: 'A line at the end of the slip; empty prints none.',
    needs: ['printer'],
  }),
  timeZone: text(
    40,
    'Asia/Tokyo',
    {
      name: { en: 'Time zone', ja: 'タイムゾーン' },
      example: 'Asia/Tokyo',
      says: 'Time zone of the shop by its IANA name: times on slips, and the maintenance window.',
    },
    isTimeZone,
  ),
  maintenanceWindow: text(
    11,
    '',
    {
      name: { en: 'Maintenance window', ja: '保守時間帯' },
      example: '02:00-05:00',
      says: 'When changes that disturb may be made, local time of the shop, "02:00-05:00"; over midnight is meant where it ends before it begins. Empty: whenever no payment is in hand.',
    },
    (value) => value === '' || /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/.test(value),
  ),
  businessDayEnd: text(
    5,
    '04:00',
    {
      name: { en: 'End of the business day', ja: '自動日計(締め)の時刻' },
      example: '04:00',
      says: 'When the terminal closes its business day by itself, local time of the shop, "04:00": at that time, after it where it was off, and before it where the day holds as many transactions as it can keep. Empty: a person closes it.',
    },
    (value) => value === '' || /^([01]\d|2[0-3]):[0-5]\d$/.test(value),
  ),
  acquirerCards: text(
    256,
    '',
    {
      name: { en: 'Cards by card company', ja: 'カード会社ごとのカード' },
      example: 'visa=4 jcb=35',
      says: 'Which cards go under the keys of which card company, once the terminal holds them: "NAME=prefix,prefix NAME=prefix". Empty: every card under the key of the terminal.',
    },
    isAcquirerCards,
  ),
  logLevel: choice(['debug', 'info', 'warn', 'error'], 'debug', {
    name: { en: 'Log level', ja: 'ログレベル' },
    says: 'The least that the terminal writes to its log.',
  }),
  fleetHost: text(
    253,
    '',
    {
      name: { en: 'Fleet server, host', ja: '管理サーバーのホスト' },
      example: 'fleet.example.com',
      says: 'Where the fleet server is dialled; empty: where the claim says. The name in its certificate stays that of the claim.',
      needs: ['ownLine'],
      isDisruptive: true,
    },
    (value) => /^[A-Za-z0-9.:-]*$/.test(value),
  ),
  fleetPort: integer(0, 65_535, 0, 'port', {
    name: { en: 'Fleet server, port', ja: '管理サーバーのポート' },
    says: 'TCP port of the fleet server; 0: that of the claim.',
    needs: ['ownLine'],
    isDisruptive: true,
  }),
} as const satisfies Record<string, About & { readonly kind: SettingKind; readonly schema: z.ZodType }>;

/** Name of a setting. */
export type SettingName = keyof typeof settings;
/** Names of all settings, in the order in which people are shown them. */
export const settingNames = Object.keys(settings) as SettingName[];
/** Whether a text is the name of a setting. */
export const isSettingName = (name: string): name is SettingName => Object.hasOwn(settings, name);
/** A setting as every other room sees it. */
export const settingOf = (name: SettingName): About & { readonly kind: SettingKind } => settings[name];
/** A value that a setting may be, as it is typed. */
export const exampleOf = (name: SettingName): string => {
  const { example, schema }: About & { readonly schema: z.ZodType } = settings[name];
  return example ?? String(schema.parse(undefined));
};
