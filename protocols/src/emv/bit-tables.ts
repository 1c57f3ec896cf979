/** One statement that a bit (or a group of bits) makes. */
export interface BitMeaning {
  /** From 1, the leftmost byte. */
  readonly byte: number;
  readonly mask: number;
  /** The statement holds when the byte under the mask has this value. */
  readonly value: number;
  readonly en: string;
  readonly ja: string;
}

const bit = (byte: number, mask: number, en: string, ja: string): BitMeaning => ({ byte, mask, value: mask, en, ja });
const when = (byte: number, mask: number, value: number, en: string, ja: string): BitMeaning => ({
  byte,
  mask,
  value,
  en,
  ja,
});

/** Application interchange profile (82). EMV 4.3 Book 3, C1; byte 2 from EMV Books C-2, C-3 and C-5. */
const aip = [
  bit(1, 0x40, 'SDA supported', 'SDA対応'),
  bit(1, 0x20, 'DDA supported', 'DDA対応'),
  bit(1, 0x10, 'Cardholder verification is supported', '本人確認対応'),
  bit(1, 0x08, 'Terminal risk management is to be performed', '端末リスク管理を実施'),
  bit(1, 0x04, 'Issuer authentication is supported (EXTERNAL AUTHENTICATE)', '発行者認証対応'),
  bit(1, 0x02, 'On-device cardholder verification is supported', 'デバイス上の本人確認対応'),
  bit(1, 0x01, 'CDA supported', 'CDA対応'),
  bit(2, 0x80, 'EMV mode is supported (contactless)', 'EMVモード対応（非接触）'),
  bit(2, 0x40, 'Mobile phone with extended selection', 'モバイル端末（拡張選択）'),
  bit(2, 0x01, 'Relay resistance protocol is supported', 'リレー耐性プロトコル対応'),
];

/** Application usage control (9F07). EMV 4.3 Book 3, C2. */
const auc = [
  bit(1, 0x80, 'Valid for domestic cash transactions', '国内現金取引に使用可'),
  bit(1, 0x40, 'Valid for international cash transactions', '国際現金取引に使用可'),
  bit(1, 0x20, 'Valid for domestic goods', '国内物販に使用可'),
  bit(1, 0x10, 'Valid for international goods', '国際物販に使用可'),
  bit(1, 0x08, 'Valid for domestic services', '国内役務に使用可'),
  bit(1, 0x04, 'Valid for international services', '国際役務に使用可'),
  bit(1, 0x02, 'Valid at ATMs', 'ATMで使用可'),
  bit(1, 0x01, 'Valid at terminals other than ATMs', 'ATM以外の端末で使用可'),
  bit(2, 0x80, 'Domestic cashback allowed', '国内キャッシュバック可'),
  bit(2, 0x40, 'International cashback allowed', '国際キャッシュバック可'),
];

