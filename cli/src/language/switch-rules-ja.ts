import type { switchRulesEn } from './switch-rules-en.ts';

/** `emulate`とスイッチのルールの日本語テキスト。 */
export const switchRulesJa: typeof switchRulesEn = {
  emulate: {
    events: {
      ready: '準備完了',
      counts: '途中経過',
      ended: '終了',
      reconciled: '日計照合',
      verdict: '判定',
      lineDown: '回線未接続',
    },
  },
  paymentMethods: {
    columns: { scheme: 'ブランド', methods: '支払区分', instalments: '分割回数', least: '下限金額' },
  },
  switchRules: {
    columns: {
      version: '版',
      at: '日時',
      by: '変更者',
      reason: '理由',
      prefix: '先頭桁',
      scheme: 'ブランド',
      link: 'リンク',
      priority: '優先',
      cost: '手数料',
      verdict: '判定',
      card: 'カード',
      amount: '金額',
    },
    verdicts: {
      taken: '採用',
      next: '次の候補',
      'link-down': 'リンク停止中',
      'link-unknown': 'リンクなし',
      operation: '対象外の取引',
      entry: '対象外の読取方法',
      amount: '対象外の金額',
      hours: '時間外',
      day: '対象外の曜日',
    },
    states: { advising: '通知待ち', taken: '発行会社が承認', refused: '発行会社が拒否' },
    changed: (kind, version) => `${kind}: 版${version}を適用しました`,
    goes: (link, scheme, version) => `${scheme} → ${link} (経路表 ${version})`,
    nowhere: (version) =>
      `経路なし (経路表 ${version}): 当てはまる経路がなく、908で拒否されます。\n先頭桁の経路を追加してください: tsunagu switch rules show routing、その後 tsunagu switch rules set routing ファイル --reason …。`,
    away: (version) =>
      `現在は送信先なし (経路表 ${version}): 対象のリンクが切断されており、代行承認されなければ912で拒否されます。\nリンクの状態: tsunagu switch links、代行のルール: tsunagu switch rules show stand-in。`,
    standIn: (verdict) => `代行: ${verdict}`,
  },
  switchRates: {
    columns: { currency: '通貨', name: '名称', yen: '1単位の円', digits: 'カード' },
    from: (source, at, version) => `${source}のレート ${at} 版${version}`,
    markUp: (percent, minutes) => `上乗せ ${percent}%、提示の有効 ${minutes}分`,
    valid: (until) => `${until}まで有効`,
    stale: (since) => `${since}に期限切れ: 提示しません`,
    none: 'レートがないため、提示しません。',
  },
};
