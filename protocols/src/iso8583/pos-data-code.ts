import { fail, ok, type Result } from '../kit/index.ts';
import type { CodeMeaning } from './function-codes.ts';

const m = (en: string, ja: string): CodeMeaning => ({ en, ja });

/**
 * The twelve positions of the point of service data code, DE22. ISO 8583:1993, A.8; letters beyond the standard's
 * digits are those that card schemes added (contactless, e-commerce). A character without an entry is still read.
 */
export const posDataPositions = {
  cardDataInputCapability: {
    ...m('Card data input capability', 'カードデータ入力能力'),
    values: {
      '0': m('unknown', '不明'),
      '1': m('manual, no terminal', '手入力(端末なし)'),
      '2': m('magnetic stripe', '磁気ストライプ'),
      '3': m('bar code', 'バーコード'),
      '4': m('OCR', 'OCR'),
      '5': m('chip', 'IC'),
      '6': m('key entry', 'キー入力'),
      A: m('contactless stripe', '非接触(磁気相当)'),
      M: m('contactless chip', '非接触IC'),
    },
  },
  cardholderAuthenticationCapability: {
    ...m('Cardholder authentication capability', '本人認証能力'),
    values: {
      '0': m('none', 'なし'),
      '1': m('PIN', '暗証番号'),
      '2': m('signature analysis', '署名解析'),
      '3': m('biometrics', '生体'),
      '4': m('biographics', '個人情報'),
      '5': m('inoperative', '使用不可'),
      '9': m('unknown', '不明'),
    },
  },
  cardCaptureCapability: {
    ...m('Card capture capability', 'カード回収能力'),
    values: { '0': m('none', 'なし'), '1': m('capture', 'あり'), '9': m('unknown', '不明') },
  },
  operatingEnvironment: {
    ...m('Operating environment', '運用環境'),
    values: {
      '0': m('no terminal', '端末なし'),
      '1': m('on premises, attended', '店内・有人'),
      '2': m('on premises, unattended', '店内・無人'),
      '3': m('off premises, attended', '店外・有人'),
      '4': m('off premises, unattended', '店外・無人'),
      '5': m('premises of the cardholder, unattended', '会員先・無人'),
      '6': m('premises of the cardholder, attended', '会員先・有人'),
      '9': m('unknown', '不明'),
    },
  },
  cardholderPresent: {
    ...m('Cardholder presence', '会員の在否'),
    values: {
      '0': m('present', '対面'),
      '1': m('absent', '非対面'),
      '2': m('mail order', '郵便'),
      '3': m('telephone order', '電話'),
      '4': m('standing authorization', '継続'),
      '5': m('electronic commerce', '電子商取引'),
      '9': m('unknown', '不明'),
    },
  },
  cardPresent: {
    ...m('Card presence', 'カードの有無'),
    values: { '0': m('absent', 'なし'), '1': m('present', 'あり'), '9': m('unknown', '不明') },
  },
  cardDataInputMode: {
    ...m('Card data input mode', 'カードデータ入力方法'),
    values: {
      '0': m('unspecified', '指定なし'),
      '1': m('manual, no terminal', '手入力(端末なし)'),
      '2': m('magnetic stripe', '磁気ストライプ'),
      '3': m('bar code', 'バーコード'),
      '4': m('OCR', 'OCR'),
      '5': m('chip', 'IC'),
      '6': m('key entry', 'キー入力'),
      A: m('contactless stripe', '非接触(磁気相当)'),
      M: m('contactless chip', '非接触IC'),
      S: m('electronic commerce', '電子商取引'),
    },
  },
  cardholderAuthenticationMethod: {
    ...m('Cardholder authentication method', '本人認証方法'),
    values: {
      '0': m('not authenticated', 'なし'),
      '1': m('PIN', '暗証番号'),
      '2': m('electronic signature analysis', '電子署名解析'),
      '3': m('biometrics', '生体'),
      '4': m('biographics', '個人情報'),
      '5': m('manual signature', '手書き署名'),
      '6': m('other manual verification', 'その他の目視確認'),
      '9': m('unknown', '不明'),
    },
  },
  cardholderAuthenticationEntity: {
    ...m('Cardholder authentication entity', '本人認証の主体'),
    values: {
      '0': m('not authenticated', 'なし'),
      '1': m('chip', 'ICカード'),
      '2': m('terminal', '端末'),
      '3': m('authorizing agent', '承認機関'),
      '4': m('merchant', '加盟店'),
      '5': m('other', 'その他'),
      '9': m('unknown', '不明'),
    },
  },
  cardDataOutputCapability: {
    ...m('Card data output capability', 'カード書込能力'),
    values: {
      '0': m('unknown', '不明'),
      '1': m('none', 'なし'),
      '2': m('magnetic stripe', '磁気ストライプ'),
      '3': m('chip', 'IC'),
    },
  },
  terminalOutputCapability: {
    ...m('Terminal output capability', '端末出力能力'),
    values: {
      '0': m('unknown', '不明'),
      '1': m('none', 'なし'),
      '2': m('printing', '印字'),
      '3': m('display', '表示'),
      '4': m('printing and display', '印字と表示'),
    },
  },
  pinCaptureCapability: {
    ...m('PIN capture capability', '暗証番号の入力桁数'),
    values: {
      '0': m('none', '不可'),
      '1': m('unknown', '不明'),
      '4': m('four digits', '4桁'),
      '5': m('five digits', '5桁'),
      '6': m('six digits', '6桁'),
      '7': m('seven digits', '7桁'),
      '8': m('eight digits', '8桁'),
      '9': m('nine digits', '9桁'),
      A: m('ten digits', '10桁'),
      B: m('eleven digits', '11桁'),
      C: m('twelve digits', '12桁'),
    },
  },
} as const satisfies Record<string, CodeMeaning & { readonly values: Readonly<Record<string, CodeMeaning>> }>;

