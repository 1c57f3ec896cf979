import type { validityEn } from './validity-en.ts';

/** Texts about validity checks in Japanese. */
export const validityJa: typeof validityEn = {
  columns: {
    id: 'ID',
    at: '受付日時',
    link: 'リンク',
    file: 'ファイル',
    state: '状態',
    records: '件数',
    waiting: '回答待ち',
    refused: '不備',
  },
  state: { asking: '照会中', done: '完了' },
  none: '有効性チェックのファイルはありません。',
  sealed: (cards, path) => `${path}: ${cards}件をリンクの鍵で暗号化しました。`,
  taken: (id, records, refused) => `ファイル ${id}: ${records}件を受け付けました。不備 ${refused}行。`,
  waitingFor: (link, cards, isUp) =>
    `  ${link === '' ? '経路なし' : link} の回答待ち ${cards}件${isUp ? '' : '(停止中)'}`,
  fault: (line, sequence, says) =>
    `  ${line === null ? '' : `${line}行目 `}${sequence === null ? '' : `連番${sequence} `}${says}`,
  fetched: (path, records) => `${path}: ${records}件の回答を、送信元の鍵で暗号化したまま保存しました。`,
  opened: (path) => `${path}: 新しいカード番号を平文で含みます。本人だけが読めるようにしてあります。`,
  answerColumns: {
    reference: '照会番号',
    verdict: '判定',
    code: 'DE39',
    expiry: '有効期限',
    card: '新カード',
  },
};
