import type { lifeEn } from './life-en.ts';

/** 証跡、受渡し、交換、整備、点検の文言。 */
export const lifeJa: typeof lifeEn = {
  bag: '封印袋',
  seals: '封印',
  sealsUnknown: '記録なし。次の工程で記録されるまで照合できません',
  connections: '接続数',
  edgesAsk: '各工程に必要な指定( | はいずれか一方):',
  edgesFree: '証拠の要らない工程:',
  caseChanged: '筐体が記録と異なる場合',
  couldBeTaken: (serial, state) => `${serial} は「${state}」へ移動できます(確認のみ、変更なし)。`,
  pending: (serial, state, approval) =>
    `${serial} は第二者の承認後に「${state}」へ移動します: tsunagu approvals approve ${approval}`,
  waits: (approval) => `承認待ち ${approval}`,
  imported: (succeeded, failed, dryRun) =>
    `${dryRun ? '実行可能' : '実行または承認待ち'} ${succeeded}件、拒否 ${failed}件。`,
  approvalColumns: { id: 'ID', kind: '種類', subject: '対象', by: '申請者', state: '状態' },
  decided: (kind, subject, state) => `${subject} の${kind}: ${state}`,
  keyMade: (kid, file) => `鍵 ${kid} を ${file} に作成しました。登録: tsunagu custody holder 名前 --key ${file}`,
  revoked: (at, successor) => `${at} 以降失効${successor === undefined ? '' : `、後継 ${successor}`}`,
  revokedHolds: (serials) =>
    `保管中: ${serials}。後継の鍵がないと引き渡せません: tsunagu custody revoke KID --reason … --successor KID`,
  revokedSigned: (serials) => `失効以降の署名あり: ${serials}。所在を確認し、疑わしい端末は隔離してください。`,
  wipesOrdered: (count) =>
    `${count} 台の消去を指示しました。それぞれ第二の承認が必要です: tsunagu approvals list。完了後: tsunagu workshop wiped ファイル --out フォルダ`,
  wipesCertified: (certified, missing, folder) =>
    `証明書 ${certified} 件と list.csv を ${folder} に保存しました${missing === 0 ? '' : `(未消去 ${missing} 台)`}。`,
  nobody: '保管者なし',
  offered: (serial, file) =>
    `${serial} の引渡しを ${file} に記録しました。受領者の署名: tsunagu custody accept ${file}`,
  accepted: (serial, file) => `${serial} に双方の署名が揃いました(${file})。送信: tsunagu custody deliver ${file}`,
  quarantined: (serial) => `${serial} を隔離しました。二名の承認まで鍵注入できません。`,
  alarm: { dwell: '滞留', gap: '受渡し記録なし' },
  verified: (terminals, handovers, findings) =>
    `端末${terminals}台、受渡し${handovers}件、${findings > 0 ? `異常${findings}件` : handovers === 0 ? '検証する記録がありません' : '異常なし'}`,
  swapStep: {
    begun: '開始',
    prepared: '設置場所と設定を引継ぎ済み',
    drained: '旧端末の未送信なし',
    handed: '新端末稼働、旧端末停止',
    closed: '完了',
    aborted: '中止',
  },
  swapWaits: {
    report: '旧端末の未送信なしの報告を待っています。応答がない場合: tsunagu swap old-is-dead ID',
    'old-approves-alone':
      '旧端末がオフライン承認の停止(フロアリミット0)を確認するのを待っています。確認: tsunagu config drift。応答がない場合: tsunagu swap old-is-dead ID',
    'old-state': '旧端末が設置済み状態ではありません。',
    'new-state': '新端末が輸送中ではありません。',
    'new-keys-missing': '新端末に固有の鍵がまだありません。',
    'new-keys-copied': '新端末が旧端末の鍵を保持しています。隔離してください。',
  },
  inspected: (serial, file) => `${serial} の点検結果に署名しました(${file})。送信: tsunagu inspect deliver ${file}`,
  nothingFound: '異常なし',
  deviceColumns: {
    serial: 'シリアル',
    model: '機種',
    place: '設置場所',
    state: '状態',
    last: '最終点検',
    found: '指摘',
    due: '期限',
  },
  workMissing: (steps) => `不足: ${steps.join('、')}。`,
  workWanted: {
    diagnosed: '結果に合う診断(tsunagu workshop note ID diagnosed --fault コード、異常なしは none)',
    'bench-test':
      '最後の部品交換後の試験合格(tsunagu bridge attest --nonce ID --out ファイル の後、tsunagu workshop note ID bench-test --attestation ファイル)',
    grade: '等級 A～C、修理不能は none(--grade A)',
    'closed:beyond-repair':
      '修理不能としての完了(tsunagu workshop note ID closed --outcome beyond-repair --grade none)',
    'rma-out': 'メーカーへの発送(tsunagu workshop note ID rma-out --vendor 名前 --number RMA番号)',
    returned: '返却(tsunagu lifecycle move シリアル returned --reason 理由 …)',
    refurbish: '整備中への移行(tsunagu lifecycle move シリアル refurbish --reason 理由)',
  },
  handIn: (items) => `提出してください: ${items.join('、')}。各遷移の必要項目: tsunagu lifecycle graph`,
  workIntake: { fault: '故障', 'end-of-contract': '契約終了', swap: '交換', recall: 'リコール' },
  workWarranty: '保証期間内',
  workKind: {
    diagnosed: '診断',
    'part-fitted': '部品取付',
    'part-harvested': '部品取外し',
    labour: '作業',
    'bench-test': '作業台試験',
    'rma-out': 'メーカー発送',
    'rma-in': 'メーカー返却',
    closed: '完了',
  },
  workPassed: { passed: '合格', failed: '不合格' },
  workFromStock: '在庫から',
  workVendor: { repaired: '修理済み', replaced: '交換', refused: '修理拒否' },
  partColumns: { part: '部品', from: '取外し元', at: '取外し日', fitted: '取付先', since: '取付日' },
  partLies: '保管中',
  workColumns: { id: 'ID', serial: 'シリアル', fault: '故障', outcome: '結果', cost: '費用', opened: '入庫' },
  workOutcome: {
    repaired: '修理済み',
    'no-fault-found': '異常なし',
    'beyond-repair': '修理不能',
    replaced: 'メーカー交換',
  },
  workReplaced: (serial) =>
    `${serial} を「ordered」で登録しました。受入れ(tsunagu lifecycle move ${serial} warehouse …)と登録情報の発行(tsunagu claim ${serial} --out ファイル)を行ってください。`,
  stockColumns: {
    part: '部品',
    count: '在庫',
    minimum: '最低数',
    counted: '棚卸し',
    at: '日時',
    by: '担当',
    kind: '種類',
    change: '増減',
  },
  stockKind: { received: '入荷', fitted: '取付', counted: '棚卸し', adjusted: '調整', minimum: '最低数設定' },
  stockLow: '最低数を下回っています。発注してください',
  stockIs: (part, count, minimum) => `${part}: 在庫 ${count}、最低数 ${minimum}`,
  workAtVendor: 'メーカー修理中（RMA）',
  workMinutes: (count) => `${count} 分`,
  figures: (finished, reuse, nff, cost, days) =>
    `完了${finished}件、再利用率${reuse}、異常なし率${nff}、再配備1台あたり¥${cost}・${days}日`,
  avoided: (waste, co2) => `廃棄抑制 ${waste} kg、CO2抑制 ${co2} kg(機器1kgあたり40kgと仮定)`,
  packWritten: (folder, files, signer) =>
    `${files}ファイルを ${folder} に出力しました。検証: node ${folder}/verify.mjs --signer ${signer}`,
};
