import type { DolFit } from '../tlv/index.ts';
import type { BitTableName } from './bit-tables.ts';
import type { Scheme } from './schemes.ts';

/** Formats of EMV 4.3 Book 3, 4.3; `dol` is a data object list, `template` holds other objects. */
export type TagFormat = 'a' | 'an' | 'ans' | 'b' | 'cn' | 'n' | 'dol' | 'template';

/** Where an object comes from. */
export type TagSource = 'card' | 'terminal' | 'issuer';

/** What a person must not see of an object. */
export type Sensitivity = 'pan' | 'track' | 'pin' | 'name';

/** One data object. */
export interface TagEntry {
  readonly tag: number;
  readonly en: string;
  readonly ja: string;
  readonly format: TagFormat;
  /** Length in bytes. */
  readonly lengthMin: number;
  readonly lengthMax: number;
  readonly source: TagSource;
  /** Templates it may stand in; empty for objects that stand alone. */
  readonly templates: readonly number[];
  readonly bits?: BitTableName;
  readonly sensitive?: Sensitivity;
  /** Set when the tag means this with one scheme only. */
  readonly scheme?: Scheme;
}

type More = Pick<TagEntry, 'bits' | 'sensitive' | 'scheme'>;

const object = (
  tag: number,
  en: string,
  ja: string,
  format: TagFormat,
  length: number | readonly [number, number],
  source: TagSource,
  templates: readonly number[] = [],
  more: More = {},
): TagEntry => {
  const [lengthMin, lengthMax] = typeof length === 'number' ? [length, length] : length;
  return { tag, en, ja, format, lengthMin, lengthMax, source, templates, ...more };
};

const record = [0x70, 0x77];
const gpo = [0x77];
const fci = [0xa5];
const dir = [0x61];
const discretionary = [0xbf0c, 0x73];
const any = [0, 252] as const;
const template = [0, 65535] as const;

