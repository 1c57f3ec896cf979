/** What a status word says about the command. */
export type StatusKind = 'done' | 'moreData' | 'wrongLe' | 'warning' | 'error';

/** A status word's meaning, in both languages. */
export interface StatusMeaning {
  readonly kind: StatusKind;
  readonly en: string;
  readonly ja: string;
}

interface StatusEntry extends StatusMeaning {
  /** Four hex digits; `x` stands for any digit. The first entry that fits wins. */
  readonly pattern: string;
}

/** Status words. ISO/IEC 7816-4:2020, 5.6, tables 5 and 6; EMV 4.3 Book 3, 6.3.5 and 6.5 for the words in payments. */
export const statusWords: readonly StatusEntry[] = [
  { pattern: '9000', kind: 'done', en: 'Done', ja: '正常終了' },
  {
    pattern: '61xx',
    kind: 'moreData',
    en: 'Done, xx more bytes are waiting (GET RESPONSE)',
    ja: '正常終了、残りデータあり（GET RESPONSE）',
  },
  { pattern: '6Cxx', kind: 'wrongLe', en: 'Wrong Le, repeat the command with Le = xx', ja: 'Le不正、Le=xxで再送' },
  { pattern: '6200', kind: 'warning', en: 'Warning, memory unchanged', ja: '警告、メモリ変更なし' },
  {
    pattern: '6281',
    kind: 'warning',
    en: 'Part of the returned data may be corrupted',
    ja: '返却データの一部が破損の可能性',
  },
  { pattern: '6282', kind: 'warning', en: 'End of file or record before Le bytes', ja: 'Le分を読む前にファイル末尾' },
  {
    pattern: '6283',
    kind: 'warning',
    en: 'Selected file or application is blocked',
    ja: '選択したアプリケーションは閉塞中',
  },
  { pattern: '6284', kind: 'warning', en: 'File control information badly formatted', ja: 'FCIの形式不正' },
  { pattern: '6285', kind: 'warning', en: 'Selected file is terminated', ja: '選択したファイルは終了状態' },
  { pattern: '62xx', kind: 'warning', en: 'Warning, memory unchanged', ja: '警告、メモリ変更なし' },
  { pattern: '6300', kind: 'warning', en: 'Authentication failed', ja: '認証失敗' },
  { pattern: '6381', kind: 'warning', en: 'File is full', ja: 'ファイルが満杯' },
  { pattern: '63Cx', kind: 'warning', en: 'Verification failed, x tries left', ja: '照合失敗、残り回数はx' },
  { pattern: '63xx', kind: 'warning', en: 'Warning, memory changed', ja: '警告、メモリ変更あり' },
  { pattern: '6400', kind: 'error', en: 'Execution error, memory unchanged', ja: '実行エラー、メモリ変更なし' },
  { pattern: '64xx', kind: 'error', en: 'Execution error, memory unchanged', ja: '実行エラー、メモリ変更なし' },
  { pattern: '6581', kind: 'error', en: 'Memory failure', ja: 'メモリ障害' },
  { pattern: '65xx', kind: 'error', en: 'Execution error, memory changed', ja: '実行エラー、メモリ変更あり' },
  { pattern: '66xx', kind: 'error', en: 'Security-related error', ja: 'セキュリティ関連エラー' },
  { pattern: '6700', kind: 'error', en: 'Wrong length', ja: '長さ不正' },
  { pattern: '67xx', kind: 'error', en: 'Wrong length', ja: '長さ不正' },
  { pattern: '6881', kind: 'error', en: 'Logical channel not supported', ja: '論理チャネル未対応' },
  { pattern: '6882', kind: 'error', en: 'Secure messaging not supported', ja: 'セキュアメッセージング未対応' },
  { pattern: '6883', kind: 'error', en: 'Last command of the chain expected', ja: 'チェーンの最終コマンドが必要' },
  { pattern: '6884', kind: 'error', en: 'Command chaining not supported', ja: 'コマンドチェーン未対応' },
  { pattern: '68xx', kind: 'error', en: 'Function of the class byte not supported', ja: 'CLAの機能に未対応' },
  { pattern: '6981', kind: 'error', en: 'Command incompatible with the file', ja: 'ファイル構造とコマンドが不適合' },
  { pattern: '6982', kind: 'error', en: 'Security status not satisfied', ja: 'セキュリティ条件未達' },
  { pattern: '6983', kind: 'error', en: 'Authentication method blocked', ja: '認証方法が閉塞（回数超過）' },
  { pattern: '6984', kind: 'error', en: 'Referenced data invalidated or unusable', ja: '参照データ使用不可' },
  { pattern: '6985', kind: 'error', en: 'Conditions of use not satisfied', ja: '使用条件を満たさない' },
  {
    pattern: '6986',
    kind: 'error',
    en: 'Command not allowed (no file selected); contactless: try another interface',
    ja: 'コマンド不許可（ファイル未選択）',
  },
  {
    pattern: '6987',
    kind: 'error',
    en: 'Secure messaging data objects missing',
    ja: 'セキュアメッセージングのデータ不足',
  },
  {
    pattern: '6988',
    kind: 'error',
    en: 'Secure messaging data objects wrong',
    ja: 'セキュアメッセージングのデータ不正',
  },
  { pattern: '69xx', kind: 'error', en: 'Command not allowed', ja: 'コマンド不許可' },
  { pattern: '6A80', kind: 'error', en: 'Wrong data in the command', ja: 'コマンドデータ不正' },
  {
    pattern: '6A81',
    kind: 'error',
    en: 'Function not supported (card blocked when selecting)',
    ja: '機能未対応（選択時はカード閉塞）',
  },
  { pattern: '6A82', kind: 'error', en: 'File or application not found', ja: 'ファイルまたはアプリケーションなし' },
  { pattern: '6A83', kind: 'error', en: 'Record not found', ja: 'レコードなし' },
  { pattern: '6A84', kind: 'error', en: 'Not enough memory in the file', ja: 'ファイル容量不足' },
  { pattern: '6A86', kind: 'error', en: 'Wrong P1 or P2', ja: 'P1またはP2不正' },
  { pattern: '6A87', kind: 'error', en: 'Lc inconsistent with P1-P2', ja: 'LcがP1-P2と不整合' },
  { pattern: '6A88', kind: 'error', en: 'Referenced data not found', ja: '参照データなし' },
  { pattern: '6Axx', kind: 'error', en: 'Wrong parameters', ja: 'パラメーター不正' },
  { pattern: '6Bxx', kind: 'error', en: 'Wrong P1 or P2 (offset outside the file)', ja: 'P1またはP2不正（範囲外）' },
  { pattern: '6Dxx', kind: 'error', en: 'Instruction not supported', ja: 'INS未対応' },
  { pattern: '6Exx', kind: 'error', en: 'Class not supported', ja: 'CLA未対応' },
  { pattern: '6Fxx', kind: 'error', en: 'No precise diagnosis', ja: '詳細不明のエラー' },
  { pattern: '9xxx', kind: 'warning', en: 'Status defined by the application', ja: 'アプリケーション固有のステータス' },
];

