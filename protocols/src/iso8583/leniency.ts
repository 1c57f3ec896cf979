/**
 * What a link may be allowed beyond the strict reading, each by name and with the device that needs it.
 * A decoded message names those it made use of, so that they can be counted and shown.
 */
export const leniencyNames = ['trailing-lf', 'f-pad', 'ans-8bit'] as const;

/** The name of a leniency. */
export type Leniency = (typeof leniencyNames)[number];

/** Each leniency with its reason. */
export const leniencies: Readonly<Record<Leniency, { readonly en: string; readonly ja: string }>> = {
  'trailing-lf': {
    en: 'One LF or CR LF after the last field: hosts that write messages to line-oriented queues.',
    ja: '最後の項目の後の改行(LFまたはCR LF)を1つ許す。行単位のキューを使うホスト向け。',
  },
  'f-pad': {
    en: 'A filler nibble F instead of 0 beside an odd number of packed digits: EMV-minded terminals pad card numbers so.',
    ja: '奇数桁BCDの埋め草に0のほかFを許す。カード番号をF詰めする端末向け。',
  },
  'ans-8bit': {
    en: 'Bytes 80 to FF in ans fields of ASCII dialects: half-width kana (JIS X 0201) in shop names.',
    ja: 'ASCII方言のans項目に80-FFを許す。加盟店名の半角カナ(JIS X 0201)向け。',
  },
};