/** Data objects. EMV 4.3 Book 1, annex B, and Book 3, annex A; contactless ones from EMV Books A, B and C-2 to C-7. */
export const tagDictionary: readonly TagEntry[] = [
  object(0x41, 'Country Code and National Data', '国コード・国内データ', 'b', any, 'card'),
  object(0x42, 'Issuer Identification Number (IIN)', '発行者識別番号（IIN）', 'n', 3, 'card', discretionary),
  object(0x4f, 'Application Identifier (ADF name)', 'アプリケーション識別子（ADF名）', 'b', [5, 16], 'card', dir),
  object(0x50, 'Application Label', 'アプリケーションラベル', 'ans', [1, 16], 'card', [0x61, 0xa5]),
  object(0x56, 'Track 1 Data', 'トラック1データ', 'ans', [0, 76], 'card', record, { sensitive: 'track' }),
  object(0x57, 'Track 2 Equivalent Data', 'トラック2相当データ', 'b', [0, 19], 'card', record, { sensitive: 'track' }),
  object(0x5a, 'Application Primary Account Number (PAN)', '会員番号（PAN）', 'cn', [0, 10], 'card', record, {
    sensitive: 'pan',
  }),
  object(0x5d, 'Directory Definition File Name', 'DDF名', 'b', [5, 16], 'card', dir),
  object(0x5f20, 'Cardholder Name', '会員名', 'ans', [2, 26], 'card', record, { sensitive: 'name' }),
  object(0x5f24, 'Application Expiration Date', '有効期限', 'n', 3, 'card', record),
  object(0x5f25, 'Application Effective Date', '有効開始日', 'n', 3, 'card', record),
  object(0x5f28, 'Issuer Country Code', '発行者国コード', 'n', 2, 'card', record),
  object(0x5f2a, 'Transaction Currency Code', '取引通貨コード', 'n', 2, 'terminal'),
  object(0x5f2d, 'Language Preference', '言語選択', 'an', [2, 8], 'card', fci),
  object(0x5f30, 'Service Code', 'サービスコード', 'n', 2, 'card', record),
  object(0x5f34, 'PAN Sequence Number', 'PAN順序番号', 'n', 1, 'card', record),
  object(0x5f36, 'Transaction Currency Exponent', '取引通貨指数', 'n', 1, 'terminal'),
  object(0x5f50, 'Issuer URL', '発行者URL', 'ans', any, 'card', discretionary),
  object(0x5f53, 'International Bank Account Number', '国際銀行口座番号（IBAN）', 'b', [0, 34], 'card', discretionary, {
    sensitive: 'pan',
  }),
  object(0x5f54, 'Bank Identifier Code', '銀行識別コード（BIC）', 'b', [8, 11], 'card', discretionary),
  object(0x5f55, 'Issuer Country Code (alpha-2)', '発行者国コード（英字2桁）', 'a', 2, 'card', discretionary),
  object(0x5f56, 'Issuer Country Code (alpha-3)', '発行者国コード（英字3桁）', 'a', 3, 'card', discretionary),
  object(0x5f57, 'Account Type', '口座種別', 'n', 1, 'terminal'),
  object(0x61, 'Application Template', 'アプリケーションテンプレート', 'template', template, 'card', [0x70, 0xbf0c]),
  object(0x6f, 'File Control Information Template', 'ファイル制御情報（FCI）', 'template', template, 'card'),
  object(0x70, 'Read Record Response Template', 'レコード応答テンプレート', 'template', template, 'card'),
  object(0x71, 'Issuer Script Template 1', '発行者スクリプト1', 'template', template, 'issuer'),
  object(0x72, 'Issuer Script Template 2', '発行者スクリプト2', 'template', template, 'issuer'),
  object(0x73, 'Directory Discretionary Template', 'ディレクトリ任意テンプレート', 'template', template, 'card', dir),
  object(0x77, 'Response Message Template Format 2', '応答テンプレート（形式2）', 'template', template, 'card'),
  object(0x80, 'Response Message Template Format 1', '応答テンプレート（形式1）', 'b', any, 'card'),
  object(0x81, 'Amount, Authorised (Binary)', '承認金額（2進）', 'b', 4, 'terminal'),
  object(0x82, 'Application Interchange Profile', 'アプリケーション交換プロファイル（AIP）', 'b', 2, 'card', gpo, {
    bits: 'aip',
  }),
  object(0x83, 'Command Template', 'コマンドテンプレート', 'b', any, 'terminal'),
  object(0x84, 'Dedicated File Name', 'DF名', 'b', [5, 16], 'card', [0x6f]),
  object(0x86, 'Issuer Script Command', '発行者スクリプトコマンド', 'b', [0, 261], 'issuer', [0x71, 0x72]),
  object(0x87, 'Application Priority Indicator', 'アプリケーション優先順位', 'b', 1, 'card', [0x61, 0xa5]),
  object(0x88, 'Short File Identifier', '短縮ファイル識別子（SFI）', 'b', 1, 'card', fci),
  object(0x89, 'Authorisation Code', '承認番号', 'an', 6, 'issuer'),
  object(0x8a, 'Authorisation Response Code', '承認応答コード', 'an', 2, 'issuer'),
  object(0x8c, 'Card Risk Management DOL 1 (CDOL1)', 'CDOL1', 'dol', [0, 252], 'card', record),
  object(0x8d, 'Card Risk Management DOL 2 (CDOL2)', 'CDOL2', 'dol', [0, 252], 'card', record),
  object(
    0x8e,
    'Cardholder Verification Method List',
    '本人確認方法リスト（CVMリスト）',
    'b',
    [10, 252],
    'card',
    record,
  ),
  object(0x8f, 'Certification Authority Public Key Index', 'CA公開鍵索引', 'b', 1, 'card', record),
  object(0x90, 'Issuer Public Key Certificate', '発行者公開鍵証明書', 'b', [0, 248], 'card', record),
  object(0x91, 'Issuer Authentication Data', '発行者認証データ', 'b', [8, 16], 'issuer'),
  object(0x92, 'Issuer Public Key Remainder', '発行者公開鍵剰余', 'b', [0, 248], 'card', record),
  object(0x93, 'Signed Static Application Data', '署名付き静的データ', 'b', [0, 248], 'card', record),
  object(0x94, 'Application File Locator', 'アプリケーションファイルロケーター（AFL）', 'b', [0, 252], 'card', gpo),
  object(0x95, 'Terminal Verification Results', '端末検証結果（TVR）', 'b', 5, 'terminal', [], { bits: 'tvr' }),
  object(0x97, 'Transaction Certificate DOL (TDOL)', 'TDOL', 'dol', [0, 252], 'card', record),
  object(0x98, 'Transaction Certificate Hash Value', 'TCハッシュ値', 'b', 20, 'terminal'),
  object(0x99, 'Transaction PIN Data', 'PINデータ', 'b', any, 'terminal', [], { sensitive: 'pin' }),
  object(0x9a, 'Transaction Date', '取引日', 'n', 3, 'terminal'),
  object(0x9b, 'Transaction Status Information', '取引状態情報（TSI）', 'b', 2, 'terminal', [], { bits: 'tsi' }),
  object(0x9c, 'Transaction Type', '取引種別', 'n', 1, 'terminal'),
  object(0x9d, 'Directory Definition File Name', 'DDF名', 'b', [5, 16], 'card', dir),
  object(0x9f01, 'Acquirer Identifier', 'アクワイアラー識別子', 'n', 6, 'terminal'),
  object(0x9f02, 'Amount, Authorised (Numeric)', '承認金額', 'n', 6, 'terminal'),
  object(0x9f03, 'Amount, Other (Numeric)', 'その他金額', 'n', 6, 'terminal'),
  object(0x9f04, 'Amount, Other (Binary)', 'その他金額（2進）', 'b', 4, 'terminal'),
  object(0x9f05, 'Application Discretionary Data', 'アプリケーション任意データ', 'b', [1, 32], 'card', record),
  object(0x9f06, 'Application Identifier (terminal)', 'アプリケーション識別子（端末）', 'b', [5, 16], 'terminal'),
  object(0x9f07, 'Application Usage Control', 'アプリケーション使用管理（AUC）', 'b', 2, 'card', record, {
    bits: 'auc',
  }),
  object(0x9f08, 'Application Version Number (card)', 'アプリケーション版（カード）', 'b', 2, 'card', record),
  object(0x9f09, 'Application Version Number (terminal)', 'アプリケーション版（端末）', 'b', 2, 'terminal'),
  object(
    0x9f0a,
    'Application Selection Registered Proprietary Data',
    '選択用登録データ',
    'b',
    any,
    'card',
    discretionary,
  ),
  object(0x9f0b, 'Cardholder Name Extended', '会員名（拡張）', 'ans', [27, 45], 'card', record, { sensitive: 'name' }),
  object(0x9f0d, 'Issuer Action Code - Default', '発行者アクションコード（既定）', 'b', 5, 'card', record, {
    bits: 'tvr',
  }),
  object(0x9f0e, 'Issuer Action Code - Denial', '発行者アクションコード（拒否）', 'b', 5, 'card', record, {
    bits: 'tvr',
  }),
  object(0x9f0f, 'Issuer Action Code - Online', '発行者アクションコード（オンライン）', 'b', 5, 'card', record, {
    bits: 'tvr',
  }),
  object(0x9f10, 'Issuer Application Data', '発行者アプリケーションデータ（IAD）', 'b', [0, 32], 'card', gpo),
  object(0x9f11, 'Issuer Code Table Index', '文字コード表索引', 'n', 1, 'card', fci),
  object(0x9f12, 'Application Preferred Name', 'アプリケーション優先名', 'ans', [1, 16], 'card', [0x61, 0xa5]),
  object(0x9f13, 'Last Online ATC Register', '前回オンラインATC', 'b', 2, 'card'),
  object(0x9f14, 'Lower Consecutive Offline Limit', '連続オフライン下限', 'b', 1, 'card', record),
  object(0x9f15, 'Merchant Category Code', '加盟店業種コード', 'n', 2, 'terminal'),
  object(0x9f16, 'Merchant Identifier', '加盟店番号', 'ans', 15, 'terminal'),
  object(0x9f17, 'PIN Try Counter', 'PIN残回数', 'b', 1, 'card'),
  object(0x9f18, 'Issuer Script Identifier', '発行者スクリプト識別子', 'b', 4, 'issuer', [0x71, 0x72]),
  object(0x9f19, 'Token Requestor ID', 'トークン要求者ID', 'n', 6, 'card', record),
  object(0x9f1a, 'Terminal Country Code', '端末国コード', 'n', 2, 'terminal'),
  object(0x9f1b, 'Terminal Floor Limit', 'フロアリミット', 'b', 4, 'terminal'),
  object(0x9f1c, 'Terminal Identification', '端末識別番号', 'an', 8, 'terminal'),
  object(0x9f1d, 'Terminal Risk Management Data', '端末リスク管理データ', 'b', [1, 8], 'terminal'),
  object(0x9f1e, 'Interface Device (IFD) Serial Number', '端末製造番号', 'an', 8, 'terminal'),
  object(0x9f1f, 'Track 1 Discretionary Data', 'トラック1任意データ', 'ans', [0, 76], 'card', record, {
    sensitive: 'track',
  }),
  object(0x9f20, 'Track 2 Discretionary Data', 'トラック2任意データ', 'cn', [0, 19], 'card', record, {
    sensitive: 'track',
  }),
  object(0x9f21, 'Transaction Time', '取引時刻', 'n', 3, 'terminal'),
  object(0x9f22, 'Certification Authority Public Key Index (terminal)', 'CA公開鍵索引（端末）', 'b', 1, 'terminal'),
  object(0x9f23, 'Upper Consecutive Offline Limit', '連続オフライン上限', 'b', 1, 'card', record),
  object(0x9f24, 'Payment Account Reference', '決済口座参照番号（PAR）', 'an', 29, 'card', record),
  object(0x9f25, 'Last 4 Digits of PAN', 'PAN下4桁', 'n', 2, 'card', record),
  object(0x9f26, 'Application Cryptogram', 'アプリケーション暗号文（AC）', 'b', 8, 'card', gpo),
  object(0x9f27, 'Cryptogram Information Data', '暗号文情報データ（CID）', 'b', 1, 'card', gpo, { bits: 'cid' }),
  object(0x9f29, 'Extended Selection', '拡張選択', 'b', any, 'card', dir),
  object(0x9f2a, 'Kernel Identifier', 'カーネル識別子', 'b', [1, 8], 'card', dir),
  object(0x9f2d, 'ICC PIN Encipherment Public Key Certificate', 'PIN暗号化公開鍵証明書', 'b', [0, 248], 'card', record),
  object(0x9f2e, 'ICC PIN Encipherment Public Key Exponent', 'PIN暗号化公開鍵指数', 'b', [1, 3], 'card', record),
  object(0x9f2f, 'ICC PIN Encipherment Public Key Remainder', 'PIN暗号化公開鍵剰余', 'b', [0, 248], 'card', record),
  object(0x9f32, 'Issuer Public Key Exponent', '発行者公開鍵指数', 'b', [1, 3], 'card', record),
  object(0x9f33, 'Terminal Capabilities', '端末機能', 'b', 3, 'terminal', [], { bits: 'terminalCapabilities' }),
  object(0x9f34, 'CVM Results', '本人確認結果（CVM結果）', 'b', 3, 'terminal', [], { bits: 'cvmResult' }),
  object(0x9f35, 'Terminal Type', '端末種別', 'n', 1, 'terminal', [], { bits: 'terminalType' }),
  object(0x9f36, 'Application Transaction Counter', '取引カウンター（ATC）', 'b', 2, 'card', gpo),
  object(0x9f37, 'Unpredictable Number', '乱数（UN）', 'b', 4, 'terminal'),
  object(0x9f38, 'Processing Options DOL (PDOL)', 'PDOL', 'dol', [0, 252], 'card', fci),
  object(0x9f39, 'Point-of-Service Entry Mode', 'POSエントリーモード', 'n', 1, 'terminal'),
  object(0x9f3a, 'Amount, Reference Currency', '参照通貨金額', 'b', 4, 'terminal'),
  object(0x9f3b, 'Application Reference Currency', '参照通貨', 'n', [2, 8], 'card', record),
  object(0x9f3c, 'Transaction Reference Currency Code', '取引参照通貨コード', 'n', 2, 'terminal'),
  object(0x9f3d, 'Transaction Reference Currency Exponent', '取引参照通貨指数', 'n', 1, 'terminal'),
  object(0x9f40, 'Additional Terminal Capabilities', '追加端末機能', 'b', 5, 'terminal', [], {
    bits: 'additionalTerminalCapabilities',
  }),
  object(0x9f41, 'Transaction Sequence Counter', '取引通番', 'n', [2, 4], 'terminal'),
  object(0x9f42, 'Application Currency Code', 'アプリケーション通貨コード', 'n', 2, 'card', record),
  object(0x9f43, 'Application Reference Currency Exponent', '参照通貨指数', 'n', [1, 4], 'card', record),
  object(0x9f44, 'Application Currency Exponent', 'アプリケーション通貨指数', 'n', 1, 'card', record),
  object(0x9f45, 'Data Authentication Code', 'データ認証コード', 'b', 2, 'card'),
  object(0x9f46, 'ICC Public Key Certificate', 'IC公開鍵証明書', 'b', [0, 248], 'card', record),
  object(0x9f47, 'ICC Public Key Exponent', 'IC公開鍵指数', 'b', [1, 3], 'card', record),
  object(0x9f48, 'ICC Public Key Remainder', 'IC公開鍵剰余', 'b', [0, 248], 'card', record),
  object(0x9f49, 'Dynamic Data Authentication DOL (DDOL)', 'DDOL', 'dol', [0, 252], 'card', record),
  object(0x9f4a, 'Static Data Authentication Tag List', '静的データ認証タグリスト', 'b', any, 'card', record),
  object(0x9f4b, 'Signed Dynamic Application Data', '署名付き動的データ', 'b', [0, 248], 'card', gpo),
  object(0x9f4c, 'ICC Dynamic Number', 'IC動的番号', 'b', [2, 8], 'card'),
  object(0x9f4d, 'Log Entry', '取引ログ項目', 'b', 2, 'card', discretionary),
  object(0x9f4e, 'Merchant Name and Location', '加盟店名・所在地', 'ans', any, 'terminal'),
  object(0x9f4f, 'Log Format', '取引ログ形式', 'dol', any, 'card'),
  object(0x9f50, 'Offline Accumulator Balance', 'オフライン累計残高', 'n', 6, 'card', [], { scheme: 'mastercard' }),
  object(0x9f51, 'DRDOL', 'DRDOL', 'dol', any, 'card', record, { scheme: 'mastercard' }),
  object(0x9f53, 'Transaction Category Code', '取引カテゴリーコード', 'an', 1, 'terminal', [], {
    scheme: 'mastercard',
  }),
  object(0x9f53, 'Terminal Interchange Profile (static)', '端末交換プロファイル', 'b', 3, 'terminal', [], {
    scheme: 'jcb',
  }),
  object(0x9f5a, 'Application Program Identifier', 'アプリケーションプログラム識別子', 'b', [1, 16], 'card', [], {
    scheme: 'visa',
  }),
  object(0x9f5b, 'Issuer Script Results', '発行者スクリプト結果', 'b', [5, 252], 'terminal', [], {
    bits: 'scriptResult',
  }),
  object(0x9f5d, 'Available Offline Spending Amount', 'オフライン利用可能額', 'n', 6, 'card', [], { scheme: 'visa' }),
  object(0x9f5d, 'Application Capabilities Information', 'アプリケーション機能情報', 'b', 3, 'card', discretionary, {
    scheme: 'mastercard',
  }),
  object(0x9f5d, 'Electronic Cash Balance', '電子現金残高', 'n', 6, 'card', [], { scheme: 'unionpay' }),
  object(0x9f60, 'CVC3 (Track 1)', 'CVC3（トラック1）', 'b', 2, 'card', gpo, {
    scheme: 'mastercard',
    sensitive: 'track',
  }),
  object(0x9f61, 'CVC3 (Track 2)', 'CVC3（トラック2）', 'b', 2, 'card', gpo, {
    scheme: 'mastercard',
    sensitive: 'track',
  }),
  object(0x9f62, 'PCVC3 (Track 1)', 'PCVC3（トラック1）', 'b', 6, 'card', record, { scheme: 'mastercard' }),
  object(0x9f63, 'PUNATC (Track 1)', 'PUNATC（トラック1）', 'b', 6, 'card', record, { scheme: 'mastercard' }),
  object(0x9f63, 'Card Product Identification Information', 'カード製品識別情報', 'b', 16, 'card', record, {
    scheme: 'unionpay',
  }),
  object(0x9f64, 'NATC (Track 1)', 'NATC（トラック1）', 'b', 1, 'card', record, { scheme: 'mastercard' }),
  object(0x9f65, 'PCVC3 (Track 2)', 'PCVC3（トラック2）', 'b', 2, 'card', record, { scheme: 'mastercard' }),
  object(0x9f66, 'Terminal Transaction Qualifiers', '端末取引修飾子（TTQ）', 'b', 4, 'terminal', [], { bits: 'ttq' }),
  object(0x9f66, 'PUNATC (Track 2)', 'PUNATC（トラック2）', 'b', 2, 'card', record, { scheme: 'mastercard' }),
  object(0x9f67, 'NATC (Track 2)', 'NATC（トラック2）', 'b', 1, 'card', record, { scheme: 'mastercard' }),
  object(0x9f69, 'Card Authentication Related Data', 'カード認証関連データ', 'b', [5, 16], 'card', record, {
    scheme: 'visa',
  }),
  object(0x9f69, 'UDOL', 'UDOL', 'dol', any, 'card', record, { scheme: 'mastercard' }),
  object(0x9f6a, 'Unpredictable Number (Numeric)', '乱数（数値）', 'n', 4, 'terminal', [], { scheme: 'mastercard' }),
  object(0x9f6b, 'Track 2 Data', 'トラック2データ', 'b', [0, 19], 'card', record, {
    scheme: 'mastercard',
    sensitive: 'track',
  }),
  object(0x9f6c, 'Card Transaction Qualifiers', 'カード取引修飾子（CTQ）', 'b', 2, 'card', gpo, { bits: 'ctq' }),
  object(0x9f6d, 'Contactless Reader Capabilities', '非接触リーダー機能', 'b', 1, 'terminal', [], { scheme: 'amex' }),
  object(0x9f6d, 'Mag-stripe Application Version Number (reader)', '磁気モード版（リーダー）', 'b', 2, 'terminal', [], {
    scheme: 'mastercard',
  }),
  object(0x9f6e, 'Form Factor Indicator', '形状識別子', 'b', [4, 32], 'card', gpo),
  object(0x9f6e, 'Enhanced Contactless Reader Capabilities', '拡張非接触リーダー機能', 'b', 4, 'terminal', [], {
    scheme: 'amex',
  }),
  object(0x9f6e, 'Third Party Data', '第三者データ', 'b', [5, 32], 'card', record, { scheme: 'mastercard' }),
  object(0x9f7c, 'Customer Exclusive Data', '会員専用データ', 'b', [0, 32], 'card', gpo),
  object(0x9f7c, 'Merchant Custom Data', '加盟店独自データ', 'b', 20, 'terminal', [], { scheme: 'mastercard' }),
  object(0x9f7e, 'Mobile Support Indicator', 'モバイル対応識別子', 'b', 1, 'terminal', [], { scheme: 'mastercard' }),
  object(0xa5, 'FCI Proprietary Template', 'FCI独自テンプレート', 'template', template, 'card', [0x6f]),
  object(0xbf0c, 'FCI Issuer Discretionary Data', 'FCI発行者任意データ', 'template', template, 'card', fci),
  object(0xdf4b, 'POS Cardholder Interaction Information', '会員操作情報', 'b', 3, 'card', gpo, {
    scheme: 'mastercard',
  }),
  object(0xdf8101, 'DD Card (Track 2)', 'DD Card（トラック2）', 'b', any, 'terminal', [], {
    scheme: 'mastercard',
    sensitive: 'track',
  }),
  object(0xdf8115, 'Error Indication', 'エラー表示', 'b', 6, 'terminal', [], { scheme: 'mastercard' }),
  object(0xdf8116, 'User Interface Request Data', '画面表示要求', 'b', 22, 'terminal', [], { scheme: 'mastercard' }),
  object(0xdf8117, 'Card Data Input Capability', 'カード入力機能', 'b', 1, 'terminal', [], { scheme: 'mastercard' }),
  object(0xdf8118, 'CVM Capability - CVM Required', '本人確認機能（要求時）', 'b', 1, 'terminal', [], {
    scheme: 'mastercard',
  }),
  object(0xdf8119, 'CVM Capability - No CVM Required', '本人確認機能（不要時）', 'b', 1, 'terminal', [], {
    scheme: 'mastercard',
  }),
  object(0xdf811b, 'Kernel Configuration', 'カーネル設定', 'b', 1, 'terminal', [], { scheme: 'mastercard' }),
  object(0xdf811f, 'Security Capability', 'セキュリティ機能', 'b', 1, 'terminal', [], { scheme: 'mastercard' }),
  object(0xdf8120, 'Terminal Action Code - Default', '端末アクションコード（既定）', 'b', 5, 'terminal', [], {
    scheme: 'mastercard',
    bits: 'tvr',
  }),
  object(0xdf8121, 'Terminal Action Code - Denial', '端末アクションコード（拒否）', 'b', 5, 'terminal', [], {
    scheme: 'mastercard',
    bits: 'tvr',
  }),
  object(0xdf8122, 'Terminal Action Code - Online', '端末アクションコード（オンライン）', 'b', 5, 'terminal', [], {
    scheme: 'mastercard',
    bits: 'tvr',
  }),
  object(0xdf8123, 'Reader Contactless Floor Limit', '非接触フロアリミット', 'n', 6, 'terminal', [], {
    scheme: 'mastercard',
  }),
  object(
    0xdf8124,
    'Reader Contactless Transaction Limit (no on-device CVM)',
    '非接触取引上限（デバイス確認なし）',
    'n',
    6,
    'terminal',
    [],
    { scheme: 'mastercard' },
  ),
  object(
    0xdf8125,
    'Reader Contactless Transaction Limit (on-device CVM)',
    '非接触取引上限（デバイス確認あり）',
    'n',
    6,
    'terminal',
    [],
    { scheme: 'mastercard' },
  ),
  object(0xdf8126, 'Reader CVM Required Limit', '本人確認要求上限', 'n', 6, 'terminal', [], { scheme: 'mastercard' }),
  object(0xdf8129, 'Outcome Parameter Set', '結果パラメーター', 'b', 8, 'terminal', [], { scheme: 'mastercard' }),
  object(0xff8101, 'Torn Record', '中断取引記録', 'template', template, 'terminal', [], { scheme: 'mastercard' }),
  object(0xff8105, 'Data Record', '取引データ記録', 'template', template, 'terminal', [], { scheme: 'mastercard' }),
  object(0xff8106, 'Discretionary Data', '任意データ', 'template', template, 'terminal', [], { scheme: 'mastercard' }),
];

const byTag = new Map<number, readonly TagEntry[]>();
for (const entry of tagDictionary) byTag.set(entry.tag, [...(byTag.get(entry.tag) ?? []), entry]);

/** A data object's entry: the scheme's own meaning of the tag if it has one, else the one that all share, else any scheme's. */
export function tagEntry(tag: number, scheme?: Scheme): TagEntry | undefined {
  const entries = byTag.get(tag);
  if (entries === undefined) return undefined;
  return (
    entries.find((entry) => entry.scheme !== undefined && entry.scheme === scheme) ??
    entries.find((entry) => entry.scheme === undefined) ??
    entries[0]
  );
}

/** How an object is fitted into a data object list: by its format. */
export function dolFitOf(tag: number, scheme?: Scheme): DolFit {
  const format = tagEntry(tag, scheme)?.format;
  return format === 'n' ? 'numeric' : format === 'cn' ? 'compressedNumeric' : 'other';
}

/** Whether a value has a length that the dictionary allows; unknown tags may have any. */
export function hasRightLength(tag: number, lengthBytes: number, scheme?: Scheme): boolean {
  const entry = tagEntry(tag, scheme);
  return entry === undefined || (lengthBytes >= entry.lengthMin && lengthBytes <= entry.lengthMax);
}
