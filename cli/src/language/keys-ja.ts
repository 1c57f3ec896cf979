import type { keysEn } from './keys-en.ts';

/** 鍵管理の文言。 */
export const keysJa: typeof keysEn = {
  key: '鍵',
  use: '用途',
  kcv: '検査値',
  terminals: '端末数',
  terminal: '端末',
  slot: '格納先',
  state: '状態',
  from: '開始',
  to: '終了',
  counter: 'カウンター',
  current: '(現用)',
  lastSeen: '最終使用',
  below: (keys, terminals) => `下位の鍵 ${keys} 件、端末 ${terminals} 台`,
  due: '更新期限',
  made: '初期鍵数',
  rotation: {
    list: 'リスト',
    waitsFor: '待ち',
    states: {
      spreading: '新しい鍵を配布中',
      switching: 'リストを新しい鍵へ切り替え中',
      erasing: '端末が旧鍵を消去中',
      over: '完了(旧鍵を持つ端末なし)',
      withdrawing: '中止(端末が新しい鍵を消去中)',
      withdrawn: '中止(新しい鍵を持つ端末なし)',
    },
    times: (begun, switched, brokenOff) =>
      `開始 ${begun}${switched === undefined ? '' : `、切り替え ${switched}`}${brokenOff === undefined ? '' : `、中止 ${brokenOff}`}`,
    withdraw: (left) => `使わなくなった新しい鍵を持つ端末: ${left}台(リストは旧鍵のままです)`,
    breakOffAsked: (by, reason, approval) =>
      `${by} が中止を申請中です(${reason})。鍵管理者が承認すると中止します: tsunagu approvals approve ${approval}`,
    example: '--break-off --reason "登録元が全件を再送できない"',
    mayBeginAgain: (key) => `やり直すには tsunagu keys rotate ${key}、鍵を破棄するには tsunagu keys retire ${key}`,
    spread: (ready: number, lacking: number) => `新しい鍵: 保持 ${ready}台、未保持 ${lacking}台`,
    erase: (left: number) => `旧鍵を持つ端末: ${left}台`,
    awaitsSignatures: 'リスト鍵の署名: tsunagu negative sign',
    untagged: (source: string, cards: number) => `${source} のカード番号 ${cards}件の再送`,
    exceptions: (cards: number) => `例外カードの番号 ${cards}件: tsunagu negative allow`,
    why: {
      away: '未接続',
      state: '鍵を入れられない状態:',
      unprotected: '鍵ブロック保護鍵なし',
      'under-way': 'ジョブ実行中',
      refused: '拒否:',
      'next-contact': '次の接続待ち',
    },
    mayBeSwitched: (key: string) => `準備完了: tsunagu keys rotate ${key} --switch で切り替えます。`,
    mayBeRetired: (key: string) =>
      `旧鍵は過去のリストの証明用に残っています。tsunagu keys retire ${key} で破棄できます。`,
  },
  noReleases: '鍵配布ホストから解放されたことはありません。',
  released: (host, next) => (next === null ? `${host} との結び付きを解除` : `${host} から ${next} へ結び替え`),
  destroyed: '破棄済み',
  firstKeys: {
    'in-runs': '最初の鍵: 承認済みの鍵投入作業でのみ投入します(PCI PIN 3.1, 30-3)。',
    'at-first-contact':
      '最初の鍵: 端末の初回接続時に投入します。PCI PIN 3.1, 30-3 は適用されていません(サーバーに --key-in-runs が必要)。',
  },
  states: { good: '正常', suspect: '危殆化の疑い', retired: '破棄済み' },
  ceremonyStates: { entering: '入力待ち', confirming: '確認待ち', done: '完了', aborted: '中止' },
  runStates: { proposed: '承認待ち', open: '実施中', closed: '終了' },
  deviceStates: {
    listed: '未投入',
    submitted: '作業中',
    keyed: '注入済み',
    rejected: '却下',
    refused: '拒否(要調査)',
    investigated: '調査済み',
  },
  line: '行',
  manifestChecked: (total, failed) =>
    failed === 0
      ? `${total} 行すべて受け付けられます。保存はしていません。`
      : `${total} 行のうち ${failed} 行は受け付けられません。保存はしていません。`,
  missing: '未入力',
  typeComponent: 'コンポーネントを16進で入力してください。画面には表示されません。',
  campaign: (id) => `キャンペーン ${id} で交換します`,
  verified: (signer) => `記録は正当です。署名者は ${signer} です。別の手段で照合してください。`,
  unfinished: (signer) =>
    `未完了です。ここまでの記録は正当です。署名者は ${signer} です。別の手段で照合し、完了後に取得し直してください。`,
  awaits: {
    component: (from) => `残り: ${from} のコンポーネント入力`,
    confirmation: (from) => `残り: 検査値の確認(次のいずれか1名: ${from})`,
    authorisation: () => '残り: 二人目による承認',
    devices: (from) => `残り: ${from} の処理`,
    close: () => '残り: 終了操作',
  },
  noKeyCame: '中止されたため、鍵は作られていません。',
  authorised: (by, second) => `起案者 ${by}、承認者 ${second}`,
  balance: (listed, submitted, keyed, rejected, investigated) =>
    `一覧 ${listed}、投入 ${submitted} = 注入済み ${keyed} + 却下 ${rejected} + 調査済み ${investigated}`,
};
