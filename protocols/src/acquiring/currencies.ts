/** A currency that an amount on W3 or W4 may be in. */
export interface Currency {
  /** ISO 4217 alphabetic code. */
  readonly alpha: string;
  /** How many digits of an amount are behind the point. */
  readonly minorDigits: number;
  readonly en: string;
  readonly ja: string;
}

/** Currencies by their numeric code (DE49, DE51), with their minor units. ISO 4217:2015, list one. */
export const currencies: Readonly<Record<string, Currency>> = {
  '036': { alpha: 'AUD', minorDigits: 2, en: 'Australian dollar', ja: '豪ドル' },
  '048': { alpha: 'BHD', minorDigits: 3, en: 'Bahraini dinar', ja: 'バーレーン・ディナール' },
  '124': { alpha: 'CAD', minorDigits: 2, en: 'Canadian dollar', ja: 'カナダドル' },
  '156': { alpha: 'CNY', minorDigits: 2, en: 'Yuan renminbi', ja: '人民元' },
  '208': { alpha: 'DKK', minorDigits: 2, en: 'Danish krone', ja: 'デンマーク・クローネ' },
  '344': { alpha: 'HKD', minorDigits: 2, en: 'Hong Kong dollar', ja: '香港ドル' },
  '356': { alpha: 'INR', minorDigits: 2, en: 'Indian rupee', ja: 'インドルピー' },
  '360': { alpha: 'IDR', minorDigits: 2, en: 'Rupiah', ja: 'インドネシアルピア' },
  '376': { alpha: 'ILS', minorDigits: 2, en: 'New Israeli sheqel', ja: 'イスラエル・シェケル' },
  '392': { alpha: 'JPY', minorDigits: 0, en: 'Yen', ja: '円' },
  '410': { alpha: 'KRW', minorDigits: 0, en: 'Won', ja: '韓国ウォン' },
  '414': { alpha: 'KWD', minorDigits: 3, en: 'Kuwaiti dinar', ja: 'クウェート・ディナール' },
  '446': { alpha: 'MOP', minorDigits: 2, en: 'Pataca', ja: 'マカオ・パタカ' },
  '458': { alpha: 'MYR', minorDigits: 2, en: 'Malaysian ringgit', ja: 'マレーシア・リンギット' },
  '484': { alpha: 'MXN', minorDigits: 2, en: 'Mexican peso', ja: 'メキシコ・ペソ' },
  '554': { alpha: 'NZD', minorDigits: 2, en: 'New Zealand dollar', ja: 'ニュージーランドドル' },
  '578': { alpha: 'NOK', minorDigits: 2, en: 'Norwegian krone', ja: 'ノルウェー・クローネ' },
  '608': { alpha: 'PHP', minorDigits: 2, en: 'Philippine peso', ja: 'フィリピン・ペソ' },
  '634': { alpha: 'QAR', minorDigits: 2, en: 'Qatari rial', ja: 'カタール・リヤル' },
  '682': { alpha: 'SAR', minorDigits: 2, en: 'Saudi riyal', ja: 'サウジ・リヤル' },
  '702': { alpha: 'SGD', minorDigits: 2, en: 'Singapore dollar', ja: 'シンガポールドル' },
  '704': { alpha: 'VND', minorDigits: 0, en: 'Dong', ja: 'ベトナム・ドン' },
  '710': { alpha: 'ZAR', minorDigits: 2, en: 'Rand', ja: '南アフリカ・ランド' },
  '752': { alpha: 'SEK', minorDigits: 2, en: 'Swedish krona', ja: 'スウェーデン・クローナ' },
  '756': { alpha: 'CHF', minorDigits: 2, en: 'Swiss franc', ja: 'スイスフラン' },
  '764': { alpha: 'THB', minorDigits: 2, en: 'Baht', ja: 'タイ・バーツ' },
  '784': { alpha: 'AED', minorDigits: 2, en: 'UAE dirham', ja: 'UAEディルハム' },
  '826': { alpha: 'GBP', minorDigits: 2, en: 'Pound sterling', ja: '英ポンド' },
  '840': { alpha: 'USD', minorDigits: 2, en: 'US dollar', ja: '米ドル' },
  '901': { alpha: 'TWD', minorDigits: 2, en: 'New Taiwan dollar', ja: '新台湾ドル' },
  '949': { alpha: 'TRY', minorDigits: 2, en: 'Turkish lira', ja: 'トルコリラ' },
  '978': { alpha: 'EUR', minorDigits: 2, en: 'Euro', ja: 'ユーロ' },
  '986': { alpha: 'BRL', minorDigits: 2, en: 'Brazilian real', ja: 'ブラジル・レアル' },
};

/** An amount with its currency, as a person reads it: `USD 66.67`. @param number its numeric code */
export function moneyText(amountMinor: number, number: string): string {
  const { alpha, minorDigits } = currencies[number] ?? { alpha: number, minorDigits: 0 };
  const digits = String(Math.abs(amountMinor)).padStart(minorDigits + 1, '0');
  const whole = digits.slice(0, digits.length - minorDigits).replaceAll(/\B(?=(\d{3})+$)/g, ',');
  const parts = minorDigits === 0 ? '' : `.${digits.slice(-minorDigits)}`;
  return `${alpha} ${amountMinor < 0 ? '-' : ''}${whole}${parts}`;
}

/** The numeric code of an alphabetic one; undefined for a currency that is not in the table. */
export const currencyNumber = (alpha: string): string | undefined =>
  Object.keys(currencies).find((number) => currencies[number]?.alpha === alpha);
