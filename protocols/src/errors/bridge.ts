import { defineErrors } from './define.ts';

/** Errors of the bridge room: readers in use, emulated cards, kernel and payment application. */
export const bridgeErrors = defineErrors({
  ACQUIRER_UNREACHABLE: {
    en: {
      says: 'The switch cannot be reached; the request did not leave the terminal.',
      next: 'Check the link of the terminal, then make the sale again.',
    },
    ja: {
      says: 'センターに接続できません。要求電文は送信されていません。',
      next: '端末の回線を確認し、取引をやり直してください。',
    },
  },
  ACQUIRER_TIMEOUT: {
    en: {
      says: 'The switch did not answer in time.',
      next: 'The sale is reversed by itself; wait until the reversal is acknowledged, then try again.',
    },
    ja: {
      says: '制限時間内にセンターから応答がありません。',
      next: '取消電文は自動で送信されます。完了後にやり直してください。',
    },
  },
  ACQUIRER_ANSWER_UNUSABLE: {
    en: {
      says: 'The answer of the switch is not authentic, not readable, or not the answer to this request.',
      next: 'The sale is reversed by itself. If it repeats, compare the key check values of terminal and server.',
    },
    ja: {
      says: 'センターの応答が認証できない、読めない、または要求と一致しません。',
      next: '自動で取り消します。繰り返す場合は端末とサーバーの鍵のチェック値を照合してください。',
    },
  },
  REVERSAL_NOT_STORED: {
    en: {
      says: 'The terminal could not store the reversal that each sale needs beforehand.',
      next: 'No sale was made. Check free space and state of the terminal’s storage.',
    },
    ja: {
      says: '取引前に必要な取消データを保存できませんでした。',
      next: '取引は行われていません。端末の記憶領域の空きと状態を確認してください。',
    },
  },
  REVERSAL_QUEUE_FULL: {
    en: {
      says: 'Too many reversals wait for the switch.',
      next: 'No sale is made until some are acknowledged: check the link to the switch.',
    },
    ja: {
      says: '未送信の取消電文が上限に達しています。',
      next: '送信されるまで取引できません。センターとの回線を確認してください。',
    },
  },
  STAN_NOT_STORED: {
    en: {
      says: 'The terminal could not store its next trace number.',
      next: 'No sale was made. Check free space and state of the terminal’s storage.',
    },
    ja: {
      says: '次の通番を保存できませんでした。',
      next: '取引は行われていません。端末の記憶領域の空きと状態を確認してください。',
    },
  },
  SALE_IN_PROGRESS: {
    en: { says: 'The terminal is making another sale.', next: 'Wait until it has finished, then try again.' },
    ja: { says: '別の取引を処理中です。', next: '終了を待ってからやり直してください。' },
  },
  CARD_LISTED: {
    en: {
      says: 'The card is on the negative list.',
      next: 'Do not accept the card; follow the merchant’s rule for listed cards.',
    },
    ja: { says: '無効カード（ネガ）に該当します。', next: 'このカードは取り扱わず、加盟店の規定に従ってください。' },
  },
  CARD_UNKNOWN: {
    en: { says: 'There is no emulated card of that name.', next: 'Choose one of the names that the terminal lists.' },
    ja: { says: 'その名前の擬似カードはありません。', next: '端末が示す一覧から選んでください。' },
  },
  MODEL_HAS_NO_READER: {
    en: {
      says: 'This terminal model has no reader for this kind of card.',
      next: 'Use a card that it can read, or a model with such a reader (see the catalogue).',
    },
    ja: {
      says: 'この端末機種にはこの種類のカードのリーダーがありません。',
      next: '読み取れるカードを使うか、対応機種をご利用ください（機種カタログ参照）。',
    },
  },
  AMOUNT_ABOVE_LIMIT: {
    en: {
      says: 'The amount is above the limit of this terminal.',
      next: 'Lower the amount, or raise amountMaxMinor in the configuration.',
    },
    ja: {
      says: '金額がこの端末の上限を超えています。',
      next: '金額を下げるか、設定のamountMaxMinorを引き上げてください。',
    },
  },
  AMOUNT_INVALID: {
    en: { says: 'The amount is not a whole number of yen above zero.', next: 'Give whole yen, 1 or more.' },
    ja: { says: '金額が1以上の整数（円）ではありません。', next: '1円以上の整数で指定してください。' },
  },
});
