import { counted } from '../kit/index.ts';
import { unheardText } from './unheard.ts';
import type { Cause, CauseCode } from './why.ts';

type Facts = Cause['facts'];
type Sentence = (facts: Facts) => string;
interface Told {
  readonly en: Sentence;
  readonly ja: Sentence;
}

const fact = (facts: Facts, name: string): string => String(facts[name] ?? '?');
const suffix = (text: string | number | undefined, before: string, after = ''): string =>
  text === undefined || text === '' ? '' : `${before}${text}${after}`;

/** Whether the server signs this part of a software repository by itself. */
const isOnline = (facts: Facts): boolean => facts['role'] === 'snapshot' || facts['role'] === 'timestamp';

/** What each cause says to a person, in both languages. */
export const causeTexts: Readonly<Record<CauseCode, Told>> = {
  TERMINAL_UNKNOWN: { en: () => 'There is no such terminal.', ja: () => '該当する端末がありません。' },
  TARGET_UNKNOWN: {
    en: (facts) =>
      facts['slot'] === undefined
        ? 'There is no such campaign.'
        : `It has no key slot "${facts['slot']}"; its slots are ${fact(facts, 'slots')}.`,
    ja: (facts) =>
      facts['slot'] === undefined
        ? '該当する配信がありません。'
        : `鍵スロット「${facts['slot']}」はこの端末にありません(あるスロット: ${fact(facts, 'slots')})。`,
  },
  DONE: { en: () => 'It has it already.', ja: () => '適用済みです。' },
  CAMPAIGN_NONE: {
    en: (facts) => `No campaign brings ${fact(facts, 'wanted')}${suffix(facts['version'], '; it runs ')}.`,
    ja: (facts) => `${fact(facts, 'wanted')}を配信する計画がありません${suffix(facts['version'], '(現在', ')')}。`,
  },
  NOT_IN_COHORT: {
    en: (facts) =>
      `It is not among the terminals of "${fact(facts, 'campaign')}"${suffix(facts['test'], ': not true is ')}.`,
    ja: (facts) => `「${fact(facts, 'campaign')}」の対象外です${suffix(facts['test'], '(不成立: ', ')')}。`,
  },
  LIFECYCLE: {
    en: (facts) =>
      unheardText(facts['state'], 'en') ?? `Its place in life forbids it: ${facts['state'] ?? facts['test'] ?? ''}.`,
    ja: (facts) =>
      unheardText(facts['state'], 'ja') ?? `ライフサイクル状態により不可: ${facts['state'] ?? facts['test'] ?? ''}。`,
  },
  TAMPERED: {
    en: () => 'It was tampered with: it goes to the workshop.',
    ja: () => '開封検知済みです。修理拠点へ送付してください。',
  },
  NEVER_ENROLLED: {
    en: () => 'It is not enrolled, never or not since it was wiped: it needs a claim.',
    ja: () => '未登録、または消去後に未登録です。登録票が必要です。',
  },
  CERTIFICATE_ENDED: {
    en: () => 'Its certificate was revoked or has expired: it needs a new claim.',
    ja: () => '証明書が失効または期限切れです。登録票の再発行が必要です。',
  },
  CAMPAIGN_REJECTED: {
    en: (facts) => `"${fact(facts, 'campaign')}" was rejected by ${fact(facts, 'by')}.`,
    ja: (facts) => `「${fact(facts, 'campaign')}」は${fact(facts, 'by')}が却下しました。`,
  },
  CAMPAIGN_PROPOSED: {
    en: (facts) => `"${fact(facts, 'campaign')}" waits for a second person's approval.`,
    ja: (facts) => `「${fact(facts, 'campaign')}」は別の担当者の承認待ちです。`,
  },
  GATE_FAILED: {
    en: (facts) => `"${fact(facts, 'campaign')}" was stopped: sales of updated terminals were worse.`,
    ja: (facts) => `「${fact(facts, 'campaign')}」は更新済み端末の取引悪化により停止しました。`,
  },
  CAMPAIGN_ABORTED: {
    en: (facts) =>
      `"${fact(facts, 'campaign')}" was aborted${suffix(facts['by'], ' by ')}${suffix(facts['reason'], ': ')}.`,
    ja: (facts) =>
      `「${fact(facts, 'campaign')}」は中止されました${suffix(facts['by'], '(', ')')}${suffix(facts['reason'], ': ')}。`,
  },
  CAMPAIGN_ENDED: {
    en: (facts) => `"${fact(facts, 'campaign')}" has ended.`,
    ja: (facts) => `「${fact(facts, 'campaign')}」は終了しています。`,
  },
  FAILED: {
    en: (facts) =>
      `It failed for good after ${counted(Number(facts['attempts'] ?? 0), 'order')}${suffix(facts['fault'], ': ')}.`,
    ja: (facts) => `${fact(facts, 'attempts')}回の指示後に失敗が確定しました${suffix(facts['fault'], ': ')}。`,
  },
  MODEL_WITHOUT_IMAGE: {
    en: (facts) => `There is no image for its model ${fact(facts, 'model')}.`,
    ja: (facts) => `機種${fact(facts, 'model')}用のイメージがありません。`,
  },
  HARDWARE_UNFIT: {
    en: (facts) => `The image is for hardware ${fact(facts, 'wanted')}; its revision is ${fact(facts, 'revision')}.`,
    ja: (facts) =>
      `イメージの対象ハードウェア(${fact(facts, 'wanted')})に端末のリビジョン${fact(facts, 'revision')}が含まれていません。`,
  },
  MODEL_CANNOT: {
    en: (facts) => `Its model ${fact(facts, 'model')} cannot do that: ${fact(facts, 'lacked')}.`,
    ja: (facts) => `機種${fact(facts, 'model')}では実行できません: ${fact(facts, 'lacked')}。`,
  },
  ALREADY_NEWER: {
    en: (facts) => `It runs ${fact(facts, 'version')}, which is newer than ${fact(facts, 'wanted')}.`,
    ja: (facts) => `${fact(facts, 'wanted')}より新しい${fact(facts, 'version')}が動作中です。`,
  },
  NOT_ATTESTED: { en: () => 'The image is not attested on real hardware.', ja: () => 'イメージの実機検証が未了です。' },
  SOFTWARE_EXPIRED: {
    en: (facts) =>
      `What ${fact(facts, 'role')} signed of the software ended on ${fact(facts, 'expired')}: terminals refuse it. ${
        isOnline(facts)
          ? 'The server signs it by itself; its log says why it does not.'
          : `Sign it anew: "tsunagu software renew ${fact(facts, 'role')}".`
      } All goes on then.`,
    ja: (facts) =>
      `ソフトウェアの${fact(facts, 'role')}メタデータが${fact(facts, 'expired')}に期限切れのため、端末が受け付けません。${
        isOnline(facts)
          ? '通常はサーバーが自動で署名します(ログを確認)。'
          : `「tsunagu software renew ${fact(facts, 'role')}」で署名し直してください。`
      }その後、自動で再開します。`,
  },
  BEYOND_MODEL: {
    en: (facts) => `Its model ${fact(facts, 'model')} cannot do ${fact(facts, 'setting')}.`,
    ja: (facts) => `機種${fact(facts, 'model')}は${fact(facts, 'setting')}に対応していません。`,
  },
  SETTING_OVERRIDDEN: {
    en: (facts) => `Its own layer sets ${fact(facts, 'setting')}, and goes first.`,
    ja: (facts) => `端末個別の設定${fact(facts, 'setting')}が優先されています。`,
  },
  SETTING_CONTRADICTS: {
    en: (facts) => `There ${fact(facts, 'setting')} would contradict ${fact(facts, 'with')}.`,
    ja: (facts) => `${fact(facts, 'setting')}が${fact(facts, 'with')}と矛盾します。`,
  },
  DRIFT: {
    en: (facts) => `It cannot apply what is desired: ${fact(facts, 'reason')}.`,
    ja: (facts) => `希望設定を適用できません: ${fact(facts, 'reason')}。`,
  },
  KEY_SLOT_EMPTY: {
    en: (facts) => `Its key slot "${fact(facts, 'slot')}" is empty.`,
    ja: (facts) => `鍵スロット「${fact(facts, 'slot')}」が空です。`,
  },
  CAMPAIGN_PAUSED: {
    en: (facts) =>
      `"${fact(facts, 'campaign')}" is paused${suffix(facts['by'], ' by ')}${suffix(facts['reason'], ': ')}.`,
    ja: (facts) =>
      `「${fact(facts, 'campaign')}」は一時停止中です${suffix(facts['by'], '(', ')')}${suffix(facts['reason'], ': ')}。`,
  },
  CAMPAIGN_NOT_STARTED: {
    en: (facts) => `"${fact(facts, 'campaign')}" has not begun.`,
    ja: (facts) => `「${fact(facts, 'campaign')}」は開始前です。`,
  },
  GOES_BACK: {
    en: (facts) => `"${fact(facts, 'campaign')}" is being rolled back.`,
    ja: (facts) => `「${fact(facts, 'campaign')}」は復元中です。`,
  },
  OTHER_CAMPAIGN_FIRST: {
    en: (facts) => `"${fact(facts, 'campaign')}" goes first at this terminal.`,
    ja: (facts) => `この端末では「${fact(facts, 'campaign')}」が先です。`,
  },
  PREREQUISITE: {
    en: (facts) => `A prerequisite does not hold: ${fact(facts, 'test')}.`,
    ja: (facts) => `前提条件が不成立: ${fact(facts, 'test')}。`,
  },
  BATTERY_LOW: {
    en: (facts) => `Its battery is too low: ${fact(facts, 'test')} does not hold.`,
    ja: (facts) => `電池残量が不足(条件: ${fact(facts, 'test')})。`,
  },
  NOT_IDLE: {
    en: (facts) => `It is in use: ${fact(facts, 'test')} does not hold. Each sale begins the count anew.`,
    ja: (facts) => `使用中です(条件: ${fact(facts, 'test')})。取引のたびに計時し直します。`,
  },
  RING_NOT_OPEN: {
    en: (facts) => `It is in ring ${fact(facts, 'ring')}; ring ${fact(facts, 'open')} is under way.`,
    ja: (facts) => `第${fact(facts, 'ring')}段階の端末です(現在は第${fact(facts, 'open')}段階)。`,
  },
  OFFLINE: {
    en: (facts) =>
      `It is offline${suffix(facts['since'], ' since ')}${suffix(facts['parent'], ', and so is its parent ')}.`,
    ja: (facts) =>
      `オフラインです${suffix(facts['since'], '(', '以降)')}${suffix(facts['parent'], '。親機', 'もオフラインです')}。`,
  },
  JOB_OPEN: {
    en: (facts) => `It was ordered and has not reported yet (job ${fact(facts, 'job')}).`,
    ja: (facts) => `指示済みで、完了報告待ちです(ジョブ${fact(facts, 'job')})。`,
  },
  RETRY: {
    en: (facts) => `It failed${suffix(facts['fault'], ' with ')} and is tried again after a pause.`,
    ja: (facts) => `失敗しました${suffix(facts['fault'], '(', ')')}。間隔をおいて再試行します。`,
  },
  WINDOW_CLOSED: {
    en: () => 'The maintenance window of its shop is closed.',
    ja: () => '店舗のメンテナンス時間外です。',
  },
  PACE: { en: () => 'Its turn has not come: the pace is limited.', ja: () => '配信速度の制限により順番待ちです。' },
  NEXT: { en: () => 'It is ordered next.', ja: () => '次に指示されます。' },
};
