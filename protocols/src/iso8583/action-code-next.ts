import { actionCodes } from './action-codes.ts';
import { type CodeMeaning, ownEntry } from './function-codes.ts';

/** What whoever stands at the terminal can do about a "no", by its kind. */
const steps = {
  // Whoever answers so in the issuer's stead takes back what may have arrived there.
  later: {
    en: 'The payment does not stand: a request that may have reached the issuer is taken back by itself. Wait a minute and try again; if it stays so, take another means of payment.',
    ja: '取引は成立していません(発行会社に届いた可能性のある要求は自動で取り消されます)。1分ほど待って再試行し、続く場合は別の支払方法をご利用ください。',
  },
  askLater: {
    en: 'Nothing was booked. Wait a minute and ask again; if it stays so, give the action code and the trace number (STAN) to the help desk.',
    ja: '何も計上されていません。1分ほど待って再照会し、続く場合はアクションコードと端末通番をヘルプデスクへお知らせください。',
  },
  otherCard: {
    en: 'Take another card or another means of payment; only the issuer can tell the cardholder why.',
    ja: '別のカードまたは別の支払方法をご利用ください。理由はカード会員から発行会社へお問い合わせください。',
  },
  lessMoney: {
    en: 'Try a lower amount, another card, or another means of payment.',
    ja: '金額を下げるか、別のカードまたは別の支払方法をご利用ください。',
  },
  pin: {
    en: 'Let the cardholder enter the PIN once more, or take another card.',
    ja: '暗証番号をもう一度入力するか、別のカードをご利用ください。',
  },
  call: {
    en: 'Call the card company with the action code and the trace number (STAN) before another try.',
    ja: '再試行の前に、アクションコードと端末通番を添えてカード会社へ電話してください。',
  },
  keep: {
    en: 'Keep the card if that is safe, make no other try with it, and call the card company.',
    ja: '安全であればカードをお預かりし、再試行せずにカード会社へ電話してください。',
  },
  contract: {
    en: 'Take another means of payment, and ask the acquirer what this merchant and this terminal may do.',
    ja: '別の支払方法をご利用のうえ、加盟店・端末に許可された取引を加盟店管理会社へ確認してください。',
  },
  helpDesk: {
    en: 'Try once more; if it stays so, give the action code and the trace number (STAN) to the help desk.',
    ja: 'もう一度お試しください。続く場合はアクションコードと端末通番をヘルプデスクへお知らせください。',
  },
} as const satisfies Record<string, CodeMeaning>;

/** Codes whose step is not that of all others of their first digit. ISO 8583:1993, A.1. */
const named: Readonly<Record<string, keyof typeof steps>> = {
  '103': 'call',
  '105': 'call',
  '107': 'call',
  '108': 'call',
  '109': 'contract',
  '110': 'lessMoney',
  '115': 'contract',
  '116': 'lessMoney',
  '117': 'pin',
  '120': 'contract',
  '121': 'lessMoney',
  '126': 'helpDesk',
  '127': 'pin',
  '128': 'helpDesk',
  '905': 'contract',
  '906': 'later',
  '907': 'later',
  '909': 'later',
  '910': 'later',
  '911': 'later',
  '912': 'later',
  '920': 'later',
};

/**
 * What can be done about a "no" of issuer or network at a payment, or at an inquiry, of which nothing is taken back;
 * undefined for a "yes", and for codes that answer neither.
 */
export function nextAfterActionCode(code: string, asked: 'payment' | 'inquiry' = 'payment'): CodeMeaning | undefined {
  if (!/^[129]\d\d$/.test(code) || ownEntry(actionCodes, code)?.outcome === 'accepted') return undefined;
  const step =
    ownEntry(named, code) ?? (code.startsWith('1') ? 'otherCard' : code.startsWith('2') ? 'keep' : 'helpDesk');
  return steps[step === 'later' && asked === 'inquiry' ? 'askLater' : step];
}

/** What a 907 of one that serves at certain hours of the day only means (hh:mm, local time of Japan): nobody is out of order. */
export const describeOutsideHours = ({
  from,
  until,
}: {
  readonly from: string;
  readonly until: string;
}): CodeMeaning => ({
  en: `Outside of the bank’s hours (${from} to ${until}, Japan time)`,
  ja: `金融機関の取扱時間外(${from}～${until})`,
});

/** What can be done about a 907 of one that serves at certain hours of the day only (hh:mm, local time of Japan). */
export const nextAtHours = ({ from, until }: { readonly from: string; readonly until: string }): CodeMeaning => ({
  en: `Cards of this bank are served from ${from} to ${until} (Japan time): take another means of payment, or come back then.`,
  ja: `この金融機関の取扱時間は${from}から${until}までです。別の支払方法をご利用いただくか、取扱時間内に再度お取引ください。`,
});