const unknown: StatusMeaning = { kind: 'error', en: 'Not a status word', ja: 'ステータスワードではありません' };

/** The meaning of a status word; the counters in 61xx, 6Cxx and 63Cx are written out. */
export function statusMeaning(sw: number): StatusMeaning {
  const text = sw.toString(16).toUpperCase().padStart(4, '0');
  const entry = statusWords.find(({ pattern }) => fits(pattern, text));
  if (entry === undefined) return unknown;
  const { kind, en, ja } = entry;
  if (kind === 'moreData' || kind === 'wrongLe') {
    const count = String((sw & 0xff) === 0 ? 256 : sw & 0xff);
    return { kind, en: en.replace('xx', count), ja: ja.replace('xx', count).replace('あり', `${count}バイトあり`) };
  }
  if (entry.pattern === '63Cx') {
    const tries = String(sw & 0x0f);
    return { kind, en: en.replace('x tries', `${tries} tries`), ja: ja.replace('x', tries) };
  }
  return { kind, en, ja };
}

/** Whether the command was carried out as asked. */
export const isDone = (sw: number): boolean => sw === 0x9000;

const fits = (pattern: string, text: string): boolean => {
  for (let index = 0; index < 4; index++) {
    const want = pattern.charAt(index);
    if (want !== 'x' && want !== text.charAt(index)) return false;
  }
  return true;
};
