import { defineErrors } from './define.ts';

/** Errors of campaigns and their queries. */
export const campaignErrors = defineErrors({
  QUERY_INVALID: {
    en: {
      says: 'The query cannot be read.',
      next: 'Look at the position that is named: something else was expected there. Examples stand in the README of campaigns.',
    },
    ja: {
      says: '検索式を解釈できません。',
      next: '示された位置を確認してください。例はcampaignsのREADMEにあります。',
    },
  },
  CAMPAIGN_UNKNOWN: {
    en: { says: 'There is no such campaign.', next: 'Compare the id with "tsunagu campaign list".' },
    ja: { says: '該当する配信がありません。', next: '「tsunagu campaign list」でIDを確認してください。' },
  },
  CAMPAIGN_COHORT_EMPTY: {
    en: {
      says: 'The query finds no terminal.',
      next: 'Try it with --dry-run: it names what keeps the terminals out. A dynamic campaign may begin empty.',
    },
    ja: {
      says: '検索式に該当する端末がありません。',
      next: '--dry-runで除外理由を確認してください。動的な配信は空でも開始できます。',
    },
  },
  CAMPAIGN_RINGS_INVALID: {
    en: {
      says: 'The rings do not grow to the whole cohort.',
      next: 'Let each ring have a larger percentage than the one before it, and the last one 100.',
    },
    ja: {
      says: '段階の割合が全体まで増加していません。',
      next: '各段階の割合を前より大きくし、最後を100にしてください。',
    },
  },
  CAMPAIGN_JOB_REFUSED: {
    en: {
      says: 'A campaign orders no jobs of this kind.',
      next: 'Software, configuration and keys have a kind of campaign of their own. What cannot be undone is approved for each terminal: tsunagu workshop wipe FILE.',
    },
    ja: {
      says: 'この種類のジョブは配信では指示できません。',
      next: 'ソフトウェア・設定・鍵には、それぞれ専用の配信があります。元に戻せない処理は端末ごとに承認します: tsunagu workshop wipe ファイル',
    },
  },
  CAMPAIGN_CANNOT_GO_BACK: {
    en: {
      says: 'The campaign has no way back.',
      next: 'Name images to go back to, one for each model, whose rollback counter is not lower; or give up the gate.',
    },
    ja: {
      says: 'この配信には戻し先がありません。',
      next: '機種ごとに、カウンターが下がらない戻し先イメージを指定するか、ゲートを外してください。',
    },
  },
  CAMPAIGN_VERB_NOT_NOW: {
    en: {
      says: 'That cannot be done to the campaign in its phase.',
      next: 'Its phase is named, and what can be done in it (can); nothing there: it is over, so propose a new one.',
    },
    ja: {
      says: '現在の状態の配信にはその操作ができません。',
      next: '現在の状態(phase)と可能な操作(can)を確認してください。可能な操作がなければ終了済みです。新しい配信を起案してください。',
    },
  },
  CAMPAIGNS_TOO_MANY: {
    en: {
      says: 'Too many campaigns are under way.',
      next: 'Let some of them end, or abort those that nobody needs any more.',
    },
    ja: {
      says: '実行中の配信が多すぎます。',
      next: '終了を待つか、不要な配信を中止してください。',
    },
  },
  CAMPAIGN_GATE_FAILED: {
    en: {
      says: 'Sales of updated terminals are worse than those of the others: the campaign was stopped and goes back.',
      next: 'Look at the figures of the gate, repair the release, and propose a new campaign.',
    },
    ja: {
      says: '更新済み端末の取引が他より悪化したため、配信を停止し、元に戻します。',
      next: 'ゲートの数値を確認し、修正版で新しい配信を起案してください。',
    },
  },
  CAMPAIGN_THRESHOLD_REACHED: {
    en: {
      says: 'Too many terminals of a ring failed: the campaign is paused.',
      next: 'Look at its exceptions; then resume, abort or roll back.',
    },
    ja: {
      says: '失敗した端末が多すぎるため、配信を一時停止しました。',
      next: '例外一覧を確認し、再開・中止・復元のいずれかを選んでください。',
    },
  },
  CAMPAIGN_NOT_ATTESTED: {
    en: {
      says: 'An image of the campaign was not attested on real hardware.',
      next: 'Publish it with --attested-by, run the bench on real readers, and hand in its attestation for this image.',
    },
    ja: {
      says: '実機検証の証明がないイメージが含まれています。',
      next: '--attested-byで公開し、実機で検証を行い、このイメージの証明を登録してください。',
    },
  },
  CAMPAIGN_NEEDED: {
    en: {
      says: 'So many terminals got another software one by one today already.',
      next: 'Propose a campaign: "tsunagu campaign create --image …"; a second person approves it.',
    },
    ja: {
      says: '個別のソフトウェア更新が本日の上限に達しました。',
      next: '「tsunagu campaign create --image …」で配信を起案し、第二者の承認を得てください。',
    },
  },
  CAMPAIGN_OWNS_LAYER: {
    en: {
      says: 'The layer belongs to a campaign.',
      next: 'Roll the campaign back to take it off, or set the values in the layer of a place.',
    },
    ja: {
      says: 'この階層は配信に属しています。',
      next: '外すには配信を元に戻してください。または拠点の階層で値を設定してください。',
    },
  },
  TIME_ZONE_UNKNOWN: {
    en: { says: 'There is no such time zone.', next: 'Use a name of the IANA database, such as Asia/Tokyo.' },
    ja: { says: '該当するタイムゾーンがありません。', next: 'Asia/TokyoなどのIANA名を使ってください。' },
  },
});
