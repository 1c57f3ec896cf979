import type { LinkProfileText } from './link-profile.ts';

/** The names of the shipped link profiles. */
export const linkProfileNames = ['generic-93', 'payex-like', 'elavon-like', 'nyce-like', 'cardnet-like'] as const;

/** The name of a shipped link profile. */
export type LinkProfileName = (typeof linkProfileNames)[number];

/**
 * Link profiles to start from. They follow what public interface descriptions say; `assumed` marks the one whose
 * counter-party publishes none. Copy one into a file, and change it by the agreement with the counter-party.
 */
export const linkProfiles: Readonly<Record<LinkProfileName, LinkProfileText>> = {
  'generic-93': {
    name: 'generic-93',
    title: { en: 'ISO 8583:1993, text and binary bitmap', ja: 'ISO 8583:1993 標準(文字・バイナリビットマップ)' },
    dialect: 'iso93-ascii-binbm',
  },
  'payex-like': {
    name: 'payex-like',
    title: { en: 'European host-to-host, four-digit length', ja: '欧州ホスト間接続(4桁長)' },
    dialect: 'iso93-ascii-binbm',
    fieldOverrides: { '2': { type: 'ans', kind: 'LLVAR', maxLength: 19 } },
    frame: { prefix: 'ascii4' },
    networkManagement: { mti: '1820', signOn: false, echoSeconds: 60 },
  },
  'elavon-like': {
    name: 'elavon-like',
    title: { en: 'European acquirer, no sign-on, rare echo', ja: '欧州アクワイアラ(開局なし)' },
    dialect: 'iso93-ascii-binbm',
    networkManagement: { mti: '1804', signOn: false, echoSeconds: 300 },
    reconciliation: { netRule: 'cancelled', outOfBalance: 'settle-theirs' },
    formatErrorElement: 38,
    codes: {
      actions: {
        '133': { en: 'No transactions', ja: '取引なし', standsFor: '503' },
        '137': { en: 'Wrong batch number', ja: 'バッチ番号誤り', standsFor: '915' },
      },
    },
  },
  'nyce-like': {
    name: 'nyce-like',
    title: { en: 'North American debit network', ja: '北米デビットネットワーク' },
    dialect: 'iso93-ascii-hexbm',
    fieldOverrides: {
      '62': { type: 'n', kind: 'fixed', maxLength: 6 },
      '63': { type: 'n', kind: 'fixed', maxLength: 4 },
      '95': { type: 'ans', kind: 'LLLLVAR', maxLength: 9999 },
      '111': { type: 'ans', kind: 'LLLLVAR', maxLength: 9999 },
      '127': { type: 'ans', kind: 'LLLLVAR', maxLength: 9999 },
    },
    networkManagement: { mti: '1804', signOn: true, echoSeconds: 300 },
  },
  'cardnet-like': {
    name: 'cardnet-like',
    title: { en: 'Japanese card network (assumed)', ja: '国内カードネットワーク(想定)' },
    assumed: true,
    dialect: 'iso93-bcdR-binbm',
    allow: ['ans-8bit'],
    secretElements: { '72': 'pan' },
    frame: { prefix: 'bin2be' },
    mac: { algorithm: 'AES-CMAC', exempt: ['1804', '1814'] },
    timers: { requestMs: 9000 },
    reconciliation: { outOfBalance: 'hold' },
    formatErrorElement: 44,
    codes: {
      till: {
        '100': 'G97',
        '104': 'G12',
        '107': 'G30',
        '114': 'G85',
        '116': 'G06',
        '117': 'G42',
        '121': 'G07',
        '914': 'G94',
      },
    },
  },
};