type PositionName = keyof typeof posDataPositions;

/** DE22 by position, each one character. */
export type PosDataCode = Readonly<Record<PositionName, string>>;

/** Reads DE22. FIELD_LENGTH for any length but twelve, BAD_CHARSET for characters outside an. */
export function parsePosDataCode(text: string): Result<PosDataCode, 'FIELD_LENGTH' | 'BAD_CHARSET'> {
  if (text.length !== 12) return fail('FIELD_LENGTH', { field: 22, facts: { expected: 12, length: text.length } });
  const offset = text.search(/[^0-9A-Za-z]/);
  if (offset >= 0) return fail('BAD_CHARSET', { field: 22, offset });
  const at = (index: number): string => text.charAt(index);
  return ok({
    cardDataInputCapability: at(0),
    cardholderAuthenticationCapability: at(1),
    cardCaptureCapability: at(2),
    operatingEnvironment: at(3),
    cardholderPresent: at(4),
    cardPresent: at(5),
    cardDataInputMode: at(6),
    cardholderAuthenticationMethod: at(7),
    cardholderAuthenticationEntity: at(8),
    cardDataOutputCapability: at(9),
    terminalOutputCapability: at(10),
    pinCaptureCapability: at(11),
  });
}

/** Writes DE22, in the order of the table above. FIELD_LENGTH and BAD_CHARSET when a part is not one character of an. */
export function formatPosDataCode(code: PosDataCode): Result<string, 'FIELD_LENGTH' | 'BAD_CHARSET'> {
  const parts = [
    code.cardDataInputCapability,
    code.cardholderAuthenticationCapability,
    code.cardCaptureCapability,
    code.operatingEnvironment,
    code.cardholderPresent,
    code.cardPresent,
    code.cardDataInputMode,
    code.cardholderAuthenticationMethod,
    code.cardholderAuthenticationEntity,
    code.cardDataOutputCapability,
    code.terminalOutputCapability,
    code.pinCaptureCapability,
  ];
  const offset = parts.findIndex((part) => part.length !== 1);
  if (offset >= 0) return fail('FIELD_LENGTH', { field: 22, offset });
  const text = parts.join('');
  const read = parsePosDataCode(text);
  return read.ok ? ok(text) : read;
}
