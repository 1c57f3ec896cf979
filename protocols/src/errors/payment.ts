import { defineErrors } from './define.ts';

/** Errors of the payment application: what may follow what, store and forward, sealed cards. */
export const paymentErrors = defineErrors({
  PAYMENT_UNKNOWN: {
    en: {
      says: 'The terminal knows no transaction with this number.',
      next: 'Check the STAN or RRN on the slip, and that the slip is of this terminal.',
    },
    ja: {
      says: 'この番号の取引は端末にありません。',
      next: '伝票の端末通番または検索参照番号と、端末番号を確認してください。',
    },
  },
  PAYMENT_RRN_TWICE: {
    en: {
      says: 'Several transactions of this terminal have this RRN: each issuer link counts its own.',
      next: 'Name the transaction by the STAN on its slip.',
    },
    ja: {
      says: 'この検索参照番号の取引が端末に複数あります（番号はカード会社のリンクごとに付きます）。',
      next: '伝票の端末通番で指定してください。',
    },
  },
  PAYMENT_NOT_FOR_CARD: {
    en: {
      says: 'This kind of payment cannot be made with this kind of card.',
      next: 'A charge needs a transit, gift or points card, an issue a gift or points card, history a transit card; a transit card takes sale, charge, balance and history, and is given back by a void.',
    },
    ja: {
      says: 'このカードではこの取引を行えません。',
      next: 'チャージは交通系ICカード・ギフトカード・ポイントカード、発行はギフトカードとポイントカード、利用履歴は交通系ICカード専用です。交通系ICカードでは売上・チャージ・残高照会・利用履歴・取消が行えます。',
    },
  },
  TRANSIT_NOT_TAKEN: {
    en: {
      says: 'The card did not take the amount: it was removed too early. Nothing was moved.',
      next: 'Make the payment again, and hold the card still until it is finished.',
    },
    ja: {
      says: 'カードが早く離れたため、引去り・チャージは行われていません。',
      next: '完了するまでカードを離さずに、取引をやり直してください。',
    },
  },
  TRANSIT_UNPROVEN: {
    en: {
      says: 'What the card did could not be learnt: the payment was reversed, and counts as not made.',
      next: 'Should the card have been debited or charged, its centre puts it right the next time it is held to a terminal.',
    },
    ja: {
      says: 'カードの処理結果を確認できなかったため、取引を取り消しました（不成立）。',
      next: '引去りまたはチャージ済みの場合は、次にカードを端末に置いたときにセンターが自動で補正します。',
    },
  },
  PAYMENT_NOT_APPROVED: {
    en: { says: 'The transaction was not approved: there is nothing to follow up.', next: 'Nothing has to be done.' },
    ja: { says: '元の取引は承認されていません。', next: '処理は不要です。' },
  },
  PAYMENT_NOT_FOLLOWABLE: {
    en: {
      says: 'A transaction of this kind cannot be followed up like this.',
      next: 'A void, refund or completion needs its sale or authorisation; a void or a balance inquiry cannot be voided.',
    },
    ja: {
      says: 'この種類の取引に対しては行えません。',
      next: '取消・返品・承認後売上には元の売上またはオーソリが必要です。取消と残高照会は取り消せません。',
    },
  },
  PAYMENT_VOIDED_ALREADY: {
    en: { says: 'The transaction was voided before.', next: 'Nothing has to be done.' },
    ja: { says: 'この取引は取消済です。', next: '処理は不要です。' },
  },
  PAYMENT_FOLLOWED_UP: {
    en: {
      says: 'The transaction was refunded or completed before.',
      next: 'Void the refund or the completion first: it is among the sales of the terminal.',
    },
    ja: {
      says: 'この取引は返品または承認後売上が済んでいます。',
      next: '先にその取引を取り消してください(端末の売上一覧にあります)。',
    },
  },
  PAYMENT_OF_ANOTHER_DAY: {
    en: { says: 'The transaction is of a business day that was closed.', next: 'Make a refund instead of a void.' },
    ja: { says: '締め後の取引は取り消せません。', next: '取消ではなく返品を行ってください。' },
  },
  PAYMENT_NOT_DELIVERED: {
    en: {
      says: 'The switch does not have this sale yet: it waits in the terminal.',
      next: 'Void it, or wait until the link is back and it was delivered.',
    },
    ja: { says: '元の売上はまだセンターに送信されていません。', next: '取消を行うか、送信完了を待ってください。' },
  },
  PAYMENT_INTERRUPTED: {
    en: { says: 'The power failed before the sale was settled; it was reversed.', next: 'Make the sale again.' },
    ja: { says: '取引の完了前に電源が切れたため、自動で取り消しました。', next: '取引をやり直してください。' },
  },
  REFUND_ABOVE_SALE: {
    en: {
      says: 'The refund is more than what is left of the sale.',
      next: 'Refund at most what is left; it is in the facts.',
    },
    ja: { says: '返品金額が売上の残額を超えています。', next: '残額以下で行ってください。' },
  },
  COMPLETION_ABOVE_AUTHORISED: {
    en: {
      says: 'The amount is more than may be posted of the authorisation.',
      next: 'Complete at most what is allowed, or authorise anew.',
    },
    ja: { says: '承認された金額を超えています。', next: '許容額以下で行うか、あらためてオーソリを取得してください。' },
  },
  OFFLINE_NOT_ALLOWED: {
    en: {
      says: 'Card and terminal may not approve this sale without the issuer.',
      next: 'Wait for the link: the negative file is not fresh, the card is listed, or the limits for offline sales are reached.',
    },
    ja: {
      says: 'この取引はオフラインで承認できません。',
      next: '回線の復旧を待ってください。ネガが古い、無効カード、またはオフライン上限です。',
    },
  },
  ADVICE_NOT_STORED: {
    en: {
      says: 'The terminal could not store or read an advice for the switch.',
      next: 'The transaction does not stand. Check free space and state of the terminal’s storage.',
    },
    ja: {
      says: 'センターへの通知を保存または読み出せません。',
      next: '取引は成立していません。端末の保存領域を確認してください。',
    },
  },
  ADVICE_QUEUE_FULL: {
    en: {
      says: 'Too many advices wait for the switch.',
      next: 'Bring the terminal online; what the switch refused has to be cleared by a person.',
    },
    ja: {
      says: 'センター未送信の通知が上限です。',
      next: '回線に接続してください。拒否された通知は係員の確認が必要です。',
    },
  },
  ADVICE_REFUSED: {
    en: {
      says: 'The switch refused an advice for good.',
      next: 'Compare the slip with the card company’s statement; the action code says why it was refused.',
    },
    ja: {
      says: 'センターが通知を受け付けませんでした。',
      next: '応答コードを確認し、カード会社の明細と照合してください。',
    },
  },
  VOID_UNDECIDED: {
    en: {
      says: 'The issuer has not said yet whether it gives back what was put onto the card.',
      next: 'Hand no money back before the terminal shows that the void was accepted: see tsunagu terminal SERIAL. The void is sent until the issuer answers; it may refuse it.',
    },
    ja: {
      says: 'カードに入れた価値を発行会社が戻すかどうか、まだ回答がありません。',
      next: '取消の成立が端末に表示されるまで返金しないでください(tsunagu terminal 端末番号 で確認)。回答があるまで自動で送信し続け、拒否されることもあります。',
    },
  },
  SALE_UNKNOWN: {
    en: { says: 'No transaction has this slip number.', next: 'Check the slip number.' },
    ja: { says: 'この伝票番号の取引はありません。', next: '伝票番号を確認してください。' },
  },
  SALE_NOT_STORED: {
    en: {
      says: 'The terminal could not store the transaction.',
      next: 'It does not stand. Check free space and state of the terminal’s storage.',
    },
    ja: { says: '取引を保存できません。', next: '取引は成立していません。端末の保存領域を確認してください。' },
  },
  PAYMENT_METHOD_NOT_AGREED: {
    en: {
      says: 'The contract of this shop with this card company does not have this payment method, this number of instalments, or not for this amount.',
      next: 'Take another one: tsunagu payment-methods shows what is offered. Contracts are in tsunagu switch rules show contracts.',
    },
    ja: {
      says: 'この加盟店とカード会社の契約では、この支払区分・分割回数・金額を取り扱えません。',
      next: '別の支払区分を選んでください。取扱可能な支払区分は tsunagu payment-methods、契約は tsunagu switch rules show contracts で確認できます。',
    },
  },
  PAYMENT_METHOD_INVALID: {
    en: {
      says: 'This payment method cannot be written like this.',
      next: '31 to 34 and 61 take --instalments 2 to 99; 21 to 24 and 31 to 34 may take --bonus MONTH or MONTH:YEN, up to six times; 10 and 80 take neither.',
    },
    ja: {
      says: '支払区分の指定が正しくありません。',
      next: '31〜34と61には --instalments 2〜99 が必要です。21〜24と31〜34には --bonus 月 または 月:金額 を6回まで指定できます。10と80にはどちらも指定できません。',
    },
  },
  SALE_STORE_FULL: {
    en: {
      says: 'The business day holds as many transactions as the terminal can keep.',
      next: 'Close the day: totals --close. With a time in its setting businessDayEnd the terminal does it by itself.',
    },
    ja: {
      says: '営業日の取引件数が上限です。',
      next: '日計(締め)を行ってください(totals --close)。設定 businessDayEnd に時刻があれば、端末が自動で締めます。',
    },
  },
  DAY_NOT_CLOSED: {
    en: {
      says: 'This terminal has closed no business day yet.',
      next: 'See the open one without --last, or close it: totals --close.',
    },
    ja: {
      says: 'この端末には締め済みの営業日がまだありません。',
      next: '--last を付けずに営業中の日計を表示するか、締めを行ってください(totals --close)。',
    },
  },
  CARD_BOX_BROKEN: {
    en: {
      says: 'The sealed card data cannot be opened: they are of another terminal, or were changed.',
      next: 'Present the card again.',
    },
    ja: { says: '暗号化されたカード情報を復号できません。', next: 'カードをもう一度読み取ってください。' },
  },
});
