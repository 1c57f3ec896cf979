import { defineErrors } from './define.ts';

/** Certificates, authorities, lives of terminals, and how long they can be saved. */
export const identityErrors = defineErrors({
  LIFECYCLE_FORBIDS: {
    en: {
      says: 'The terminal is in a state of its life that does not permit this.',
      next: 'See where it is and where it can go: tsunagu lifecycle show SERIAL.',
    },
    ja: {
      says: '端末の現在のライフサイクル状態では許可されていません。',
      next: '状態と遷移先を確認してください: tsunagu lifecycle show シリアル',
    },
  },
  LIFECYCLE_EDGE_UNKNOWN: {
    en: {
      says: 'No edge leads from the state that the terminal is in to that one.',
      next: 'Move it to one of the states that follow: tsunagu lifecycle show SERIAL lists them.',
    },
    ja: {
      says: '現在の状態からその状態への遷移はありません。',
      next: '可能な遷移先を選んでください: tsunagu lifecycle show シリアル',
    },
  },
  LIFECYCLE_EVIDENCE_MISSING: {
    en: {
      says: 'The edge asks for evidence that was not handed in.',
      next: 'Hand the named item in; the clause says why it is wanted. tsunagu lifecycle graph lists what each edge asks for.',
    },
    ja: {
      says: 'この遷移に必要な証跡が提出されていません。',
      next: '示された項目を提出してください(根拠条項付き)。各遷移の必要項目: tsunagu lifecycle graph',
    },
  },
  LIFECYCLE_EVIDENCE_DIFFERS: {
    en: {
      says: 'The evidence is not what is on record: another bag, seal, count or check value, or sales that are known to wait.',
      next: 'Compare it with tsunagu lifecycle show SERIAL. If it is true, quarantine the terminal and investigate.',
    },
    ja: {
      says: '証跡が記録と一致しません(封印袋、シール、接続数、鍵検査値、または未送信取引)。',
      next: 'tsunagu lifecycle show シリアルと照合し、事実であれば端末を隔離して調査してください。',
    },
  },
  EVIDENCE_DECLARATION_LENGTH: {
    en: {
      says: 'A declaration has 10 to 200 characters: a second person decides by it.',
      next: 'Say what is declared and how it is known, such as "display dead, battery removed, last sale delivered".',
    },
    ja: {
      says: '申告は10～200文字で記入します。二人目の承認者がこれで判断します。',
      next: '申告の内容と根拠を具体的に記入してください(例: 画面故障、電池取り外し済み、最終取引は送信済み)。',
    },
  },
  LIFECYCLE_KEYS_SUSPECT: {
    en: {
      says: 'A key of the terminal hangs on a base key that is suspect: it proves nothing any more.',
      next: 'Have it keyed anew (tsunagu keys run, or the campaign of tsunagu keys list), and read its check values again.',
    },
    ja: {
      says: '端末の鍵が、危殆化した基礎鍵に依存しています。検査値は証跡になりません。',
      next: '鍵を入れ直し（tsunagu keys run、または tsunagu keys list の一斉配信）、検査値を読み直してください。',
    },
  },
  LIFECYCLE_EVIDENCE_UNPROVEN: {
    en: {
      says: 'What the evidence names does not prove it: no such job, not of this terminal, not successful, or out of date.',
      next: 'Have it done anew (tsunagu job order SERIAL terminal.wipe, terminal.diagnose or terminal.test) and name that job.',
    },
    ja: {
      says: '証跡として示されたものでは証明できません(該当なし、別端末、不成功、または古い結果)。',
      next: '再実行し(tsunagu job order シリアル terminal.wipe / terminal.diagnose / terminal.test)、そのジョブを指定してください。',
    },
  },
  LIFECYCLE_STILL_SPEAKS: {
    en: {
      says: 'The terminal speaks: it is connected, or was heard of after the moment from which it is said to be silent or destroyed, or too lately to end its life on persons’ word.',
      next: 'Have it say and do it itself: tsunagu job order SERIAL terminal.diagnose, then terminal.wipe, and hand in those jobs. A declaration is for one that cannot speak any more.',
    },
    ja: {
      says: '端末はまだ応答しています(接続中か、無応答・破壊と申告した時刻より後に通信があったか、人の申告だけで廃棄するには最近すぎます)。',
      next: '端末自身に報告させてください: tsunagu job order シリアル terminal.diagnose、続いて terminal.wipe を実行し、そのジョブを指定します。申告は応答できない端末だけのものです。',
    },
  },
  LIFECYCLE_SALES_WAIT: {
    en: {
      says: 'Sales, advices or reversals wait in the terminal by what it said last, or it told of sales that the switch never got.',
      next: 'Put it back on its line and let it deliver. If it cannot speak any more, make each good by hand, and declare how many they were and what became of them: --owed-waiting N --owed-became WORDS.',
    },
    ja: {
      says: '端末の最後の報告では未送信の取引があるか、報告された取引がスイッチに届いていません。',
      next: '回線に戻して送信させてください。応答できない場合は1件ずつ手で処理し、件数と処理結果を申告します: --owed-waiting 件数 --owed-became 説明',
    },
  },
  LIFECYCLE_KEYS_LIVE: {
    en: {
      says: 'Keys of the terminal count in the ledger: it was keyed after the wipe that is named.',
      next: 'Wipe it anew (tsunagu job order SERIAL terminal.wipe) and name that job.',
    },
    ja: {
      says: '鍵台帳に有効な鍵が残っています(指定された消去の後に鍵が注入されています)。',
      next: '再度消去し(tsunagu job order シリアル terminal.wipe)、そのジョブを指定してください。',
    },
  },
  LIFECYCLE_MASS_DIFFERS: {
    en: {
      says: 'The recycler’s receipt weighs more than the terminal does by its model: it is of something else, or of more than this one.',
      next: 'Hand in the masses of this serial alone; tolerance is 15 % of the model’s mass. One that weighs less is taken.',
    },
    ja: {
      says: '再資源化受領書の質量が機種の質量を超えています(別の機器、または複数台分です)。',
      next: 'この端末1台分の質量を提出してください(許容差は機種質量の15%)。不足は受理されます。',
    },
  },
  LIFECYCLE_STATE_CONFLICT: {
    en: {
      says: 'The terminal is not in the state that the move starts from.',
      next: 'Look at it again: somebody has moved it meanwhile.',
    },
    ja: {
      says: '端末は指定された遷移元の状態にありません。',
      next: '状態を再確認してください。別の操作で移動されています。',
    },
  },
  MANUFACTURER_UNTRUSTED: {
    en: {
      says: 'The maker’s certificate does not count: not below an authority of this model, not of this serial, out of date, or its key was not shown.',
      next: 'Register the maker’s authority for the model (tsunagu manufacturer add), or enrol with the claim secret.',
    },
    ja: {
      says: 'メーカー証明書が無効です(機種の認証局外、シリアル不一致、期限切れ、または鍵の所持証明なし)。',
      next: '機種のメーカー認証局を登録するか(tsunagu manufacturer add)、登録用の秘密で登録してください。',
    },
  },
  MANUFACTURER_INVALID: {
    en: {
      says: 'This is no authority of a maker: not a CA certificate, or not a certificate at all.',
      next: 'Give the maker’s root or issuing certificate as PEM.',
    },
    ja: {
      says: 'メーカー認証局の証明書ではありません。',
      next: 'メーカーのルートまたは発行CA証明書(PEM)を指定してください。',
    },
  },
  AUTHORITY_UNKNOWN: {
    en: { says: 'There is no such authority.', next: 'See which there are: tsunagu ca show.' },
    ja: { says: 'その認証局はありません。', next: '一覧を確認してください: tsunagu ca show' },
  },
  AUTHORITY_ENDING: {
    en: {
      says: 'The issuing CA ends too soon to issue anything that lasts longer than what is there.',
      next: 'Rotate it now: tsunagu ca rotate (with an off-line root: ca request, ca sign, ca install).',
    },
    ja: {
      says: '発行CAの期限が近いため、より長い証明書を発行できません。',
      next: '直ちに更新してください: tsunagu ca rotate(オフラインルートの場合は ca request、ca sign、ca install)',
    },
  },
  AUTHORITY_IN_USE: {
    en: {
      says: 'Something still hangs on this authority: certificates below it, or terminals that know no other.',
      next: 'See which (tsunagu ca show); wait for them, issue their claims anew, or mark them lost.',
    },
    ja: {
      says: 'この認証局に依存する証明書または端末が残っています。',
      next: 'tsunagu ca showで確認し、更新を待つか、登録情報を再発行するか、紛失扱いにしてください。',
    },
  },
  AUTHORITY_CERTIFICATE_INVALID: {
    en: {
      says: 'The certificate does not answer the request: another key, not a CA, out of date, or not signed by a root that counts.',
      next: 'Sign the request of this server (tsunagu ca request) with a root of tsunagu ca show.',
    },
    ja: {
      says: '証明書が要求に対応していません(鍵違い、CAでない、期限切れ、または有効なルートの署名でない)。',
      next: 'このサーバーの要求(tsunagu ca request)に、tsunagu ca showのルートで署名してください。',
    },
  },
  ROOT_KEY_ELSEWHERE: {
    en: {
      says: 'The key of the root is not on this server.',
      next: 'Do this where the root’s file is: tsunagu ca sign, tsunagu ca anchors.',
    },
    ja: {
      says: 'ルートの鍵はこのサーバーにありません。',
      next: 'ルートファイルのある場所で実行してください: tsunagu ca sign、tsunagu ca anchors',
    },
  },
  ROOT_PROOF_INVALID: {
    en: {
      says: 'It was not shown that the root’s key is in safe hands elsewhere, so it stays here.',
      next: 'Export it again (tsunagu ca root export) and remove it with that file.',
    },
    ja: {
      says: 'ルート鍵の外部保管が確認できないため、削除しません。',
      next: '再度エクスポートし(tsunagu ca root export)、そのファイルで削除してください。',
    },
  },
  ROOT_FILE_INVALID: {
    en: {
      says: 'This is no file of a root, or the passphrase is another.',
      next: 'Check file and passphrase; nobody can open it without both.',
    },
    ja: {
      says: 'ルートファイルでないか、パスフレーズが違います。',
      next: 'ファイルとパスフレーズを確認してください。両方が必要です。',
    },
  },
  TRUST_DOCUMENT_INVALID: {
    en: {
      says: 'The document about roots does not count: not newer, of another tenant, or not signed by a root that is trusted and by each new one.',
      next: 'Make it anew from the present state: tsunagu ca anchors.',
    },
    ja: {
      says: 'ルートの告知文書が無効です(版、テナント、または署名)。',
      next: '現在の状態から作り直してください: tsunagu ca anchors',
    },
  },
  EXPIRY_NEAR: {
    en: {
      says: 'The last day on which this terminal can be saved from afar is near.',
      next: 'See what ends first and act before the day: tsunagu expiry.',
    },
    ja: {
      says: '端末を遠隔で救済できる最終日が近づいています。',
      next: '最初に切れるものを確認し、その日までに対処してください: tsunagu expiry',
    },
  },
  EXPIRY_PASSED: {
    en: {
      says: 'The last day on which this terminal could be relied on to be saved from afar is over.',
      next: 'Repair what ends first at once and hope for a contact; else it has to be visited: tsunagu expiry.',
    },
    ja: {
      says: '端末を遠隔で確実に救済できる最終日を過ぎました。',
      next: '直ちに対処して接続を待つか、現地作業を手配してください: tsunagu expiry',
    },
  },
});
