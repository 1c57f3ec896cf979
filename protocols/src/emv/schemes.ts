/** Card schemes that the house knows. */
export const schemes = {
  visa: { rid: 'A000000003', en: 'Visa', ja: 'Visa', kernel: 3 },
  mastercard: { rid: 'A000000004', en: 'Mastercard', ja: 'Mastercard', kernel: 2 },
  amex: { rid: 'A000000025', en: 'American Express', ja: 'アメリカン・エキスプレス', kernel: 4 },
  jcb: { rid: 'A000000065', en: 'JCB', ja: 'JCB', kernel: 5 },
  discover: { rid: 'A000000152', en: 'Discover', ja: 'Discover', kernel: 6 },
  unionpay: { rid: 'A000000333', en: 'UnionPay', ja: '銀聯', kernel: 7 },
} as const;

/** A name in `schemes`. */
export type Scheme = keyof typeof schemes;

/** One application identifier that a terminal may hold. */
export interface AidEntry {
  /** Hexadecimal, 5 to 16 bytes. */
  readonly aid: string;
  readonly scheme: Scheme;
  readonly en: string;
  readonly ja: string;
  /** Application selection indicator: whether a longer AID of the card matches too. EMV 4.3 Book 1, 12.3.1. */
  readonly partial: boolean;
  /** Contactless kernel (EMV Book B, table 3-6). */
  readonly kernel: number;
}

/** Application identifiers, from the schemes' public terminal guides. */
export const aids: readonly AidEntry[] = [
  {
    aid: 'A0000000031010',
    scheme: 'visa',
    en: 'Visa credit or debit',
    ja: 'Visaクレジット・デビット',
    partial: true,
    kernel: 3,
  },
  { aid: 'A0000000032010', scheme: 'visa', en: 'Visa Electron', ja: 'Visaエレクトロン', partial: true, kernel: 3 },
  { aid: 'A0000000032020', scheme: 'visa', en: 'V PAY', ja: 'V PAY', partial: true, kernel: 3 },
  { aid: 'A0000000038010', scheme: 'visa', en: 'Plus', ja: 'Plus', partial: true, kernel: 3 },
  {
    aid: 'A0000000041010',
    scheme: 'mastercard',
    en: 'Mastercard credit or debit',
    ja: 'Mastercardクレジット・デビット',
    partial: true,
    kernel: 2,
  },
  { aid: 'A0000000043060', scheme: 'mastercard', en: 'Maestro', ja: 'Maestro', partial: true, kernel: 2 },
  { aid: 'A0000000046000', scheme: 'mastercard', en: 'Cirrus', ja: 'Cirrus', partial: true, kernel: 2 },
  {
    aid: 'A000000025',
    scheme: 'amex',
    en: 'American Express',
    ja: 'アメリカン・エキスプレス',
    partial: true,
    kernel: 4,
  },
  {
    aid: 'A0000000651010',
    scheme: 'jcb',
    en: 'JCB credit (J/Smart)',
    ja: 'JCBクレジット（J/Smart）',
    partial: true,
    kernel: 5,
  },
  {
    aid: 'A0000001523010',
    scheme: 'discover',
    en: 'Discover, Diners Club',
    ja: 'Discover・ダイナース',
    partial: true,
    kernel: 6,
  },
  { aid: 'A000000333010101', scheme: 'unionpay', en: 'UnionPay debit', ja: '銀聯デビット', partial: true, kernel: 7 },
  {
    aid: 'A000000333010102',
    scheme: 'unionpay',
    en: 'UnionPay credit',
    ja: '銀聯クレジット',
    partial: true,
    kernel: 7,
  },
  {
    aid: 'A000000333010103',
    scheme: 'unionpay',
    en: 'UnionPay quasi-credit',
    ja: '銀聯準クレジット',
    partial: true,
    kernel: 7,
  },
  {
    aid: 'A000000333010106',
    scheme: 'unionpay',
    en: 'UnionPay electronic cash',
    ja: '銀聯電子現金',
    partial: true,
    kernel: 7,
  },
];

/** The scheme of an AID, by its registered provider identifier (the first five bytes). */
export function schemeOfAid(aid: Uint8Array): Scheme | undefined {
  const rid = Buffer.from(aid.subarray(0, 5)).toString('hex').toUpperCase();
  for (const [scheme, entry] of Object.entries(schemes))
    if (entry.rid === rid) return isScheme(scheme) ? scheme : undefined;
  return undefined;
}

/** Whether a text is a scheme's name. */
export const isScheme = (name: string): name is Scheme => Object.hasOwn(schemes, name);

/** A certification authority's public key, as a terminal holds it. EMV 4.3 Book 2, 11.2.2. */
export interface CaPublicKey {
  /** Registered provider identifier, 5 bytes in hexadecimal. */
  readonly rid: string;
  /** 8F of the card. */
  readonly index: number;
  readonly modulus: Uint8Array;
  /** 3 or 65537. */
  readonly exponent: number;
  /** The last day on which it may be used, YYYY-MM-DD. */
  readonly expiry: string;
}
