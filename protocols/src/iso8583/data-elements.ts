import type { SecretKind } from '../kit/index.ts';

/**
 * What characters an element may hold. ISO 8583:1993, 4.2: n digits, a letters, an both, anp also space, ans printable,
 * ns printable without letters, z track code set, xn sign C or D and digits, b binary.
 */
export type ElementType = 'n' | 'a' | 'an' | 'anp' | 'ans' | 'ns' | 'b' | 'z' | 'xn';

/** Exactly `maxLength`, or a length of two, three or four digits in front. The 1993 edition itself has no LLLLVAR; some links do. */
export type ElementKind = 'fixed' | 'LLVAR' | 'LLLVAR' | 'LLLLVAR';

/** How a date element is written. */
export type DateFormat = 'MMDDhhmmss' | 'YYMMDDhhmmss' | 'YYMM' | 'YYMMDD' | 'MMDD';

/** The shape of an element's value; `maxLength` counts digits, characters or, for b, bytes, without the length indicator. */
export interface ElementShape {
  readonly type: ElementType;
  readonly kind: ElementKind;
  readonly maxLength: number;
}

/** One row of the table of data elements. */
export interface DataElement extends ElementShape {
  readonly number: number;
  readonly en: string;
  readonly ja: string;
  readonly date?: DateFormat;
  /** The value travels as a `Secret` of this kind. */
  readonly secret?: SecretKind;
  /** The value may stand in a log line as it is; all others show their length only. */
  readonly open?: true;
}

// biome-ignore format: one row a line, to be compared with the standard
/**
 * The 128 data elements. ISO 8583:1993, 4.3, table of data elements; lengths as four public implementations agree.
 * What a link does differently is an override of its profile, never an edit here.
 */