/** Terminal verification results (95); also the action codes, which have the same bits. EMV 4.3 Book 3, C5. */
const tvr = [
  bit(1, 0x80, 'Offline data authentication was not performed', 'オフラインデータ認証未実施'),
  bit(1, 0x40, 'SDA failed', 'SDA失敗'),
  bit(1, 0x20, 'ICC data missing', 'ICデータ欠落'),
  bit(1, 0x10, 'Card appears on the terminal exception file', 'カードがネガファイルに該当'),
  bit(1, 0x08, 'DDA failed', 'DDA失敗'),
  bit(1, 0x04, 'CDA failed', 'CDA失敗'),
  bit(1, 0x02, 'SDA selected', 'SDA選択'),
  bit(2, 0x80, 'ICC and terminal have different application versions', 'カードと端末のアプリケーション版が相違'),
  bit(2, 0x40, 'Expired application', '有効期限切れ'),
  bit(2, 0x20, 'Application not yet effective', '有効開始日前'),
  bit(2, 0x10, 'Requested service not allowed for the card product', '要求されたサービスは不可'),
  bit(2, 0x08, 'New card', '新規カード'),
  bit(3, 0x80, 'Cardholder verification was not successful', '本人確認不成功'),
  bit(3, 0x40, 'Unrecognised CVM', '未知の本人確認方法'),
  bit(3, 0x20, 'PIN try limit exceeded', 'PIN試行回数超過'),
  bit(3, 0x10, 'PIN entry required, but no working PIN pad', 'PINパッドなし・故障'),
  bit(3, 0x08, 'PIN entry required, PIN pad present, but no PIN entered', 'PIN未入力'),
  bit(3, 0x04, 'Online PIN entered', 'オンラインPIN入力'),
  bit(4, 0x80, 'Transaction exceeds the floor limit', 'フロアリミット超過'),
  bit(4, 0x40, 'Lower consecutive offline limit exceeded', '連続オフライン下限超過'),
  bit(4, 0x20, 'Upper consecutive offline limit exceeded', '連続オフライン上限超過'),
  bit(4, 0x10, 'Selected at random for online processing', '無作為選択によるオンライン処理'),
  bit(4, 0x08, 'Merchant forced the transaction online', '加盟店によるオンライン強制'),
  bit(5, 0x80, 'Default TDOL used', '既定TDOL使用'),
  bit(5, 0x40, 'Issuer authentication failed', '発行者認証失敗'),
  bit(5, 0x20, 'Script failed before the final GENERATE AC', '最終GENERATE AC前のスクリプト失敗'),
  bit(5, 0x10, 'Script failed after the final GENERATE AC', '最終GENERATE AC後のスクリプト失敗'),
  bit(5, 0x08, 'Relay resistance threshold exceeded', 'リレー耐性のしきい値超過'),
  bit(5, 0x04, 'Relay resistance time limits exceeded', 'リレー耐性の時間制限超過'),
  when(5, 0x03, 0x01, 'Relay resistance protocol not performed', 'リレー耐性プロトコル未実施'),
  when(5, 0x03, 0x02, 'Relay resistance protocol performed', 'リレー耐性プロトコル実施'),
];

/** Transaction status information (9B). EMV 4.3 Book 3, C6. */
const tsi = [
  bit(1, 0x80, 'Offline data authentication was performed', 'オフラインデータ認証実施'),
  bit(1, 0x40, 'Cardholder verification was performed', '本人確認実施'),
  bit(1, 0x20, 'Card risk management was performed', 'カードリスク管理実施'),
  bit(1, 0x10, 'Issuer authentication was performed', '発行者認証実施'),
  bit(1, 0x08, 'Terminal risk management was performed', '端末リスク管理実施'),
  bit(1, 0x04, 'Script processing was performed', 'スクリプト処理実施'),
];

/** Terminal capabilities (9F33). EMV 4.3 Book 4, A2. */
const terminalCapabilities = [
  bit(1, 0x80, 'Manual key entry', '手入力'),
  bit(1, 0x40, 'Magnetic stripe', '磁気ストライプ'),
  bit(1, 0x20, 'IC with contacts', '接触IC'),
  bit(2, 0x80, 'Plaintext PIN verified by the card', '平文PIN照合（カード）'),
  bit(2, 0x40, 'Enciphered PIN online', '暗号化PIN（オンライン）'),
  bit(2, 0x20, 'Signature (paper)', '署名（紙）'),
  bit(2, 0x10, 'Enciphered PIN verified by the card', '暗号化PIN照合（カード）'),
  bit(2, 0x08, 'No CVM required', '本人確認不要'),
  bit(3, 0x80, 'SDA', 'SDA'),
  bit(3, 0x40, 'DDA', 'DDA'),
  bit(3, 0x20, 'Card capture', 'カード取込み'),
  bit(3, 0x08, 'CDA', 'CDA'),
];

