import type { ReaderKind, TerminalModel } from './model.ts';

const reads =
  (...kinds: readonly ReaderKind[]) =>
  (model: TerminalModel): boolean =>
    kinds.every((kind) => model.readers.includes(kind));

/** What a setting or a campaign may need of a model, and how people call it. */
export const abilities = {
  offline: { has: (model) => model.offline, name: { en: 'approving without the centre', ja: 'オフライン承認' } },
  contact: { has: reads('contact'), name: { en: 'a contact chip reader', ja: '接触ICリーダー' } },
  contactless: { has: reads('contactless'), name: { en: 'a contactless reader', ja: '非接触ICリーダー' } },
  felica: { has: reads('felica'), name: { en: 'a FeliCa antenna', ja: 'FeliCaアンテナ' } },
  stripe: { has: reads('stripe'), name: { en: 'a stripe reader', ja: '磁気リーダー' } },
  pinPad: { has: (model) => model.pinPad, name: { en: 'a PIN pad', ja: 'PINパッド' } },
  printer: { has: (model) => model.printer !== 'none', name: { en: 'a printer', ja: 'プリンター' } },
  ownCurrency: {
    has: (model) => model.screen !== 'segments' && model.printer !== 'none',
    name: { en: 'a screen for two currencies, and a printer', ja: '2通貨を表示できる画面とプリンター' },
  },
  tdesKeys: {
    has: (model) => model.keySchemes.includes('tdes-dukpt'),
    name: { en: 'TDES DUKPT keys', ja: 'TDES DUKPT鍵' },
  },
  aesKeys: {
    has: (model) => model.keySchemes.includes('aes-dukpt'),
    name: { en: 'AES DUKPT keys', ja: 'AES DUKPT鍵' },
  },
  ownLine: {
    has: (model) => model.relay !== 'child',
    name: { en: 'a line of its own (it is no child)', ja: '自前の回線(子機ではない)' },
  },
} as const satisfies Record<
  string,
  { readonly has: (model: TerminalModel) => boolean; readonly name: { readonly en: string; readonly ja: string } }
>;
/** Name of an ability. */
export type Ability = keyof typeof abilities;