export const dataElements: readonly DataElement[] = [
  { number: 1, en: 'Bit map, secondary', ja: '第2ビットマップ', type: 'b', kind: 'fixed', maxLength: 8 },
  { number: 2, en: 'Primary account number', ja: '会員番号(PAN)', type: 'n', kind: 'LLVAR', maxLength: 19, secret: 'pan' },
  { number: 3, en: 'Processing code', ja: '処理コード', type: 'n', kind: 'fixed', maxLength: 6, open: true },
  { number: 4, en: 'Amount, transaction', ja: '取引金額', type: 'n', kind: 'fixed', maxLength: 12, open: true },
  { number: 5, en: 'Amount, reconciliation', ja: '精算金額', type: 'n', kind: 'fixed', maxLength: 12, open: true },
  { number: 6, en: 'Amount, cardholder billing', ja: 'カード会員請求金額', type: 'n', kind: 'fixed', maxLength: 12, open: true },
  { number: 7, en: 'Date and time, transmission', ja: '送信日時', type: 'n', kind: 'fixed', maxLength: 10, date: 'MMDDhhmmss', open: true },
  { number: 8, en: 'Amount, cardholder billing fee', ja: 'カード会員請求手数料', type: 'n', kind: 'fixed', maxLength: 8 },
  { number: 9, en: 'Conversion rate, reconciliation', ja: '精算換算レート', type: 'n', kind: 'fixed', maxLength: 8, open: true },
  { number: 10, en: 'Conversion rate, cardholder billing', ja: 'カード会員請求換算レート', type: 'n', kind: 'fixed', maxLength: 8, open: true },
  { number: 11, en: 'Systems trace audit number', ja: 'システム追跡番号(STAN)', type: 'n', kind: 'fixed', maxLength: 6, open: true },
  { number: 12, en: 'Date and time, local transaction', ja: '取引日時(現地)', type: 'n', kind: 'fixed', maxLength: 12, date: 'YYMMDDhhmmss', open: true },
  { number: 13, en: 'Date, effective', ja: '有効開始年月', type: 'n', kind: 'fixed', maxLength: 4, date: 'YYMM' },
  { number: 14, en: 'Date, expiration', ja: '有効期限', type: 'n', kind: 'fixed', maxLength: 4, date: 'YYMM' },
  { number: 15, en: 'Date, settlement', ja: '決済日', type: 'n', kind: 'fixed', maxLength: 6, date: 'YYMMDD', open: true },
  { number: 16, en: 'Date, conversion', ja: '換算日', type: 'n', kind: 'fixed', maxLength: 4, date: 'MMDD', open: true },
  { number: 17, en: 'Date, capture', ja: '売上処理日', type: 'n', kind: 'fixed', maxLength: 4, date: 'MMDD', open: true },
  { number: 18, en: 'Merchant type', ja: '加盟店業種', type: 'n', kind: 'fixed', maxLength: 4, open: true },
  { number: 19, en: 'Country code, acquiring institution', ja: '国コード(取得機関)', type: 'n', kind: 'fixed', maxLength: 3, open: true },
  { number: 20, en: 'Country code, primary account number', ja: '国コード(会員番号)', type: 'n', kind: 'fixed', maxLength: 3, open: true },
  { number: 21, en: 'Country code, forwarding institution', ja: '国コード(中継機関)', type: 'n', kind: 'fixed', maxLength: 3, open: true },
  { number: 22, en: 'Point of service data code', ja: 'POSデータコード', type: 'an', kind: 'fixed', maxLength: 12, open: true },
  { number: 23, en: 'Card sequence number', ja: 'カードシーケンス番号', type: 'n', kind: 'fixed', maxLength: 3, open: true },
  { number: 24, en: 'Function code', ja: '機能コード', type: 'n', kind: 'fixed', maxLength: 3, open: true },
  { number: 25, en: 'Message reason code', ja: 'メッセージ理由コード', type: 'n', kind: 'fixed', maxLength: 4, open: true },
  { number: 26, en: 'Card acceptor business code', ja: '加盟店業務コード', type: 'n', kind: 'fixed', maxLength: 4, open: true },
  { number: 27, en: 'Approval code length', ja: '承認番号の桁数', type: 'n', kind: 'fixed', maxLength: 1, open: true },
  { number: 28, en: 'Date, reconciliation', ja: '精算日', type: 'n', kind: 'fixed', maxLength: 6, date: 'YYMMDD', open: true },
  { number: 29, en: 'Reconciliation indicator', ja: '精算識別', type: 'n', kind: 'fixed', maxLength: 3, open: true },
  { number: 30, en: 'Amounts, original', ja: '元取引金額', type: 'n', kind: 'fixed', maxLength: 24, open: true },
  { number: 31, en: 'Acquirer reference data', ja: '取得機関参照データ', type: 'ans', kind: 'LLVAR', maxLength: 99 },
  { number: 32, en: 'Acquiring institution identification code', ja: '取得機関識別コード', type: 'n', kind: 'LLVAR', maxLength: 11, open: true },
  { number: 33, en: 'Forwarding institution identification code', ja: '中継機関識別コード', type: 'n', kind: 'LLVAR', maxLength: 11, open: true },
  { number: 34, en: 'Primary account number, extended', ja: '拡張会員番号', type: 'ns', kind: 'LLVAR', maxLength: 28, secret: 'pan' },
  { number: 35, en: 'Track 2 data', ja: 'トラック2データ', type: 'z', kind: 'LLVAR', maxLength: 37, secret: 'pan' },
  { number: 36, en: 'Track 3 data', ja: 'トラック3データ', type: 'z', kind: 'LLLVAR', maxLength: 104, secret: 'pan' },
  { number: 37, en: 'Retrieval reference number', ja: '検索参照番号(RRN)', type: 'anp', kind: 'fixed', maxLength: 12, open: true },
  { number: 38, en: 'Approval code', ja: '承認番号', type: 'anp', kind: 'fixed', maxLength: 6, open: true },
  { number: 39, en: 'Action code', ja: 'アクションコード', type: 'n', kind: 'fixed', maxLength: 3, open: true },
  { number: 40, en: 'Service code', ja: 'サービスコード', type: 'n', kind: 'fixed', maxLength: 3 },
  { number: 41, en: 'Card acceptor terminal identification', ja: '端末識別番号', type: 'ans', kind: 'fixed', maxLength: 8, open: true },
  { number: 42, en: 'Card acceptor identification code', ja: '加盟店番号', type: 'ans', kind: 'fixed', maxLength: 15, open: true },
  { number: 43, en: 'Card acceptor name/location', ja: '加盟店名・所在地', type: 'ans', kind: 'LLVAR', maxLength: 99 },
  { number: 44, en: 'Additional response data', ja: '付加応答データ', type: 'ans', kind: 'LLVAR', maxLength: 99 },
  { number: 45, en: 'Track 1 data', ja: 'トラック1データ', type: 'ans', kind: 'LLVAR', maxLength: 76, secret: 'pan' },
  { number: 46, en: 'Amounts, fees', ja: '手数料', type: 'ans', kind: 'LLLVAR', maxLength: 204 },
  { number: 47, en: 'Additional data, national', ja: '付加データ(国内用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 48, en: 'Additional data, private', ja: '付加データ(私用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 49, en: 'Currency code, transaction', ja: '通貨コード(取引)', type: 'an', kind: 'fixed', maxLength: 3, open: true },
  { number: 50, en: 'Currency code, reconciliation', ja: '通貨コード(精算)', type: 'an', kind: 'fixed', maxLength: 3, open: true },
  { number: 51, en: 'Currency code, cardholder billing', ja: '通貨コード(カード会員請求)', type: 'an', kind: 'fixed', maxLength: 3, open: true },
  { number: 52, en: 'Personal identification number (PIN) data', ja: '暗証番号(PIN)データ', type: 'b', kind: 'fixed', maxLength: 8, secret: 'pin' },
  { number: 53, en: 'Security related control information', ja: 'セキュリティ制御情報', type: 'b', kind: 'LLVAR', maxLength: 48 },
  { number: 54, en: 'Amounts, additional', ja: '付加金額', type: 'ans', kind: 'LLLVAR', maxLength: 120, open: true },
  { number: 55, en: 'Integrated circuit card system related data', ja: 'ICカードデータ', type: 'b', kind: 'LLLVAR', maxLength: 255 },
  { number: 56, en: 'Original data elements', ja: '元取引データ', type: 'n', kind: 'LLVAR', maxLength: 35, open: true },
  { number: 57, en: 'Authorization life cycle code', ja: 'オーソリ有効期間コード', type: 'n', kind: 'fixed', maxLength: 3, open: true },
  { number: 58, en: 'Authorizing agent institution identification code', ja: 'オーソリ代行機関識別コード', type: 'n', kind: 'LLVAR', maxLength: 11, open: true },
  { number: 59, en: 'Transport data', ja: '転送データ', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 60, en: 'Reserved for national use', ja: '予備(国内用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 61, en: 'Reserved for national use', ja: '予備(国内用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 62, en: 'Reserved for private use', ja: '予備(私用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 63, en: 'Reserved for private use', ja: '予備(私用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 64, en: 'Message authentication code', ja: 'メッセージ認証コード(MAC)', type: 'b', kind: 'fixed', maxLength: 8 },
  { number: 65, en: 'Reserved for ISO use', ja: '予備(ISO用)', type: 'b', kind: 'fixed', maxLength: 8 },
  { number: 66, en: 'Amounts, original fees', ja: '元手数料', type: 'ans', kind: 'LLLVAR', maxLength: 204 },
  { number: 67, en: 'Extended payment data', ja: '延払データ', type: 'n', kind: 'fixed', maxLength: 2, open: true },
  { number: 68, en: 'Country code, receiving institution', ja: '国コード(受信機関)', type: 'n', kind: 'fixed', maxLength: 3, open: true },
  { number: 69, en: 'Country code, settlement institution', ja: '国コード(決済機関)', type: 'n', kind: 'fixed', maxLength: 3, open: true },
  { number: 70, en: 'Country code, authorizing agent institution', ja: '国コード(オーソリ代行機関)', type: 'n', kind: 'fixed', maxLength: 3, open: true },
  { number: 71, en: 'Message number', ja: 'メッセージ番号', type: 'n', kind: 'fixed', maxLength: 8, open: true },
  { number: 72, en: 'Data record', ja: 'データレコード', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 73, en: 'Date, action', ja: '実施日', type: 'n', kind: 'fixed', maxLength: 6, date: 'YYMMDD', open: true },
  { number: 74, en: 'Credits, number', ja: '貸方件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 75, en: 'Credits, reversal number', ja: '貸方取消件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 76, en: 'Debits, number', ja: '借方件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 77, en: 'Debits, reversal number', ja: '借方取消件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 78, en: 'Transfer, number', ja: '振替件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 79, en: 'Transfer, reversal number', ja: '振替取消件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 80, en: 'Inquiries, number', ja: '照会件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 81, en: 'Authorizations, number', ja: 'オーソリ件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 82, en: 'Inquiries, reversal number', ja: '照会取消件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 83, en: 'Payments, number', ja: '支払件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 84, en: 'Payments, reversal number', ja: '支払取消件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 85, en: 'Fee collections, number', ja: '手数料徴収件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 86, en: 'Credits, amount', ja: '貸方金額', type: 'n', kind: 'fixed', maxLength: 16, open: true },
  { number: 87, en: 'Credits, reversal amount', ja: '貸方取消金額', type: 'n', kind: 'fixed', maxLength: 16, open: true },
  { number: 88, en: 'Debits, amount', ja: '借方金額', type: 'n', kind: 'fixed', maxLength: 16, open: true },
  { number: 89, en: 'Debits, reversal amount', ja: '借方取消金額', type: 'n', kind: 'fixed', maxLength: 16, open: true },
  { number: 90, en: 'Authorizations, reversal number', ja: 'オーソリ取消件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 91, en: 'Country code, transaction destination institution', ja: '国コード(取引宛先機関)', type: 'n', kind: 'fixed', maxLength: 3, open: true },
  { number: 92, en: 'Country code, transaction originator institution', ja: '国コード(取引発信機関)', type: 'n', kind: 'fixed', maxLength: 3, open: true },
  { number: 93, en: 'Transaction destination institution identification code', ja: '取引宛先機関識別コード', type: 'n', kind: 'LLVAR', maxLength: 11, open: true },
  { number: 94, en: 'Transaction originator institution identification code', ja: '取引発信機関識別コード', type: 'n', kind: 'LLVAR', maxLength: 11, open: true },
  { number: 95, en: 'Card issuer reference data', ja: '発行会社参照データ', type: 'ans', kind: 'LLVAR', maxLength: 99 },
  { number: 96, en: 'Key management data', ja: '鍵管理データ', type: 'b', kind: 'LLLVAR', maxLength: 999 },
  { number: 97, en: 'Amount, net reconciliation', ja: '純精算額', type: 'xn', kind: 'fixed', maxLength: 17, open: true },
  { number: 98, en: 'Payee', ja: '受取人', type: 'ans', kind: 'fixed', maxLength: 25 },
  { number: 99, en: 'Settlement institution identification code', ja: '決済機関識別コード', type: 'an', kind: 'LLVAR', maxLength: 11, open: true },
  { number: 100, en: 'Receiving institution identification code', ja: '受信機関識別コード', type: 'n', kind: 'LLVAR', maxLength: 11, open: true },
  { number: 101, en: 'File name', ja: 'ファイル名', type: 'ans', kind: 'LLVAR', maxLength: 17, open: true },
  { number: 102, en: 'Account identification 1', ja: '口座識別1', type: 'ans', kind: 'LLVAR', maxLength: 28 },
  { number: 103, en: 'Account identification 2', ja: '口座識別2', type: 'ans', kind: 'LLVAR', maxLength: 28 },
  { number: 104, en: 'Transaction description', ja: '取引説明', type: 'ans', kind: 'LLLVAR', maxLength: 100 },
  { number: 105, en: 'Credits, chargeback amount', ja: '貸方チャージバック金額', type: 'n', kind: 'fixed', maxLength: 16, open: true },
  { number: 106, en: 'Debits, chargeback amount', ja: '借方チャージバック金額', type: 'n', kind: 'fixed', maxLength: 16, open: true },
  { number: 107, en: 'Credits, chargeback number', ja: '貸方チャージバック件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 108, en: 'Debits, chargeback number', ja: '借方チャージバック件数', type: 'n', kind: 'fixed', maxLength: 10, open: true },
  { number: 109, en: 'Credits, fee amounts', ja: '貸方手数料', type: 'ans', kind: 'LLVAR', maxLength: 84 },
  { number: 110, en: 'Debits, fee amounts', ja: '借方手数料', type: 'ans', kind: 'LLVAR', maxLength: 84 },
  { number: 111, en: 'Reserved for ISO use', ja: '予備(ISO用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 112, en: 'Reserved for ISO use', ja: '予備(ISO用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 113, en: 'Reserved for ISO use', ja: '予備(ISO用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 114, en: 'Reserved for ISO use', ja: '予備(ISO用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 115, en: 'Reserved for ISO use', ja: '予備(ISO用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 116, en: 'Reserved for national use', ja: '予備(国内用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 117, en: 'Reserved for national use', ja: '予備(国内用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 118, en: 'Reserved for national use', ja: '予備(国内用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 119, en: 'Reserved for national use', ja: '予備(国内用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 120, en: 'Reserved for national use', ja: '予備(国内用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 121, en: 'Reserved for national use', ja: '予備(国内用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 122, en: 'Reserved for national use', ja: '予備(国内用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 123, en: 'Reserved for private use', ja: '予備(私用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 124, en: 'Reserved for private use', ja: '予備(私用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 125, en: 'Reserved for private use', ja: '予備(私用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 126, en: 'Reserved for private use', ja: '予備(私用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 127, en: 'Reserved for private use', ja: '予備(私用)', type: 'ans', kind: 'LLLVAR', maxLength: 999 },
  { number: 128, en: 'Message authentication code', ja: 'メッセージ認証コード(MAC)', type: 'b', kind: 'fixed', maxLength: 8 },
];

/** The row of element 1 to 128. */
export function dataElement(number: number): DataElement | undefined {
  return dataElements[number - 1];
}
