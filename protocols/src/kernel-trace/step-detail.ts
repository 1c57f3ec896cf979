/** Words that steps of a payment add: how the card was presented, what the negative file said, how it ended. */
const words: Readonly<Record<string, { readonly en: string; readonly ja: string }>> = {
  contact: { en: 'contact', ja: '接触' },
  contactless: { en: 'contactless', ja: '非接触' },
  stripe: { en: 'stripe', ja: '磁気' },
  'technical fallback': { en: 'technical fallback', ja: '技術的フォールバック' },
  clear: { en: 'clear', ja: '該当なし' },
  listed: { en: 'listed', ja: '該当' },
  'range-listed': { en: 'listed by its range', ja: '範囲指定に該当' },
  stale: { en: 'the list is too old', ja: 'ネガの期限切れ' },
  'unknown-key': { en: 'no key for the list', ja: 'ネガ用の鍵なし' },
  removed: { en: 'removed', ja: '取り外し' },
  done: { en: 'done', ja: '完了' },
  notTaken: { en: 'not taken', ja: '未反映' },
  unproven: { en: 'unproven', ja: '未確認' },
  approved: { en: 'approved', ja: '承認' },
  declined: { en: 'declined', ja: '拒否' },
  refused: { en: 'refused', ja: '端末拒否' },
  reversed: { en: 'reversed', ja: '取消済' },
  failed: { en: 'failed', ja: '失敗' },
};

const wordOf = (part: string, language: 'en' | 'ja'): string =>
  Object.hasOwn(words, part) ? (words[part]?.[language] ?? part) : part;

/** The detail of a step for people: its words in their language; names, cryptogram types and codes stand as they are. */
export const stepDetail = (detail: string, language: 'en' | 'ja'): string =>
  detail
    .split(', ')
    .map((part) => wordOf(part, language))
    .join(language === 'ja' ? '、' : ', ');