/** Additional terminal capabilities (9F40). EMV 4.3 Book 4, A3. */
const additionalTerminalCapabilities = [
  bit(1, 0x80, 'Cash', '現金'),
  bit(1, 0x40, 'Goods', '物販'),
  bit(1, 0x20, 'Services', '役務'),
  bit(1, 0x10, 'Cashback', 'キャッシュバック'),
  bit(1, 0x08, 'Inquiry', '照会'),
  bit(1, 0x04, 'Transfer', '振替'),
  bit(1, 0x02, 'Payment', '支払'),
  bit(1, 0x01, 'Administrative', '管理'),
  bit(2, 0x80, 'Cash deposit', '現金預入'),
  bit(3, 0x80, 'Numeric keys', '数字キー'),
  bit(3, 0x40, 'Alphabetic and special keys', '英字・記号キー'),
  bit(3, 0x20, 'Command keys', 'コマンドキー'),
  bit(3, 0x10, 'Function keys', 'ファンクションキー'),
  bit(4, 0x80, 'Print, attendant', '印字（係員）'),
  bit(4, 0x40, 'Print, cardholder', '印字（会員）'),
  bit(4, 0x20, 'Display, attendant', '表示（係員）'),
  bit(4, 0x10, 'Display, cardholder', '表示（会員）'),
  bit(4, 0x02, 'Code table 10', 'コード表10'),
  bit(4, 0x01, 'Code table 9', 'コード表9'),
  bit(5, 0x80, 'Code table 8', 'コード表8'),
  bit(5, 0x40, 'Code table 7', 'コード表7'),
  bit(5, 0x20, 'Code table 6', 'コード表6'),
  bit(5, 0x10, 'Code table 5', 'コード表5'),
  bit(5, 0x08, 'Code table 4', 'コード表4'),
  bit(5, 0x04, 'Code table 3', 'コード表3'),
  bit(5, 0x02, 'Code table 2', 'コード表2'),
  bit(5, 0x01, 'Code table 1', 'コード表1'),
];

/** Terminal transaction qualifiers (9F66). EMV Book A 2.x, table 5-4; EMV Book C-3. */
const ttq = [
  bit(1, 0x80, 'Magnetic-stripe mode supported', '磁気ストライプモード対応'),
  bit(1, 0x20, 'EMV mode supported', 'EMVモード対応'),
  bit(1, 0x10, 'EMV contact chip supported', '接触IC対応'),
  bit(1, 0x08, 'Offline-only reader', 'オフライン専用リーダー'),
  bit(1, 0x04, 'Online PIN supported', 'オンラインPIN対応'),
  bit(1, 0x02, 'Signature supported', '署名対応'),
  bit(
    1,
    0x01,
    'Offline data authentication for online authorisations supported',
    'オンライン承認時のオフラインデータ認証対応',
  ),
  bit(2, 0x80, 'Online cryptogram required', 'オンライン暗号文要求'),
  bit(2, 0x40, 'CVM required', '本人確認要求'),
  bit(2, 0x20, 'Contact chip offline PIN supported', '接触ICオフラインPIN対応'),
  bit(3, 0x80, 'Issuer update processing supported', '発行者更新処理対応'),
  bit(3, 0x40, 'Consumer device CVM supported', 'デバイス上の本人確認対応'),
];

/** Card transaction qualifiers (9F6C). EMV Book C-3, table A-1. */
const ctq = [
  bit(1, 0x80, 'Online PIN required', 'オンラインPIN要求'),
  bit(1, 0x40, 'Signature required', '署名要求'),
  bit(
    1,
    0x20,
    'Go online if offline data authentication fails and the reader can',
    'オフラインデータ認証失敗時はオンラインへ',
  ),
  bit(1, 0x10, 'Switch interface if offline data authentication fails', 'オフラインデータ認証失敗時は接触へ'),
  bit(1, 0x08, 'Go online if the application is expired', '期限切れ時はオンラインへ'),
  bit(1, 0x04, 'Switch interface for cash', '現金取引は接触へ'),
  bit(1, 0x02, 'Switch interface for cashback', 'キャッシュバックは接触へ'),
  bit(2, 0x80, 'Consumer device CVM performed', 'デバイス上の本人確認実施済み'),
  bit(2, 0x40, 'Card supports issuer update processing', 'カードは発行者更新処理に対応'),
];

/** Cryptogram information data (9F27). EMV 4.3 Book 3, 6.5.5.4, table 14. */
const cid = [
  when(1, 0xc0, 0x00, 'AAC: transaction declined', 'AAC（取引拒否）'),
  when(1, 0xc0, 0x40, 'TC: transaction approved', 'TC（取引承認）'),
  when(1, 0xc0, 0x80, 'ARQC: online authorisation requested', 'ARQC（オンライン承認要求）'),
  bit(1, 0x08, 'Advice required', 'アドバイス要求'),
  when(1, 0x07, 0x01, 'Service not allowed', 'サービス不可'),
  when(1, 0x07, 0x02, 'PIN try limit exceeded', 'PIN試行回数超過'),
  when(1, 0x07, 0x03, 'Issuer authentication failed', '発行者認証失敗'),
];

