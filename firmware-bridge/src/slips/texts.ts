import type { PaymentKind, SaleOutcome } from '@tsunagu/protocols/fleet';

/** Every word of a slip. A slip in another language is another table. */
export interface SlipTexts {
  readonly titles: Readonly<Record<'payment' | 'noScheme' | 'transit' | 'totals', string>>;
  readonly copies: Readonly<Record<'customer' | 'merchant', string>>;
  readonly kinds: Readonly<Record<PaymentKind, string>>;
  readonly outcomes: Readonly<Record<SaleOutcome, string>>;
  readonly entries: Readonly<Record<'contact' | 'contactless' | 'stripe' | 'stored', string>>;
  readonly labels: Readonly<
    Record<
      | 'merchant'
      | 'terminal'
      | 'shop'
      | 'slip'
      | 'at'
      | 'kind'
      | 'scheme'
      | 'card'
      | 'entry'
      | 'application'
      | 'aid'
      | 'atc'
      | 'cryptogram'
      | 'approval'
      | 'stan'
      | 'rrn'
      | 'original'
      | 'payment'
      | 'total'
      | 'balance'
      | 'left'
      | 'signature'
      | 'result'
      | 'action'
      | 'tillCode'
      | 'day'
      | 'from'
      | 'until'
      | 'net'
      | 'waiting'
      | 'refused'
      | 'ownAmount'
      | 'ownBack'
      | 'rate'
      | 'markUp',
      string
    >
  >;
  readonly tax: (percent: number) => string;
  readonly count: (count: number) => string;
  readonly pinOk: string;
  readonly onDevice: string;
  readonly noSignature: string;
  readonly signed: string;
  readonly offline: string;
  /** What the cardholder chose, and who converts. @param currency ISO 4217 alphabetic code */
  readonly chosen: (currency: string) => string;
  /** At which rate it is given back. */
  readonly backAtRate: string;
  readonly queued: string;
  readonly points: (count: string) => string;
  readonly notMade: string;
  readonly again: string;
  readonly open: string;
  readonly closed: string;
}

export const slipTexts: Readonly<Record<'ja' | 'en', SlipTexts>> = {
  ja: {
    titles: {
      payment: 'クレジットカード売上票',
      noScheme: 'カード取引票',
      transit: '交通系電子マネー取引票',
      totals: '日計表',
    },
    copies: { customer: 'お客様控え', merchant: '加盟店控え' },
    kinds: {
      sale: '売上',
      void: '取消',
      refund: '返品',
      preauth: 'オーソリ',
      complete: '承認後売上',
      balance: '残高照会',
      charge: 'チャージ',
      issue: 'カード発行',
      history: '利用履歴',
    },
    outcomes: {
      approved: '承認',
      declined: '不承認',
      refused: '取扱不可',
      reversed: '取引取消済',
      failed: '取引未完了',
    },
    entries: { contact: 'IC', contactless: 'IC(非接触)', stripe: '磁気', stored: '再利用' },
    labels: {
      merchant: '加盟店名',
      terminal: '端末番号',
      shop: '加盟店番号',
      slip: '伝票番号',
      at: '取引日時',
      kind: '取引区分',
      scheme: 'カード会社',
      card: 'カード番号',
      entry: '読取方法',
      application: 'アプリ',
      aid: 'AID',
      atc: 'ATC',
      cryptogram: '暗号値',
      approval: '承認番号',
      stan: '端末通番',
      rrn: '検索参照番号',
      original: '元通番',
      payment: '支払区分',
      total: '合計金額',
      balance: '利用可能額',
      left: 'カード残額',
      signature: 'ご署名',
      result: '結果',
      action: '応答コード',
      tillCode: 'エラーコード',
      day: '営業日',
      from: '開始',
      until: '終了',
      net: '差引合計',
      waiting: '未送信',
      refused: '要確認',
      ownAmount: 'お支払額',
      ownBack: 'ご返金額',
      rate: '換算レート',
      markUp: '上乗せ率',
    },
    tax: (percent) => `(内消費税${percent}%)`,
    count: (count) => `${count}件`,
    pinOk: '暗証番号確認済',
    onDevice: '本人確認済(端末認証)',
    noSignature: 'サイン不要',
    signed: 'サイン済',
    offline: 'オフライン承認',
    chosen: (currency) =>
      `円と${currency}の選択肢の提示を受け、上記のレートと上乗せ率で${currency}でのお支払いを選択しました。換算は加盟店が行い、カードブランドによるものではありません。`,
    backAtRate: '売上時のレートで返金します。',
    queued: 'センター未送信',
    points: (count) => `${count}ポイント`,
    notMade: '取引不成立',
    again: '再印字',
    open: '営業中',
    closed: '締め済',
  },
  en: {
    titles: {
      payment: 'CREDIT CARD SLIP',
      noScheme: 'CARD SLIP',
      transit: 'TRANSIT CARD SLIP',
      totals: 'DAILY TOTALS',
    },
    copies: { customer: 'CUSTOMER COPY', merchant: 'MERCHANT COPY' },
    kinds: {
      sale: 'Sale',
      void: 'Void',
      refund: 'Refund',
      preauth: 'Authorisation',
      complete: 'Completion',
      balance: 'Balance',
      charge: 'Charge',
      issue: 'Card issue',
      history: 'History',
    },
    outcomes: {
      approved: 'APPROVED',
      declined: 'DECLINED',
      refused: 'REFUSED',
      reversed: 'REVERSED',
      failed: 'NOT COMPLETED',
    },
    entries: { contact: 'Chip', contactless: 'Contactless', stripe: 'Swiped', stored: 'On file' },
    labels: {
      merchant: 'Merchant',
      terminal: 'Terminal',
      shop: 'Merchant ID',
      slip: 'Slip No.',
      at: 'Date',
      kind: 'Type',
      scheme: 'Scheme',
      card: 'Card',
      entry: 'Entry',
      application: 'App',
      aid: 'AID',
      atc: 'ATC',
      cryptogram: 'AC',
      approval: 'Approval',
      stan: 'STAN',
      rrn: 'RRN',
      original: 'Original',
      payment: 'Payment',
      total: 'TOTAL',
      balance: 'Available',
      left: 'Left on card',
      signature: 'Signature',
      result: 'Result',
      action: 'Code',
      tillCode: 'Till code',
      day: 'Business day',
      from: 'From',
      until: 'Until',
      net: 'NET',
      waiting: 'Not sent',
      refused: 'To check',
      ownAmount: 'YOU PAY',
      ownBack: 'YOU GET BACK',
      rate: 'Rate',
      markUp: 'Mark-up',
    },
    tax: (percent) => `(incl. tax ${percent}%)`,
    count: (count) => `${count}`,
    pinOk: 'PIN OK',
    onDevice: 'Verified on device',
    noSignature: 'No signature required',
    signed: 'Signed',
    offline: 'Approved offline',
    chosen: (currency) =>
      `I was offered the choice between JPY and ${currency} and chose to pay in ${currency} at the rate and mark-up above. The conversion is made by the merchant, not by the card scheme.`,
    backAtRate: 'Given back at the rate of the sale.',
    queued: 'Not sent yet',
    points: (count) => `${count} points`,
    notMade: 'NO TRANSACTION',
    again: 'REPRINT',
    open: 'Open',
    closed: 'Closed',
  },
};
