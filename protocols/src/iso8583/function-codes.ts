/** A code and its meaning in both languages. */
export interface CodeMeaning {
  readonly en: string;
  readonly ja: string;
}

/**
 * Function codes, DE24. ISO 8583:1993, A.5. Those marked private by a network (860 and the like) belong to its profile.
 */
export const functionCodes: Readonly<Record<string, CodeMeaning>> = {
  '100': { en: 'Original authorization, amount accurate', ja: 'オーソリ(金額確定)' },
  '101': { en: 'Original authorization, amount estimated', ja: 'オーソリ(金額見込み)' },
  '102': { en: 'Replacement authorization, amount accurate', ja: '差替オーソリ(金額確定)' },
  '103': { en: 'Replacement authorization, amount estimated', ja: '差替オーソリ(金額見込み)' },
  '104': { en: 'Resubmission, amount accurate', ja: '再オーソリ(金額確定)' },
  '105': { en: 'Resubmission, amount estimated', ja: '再オーソリ(金額見込み)' },
  '106': { en: 'Supplementary authorization, amount accurate', ja: '追加オーソリ(金額確定)' },
  '107': { en: 'Supplementary authorization, amount estimated', ja: '追加オーソリ(金額見込み)' },
  '108': { en: 'Inquiry', ja: '照会' },
  '200': { en: 'Original financial request or advice', ja: '売上' },
  '201': { en: 'Previously approved authorization, amount the same', ja: '承認済売上(同額)' },
  '202': { en: 'Previously approved authorization, amount differs', ja: '承認済売上(金額相違)' },
  '203': { en: 'Resubmission of a denied financial request', ja: '売上再送信' },
  '204': { en: 'Resubmission of a reversed financial request', ja: '取消後の売上再送信' },
  '205': { en: 'First representment', ja: '第1回再呈示' },
  '206': { en: 'Second representment', ja: '第2回再呈示' },
  '207': { en: 'Third or later representment', ja: '第3回以降の再呈示' },
  '300': { en: 'Unassigned file action', ja: 'ファイル更新(未割当)' },
  '301': { en: 'Add record', ja: 'レコード追加' },
  '302': { en: 'Change record', ja: 'レコード変更' },
  '303': { en: 'Delete record', ja: 'レコード削除' },
  '304': { en: 'Replace record', ja: 'レコード置換' },
  '305': { en: 'Inquire record', ja: 'レコード照会' },
  '306': { en: 'Replace file', ja: 'ファイル置換' },
  '307': { en: 'Add file', ja: 'ファイル追加' },
  '308': { en: 'Delete file', ja: 'ファイル削除' },
  '309': { en: 'Card administration', ja: 'カード管理' },
  '400': { en: 'Full reversal, transaction did not complete as approved', ja: '全額取消' },
  '401': { en: 'Partial reversal, transaction did not complete for the full amount', ja: '一部取消' },
  '450': { en: 'First full chargeback', ja: '第1回チャージバック(全額)' },
  '451': { en: 'Second full chargeback', ja: '第2回チャージバック(全額)' },
  '453': { en: 'First partial chargeback', ja: '第1回チャージバック(一部)' },
  '500': { en: 'Final reconciliation', ja: '最終精算' },
  '501': { en: 'Checkpoint reconciliation', ja: '中間精算' },
  '502': { en: 'Final reconciliation in a given currency', ja: '最終精算(通貨指定)' },
  '503': { en: 'Checkpoint reconciliation in a given currency', ja: '中間精算(通貨指定)' },
  '504': { en: 'Request for reconciliation totals', ja: '精算合計の要求' },
  '600': { en: 'Original transaction data, retrieval request', ja: '元取引データの請求' },
  '601': { en: 'Original transaction data, repeat request', ja: '元取引データの再請求' },
  '650': { en: 'Unable to parse message', ja: '電文解析不能' },
  '800': { en: 'System condition', ja: 'システム状態' },
  '801': { en: 'Sign-on', ja: '開局' },
  '802': { en: 'Sign-off', ja: '閉局' },
  '803': { en: 'Target system unavailable', ja: '宛先システム停止' },
  '804': { en: 'Backup mode', ja: 'バックアップモード' },
  '805': { en: 'Special instructions', ja: '特別指示' },
  '806': { en: 'Alternate routing', ja: '代替経路' },
  '810': { en: 'System security', ja: 'システムセキュリティ' },
  '811': { en: 'Key change', ja: '鍵交換' },
  '812': { en: 'Security alert', ja: 'セキュリティ警報' },
  '813': { en: 'Password change', ja: 'パスワード変更' },
  '814': { en: 'Device authentication', ja: '装置認証' },
  '820': { en: 'System accounting', ja: 'システム計数' },
  '821': { en: 'Cutover', ja: '業務日切替' },
  '822': { en: 'Checkpoint', ja: 'チェックポイント' },
  '830': { en: 'System audit control', ja: 'システム監査' },
  '831': { en: 'Echo test', ja: 'エコーテスト' },
};

/** The entry of a table that a code from outside names, and never what every object has, such as `constructor`. */
export const ownEntry = <T>(table: Readonly<Record<string, T>>, code: string): T | undefined =>
  Object.hasOwn(table, code) ? table[code] : undefined;

/** The meaning of a function code, where the standard gives one. */
export const describeFunctionCode = (code: string): CodeMeaning | undefined => ownEntry(functionCodes, code);