/** CVM results (9F34). EMV 4.3 Book 4, A4; method and condition come from `cvmMethods` and `cvmConditions`. */
const cvmResult = [
  when(3, 0xff, 0x00, 'Result unknown (for example signature)', '結果不明（署名など）'),
  when(3, 0xff, 0x01, 'Failed', '失敗'),
  when(3, 0xff, 0x02, 'Successful', '成功'),
];

/** Terminal type (9F35). EMV 4.3 Book 4, A1. */
const terminalType = [
  when(1, 0xf0, 0x10, 'Operated by a financial institution', '金融機関が運用'),
  when(1, 0xf0, 0x20, 'Operated by a merchant', '加盟店が運用'),
  when(1, 0xf0, 0x30, 'Operated by the cardholder', '会員が運用'),
  when(1, 0x0f, 0x01, 'Attended, online only', '有人・オンライン専用'),
  when(1, 0x0f, 0x02, 'Attended, offline with online capability', '有人・オンライン機能付きオフライン'),
  when(1, 0x0f, 0x03, 'Attended, offline only', '有人・オフライン専用'),
  when(1, 0x0f, 0x04, 'Unattended, online only', '無人・オンライン専用'),
  when(1, 0x0f, 0x05, 'Unattended, offline with online capability', '無人・オンライン機能付きオフライン'),
  when(1, 0x0f, 0x06, 'Unattended, offline only', '無人・オフライン専用'),
];

/** Issuer script results (9F5B). EMV 4.3 Book 4, A5. */
const scriptResult = [
  when(1, 0xf0, 0x00, 'Script not performed', 'スクリプト未実施'),
  when(1, 0xf0, 0x10, 'Script processing failed', 'スクリプト処理失敗'),
  when(1, 0xf0, 0x20, 'Script processing successful', 'スクリプト処理成功'),
];

/** Card status update of ARPC method 2. EMV 4.3 Book 3 (common core definitions), annex C10. */
const csu = [
  bit(1, 0x80, 'Proprietary authentication data included', '独自認証データあり'),
  bit(2, 0x80, 'Issuer approves the online transaction', '発行者承認'),
  bit(2, 0x40, 'Card block', 'カード閉塞'),
  bit(2, 0x20, 'Application block', 'アプリケーション閉塞'),
  bit(2, 0x10, 'Update the PIN try counter', 'PIN試行カウンター更新'),
  bit(2, 0x08, 'Go online on the next transaction', '次回取引はオンライン'),
];

/** All bit tables by name. */
export const bitTables = {
  aip,
  auc,
  tvr,
  tsi,
  terminalCapabilities,
  additionalTerminalCapabilities,
  ttq,
  ctq,
  cid,
  cvmResult,
  terminalType,
  scriptResult,
  csu,
} as const satisfies Record<string, readonly BitMeaning[]>;

/** A name in `bitTables`. */
export type BitTableName = keyof typeof bitTables;

/** Every statement that a value makes, in the order of the table. */
export const meaningsOf = (table: BitTableName, value: Uint8Array): readonly BitMeaning[] =>
  bitTables[table].filter(({ byte, mask, value: wanted }) => {
    const at = value[byte - 1];
    return at !== undefined && (at & mask) === wanted;
  });

/** Whether a value has a bit: byte from 1, bit from 8 (left) to 1, as EMV counts them. */
export const hasBit = (value: Uint8Array, byte: number, bitNumber: number): boolean =>
  ((value[byte - 1] ?? 0) & (1 << (bitNumber - 1))) !== 0;

/** A copy of a value with one bit set, counted as in `hasBit`. */
export function withBit(value: Uint8Array, byte: number, bitNumber: number): Uint8Array {
  const copy = Uint8Array.from(value);
  copy[byte - 1] = (copy[byte - 1] ?? 0) | (1 << (bitNumber - 1));
  return copy;
}
