import { defineErrors } from './define.ts';

/** Errors that any room may meet. */
export const kitErrors = defineErrors({
  HEX_INVALID: {
    en: { says: 'The text is not hexadecimal.', next: 'Give an even number of the digits 0-9 and A-F.' },
    ja: { says: '16進数ではありません。', next: '0-9とA-Fを偶数個で指定してください。' },
  },
  INPUT_INVALID: {
    en: {
      says: 'The input does not have the shape that is expected here.',
      next: 'Compare it with the documented schema; the field in question is named.',
    },
    ja: { says: '入力の形式が正しくありません。', next: '示された項目を仕様書の形式と照らし合わせてください。' },
  },
});
