import { defineErrors } from './define.ts';

/** Errors of BER-TLV, of command and response APDUs, and of EMV data and cryptography. */
export const emvErrors = defineErrors({
  TLV_TRUNCATED: {
    en: {
      says: 'The data object ends before its tag, length or value is complete.',
      next: 'Read the message again; if it ends at the same place, the length at the offset shown is wrong.',
    },
    ja: {
      says: 'データオブジェクトがタグ・長さ・値の途中で終わっています。',
      next: '読み直しても同じなら、示された位置の長さを確認してください。',
    },
  },
  TLV_TAG_INVALID: {
    en: {
      says: 'The tag is longer than four bytes or coded wrongly.',
      next: 'Check that the data is BER-TLV and starts at a tag.',
    },
    ja: {
      says: 'タグが4バイトを超えるか、符号化が誤っています。',
      next: 'BER-TLV形式で、タグから始まっているか確認してください。',
    },
  },
  TLV_LENGTH_INVALID: {
    en: {
      says: 'The length is indefinite, longer than four bytes, or not in its shortest form where that is demanded.',
      next: 'Only definite lengths are used in payments; look at the byte at the offset shown.',
    },
    ja: {
      says: '長さが不定長、4バイト超、または最短形式ではありません。',
      next: '決済では確定長のみ使用します。示された位置のバイトを確認してください。',
    },
  },
  TLV_TOO_DEEP: {
    en: {
      says: 'The templates are nested deeper than the limit.',
      next: 'Raise depthMax if such nesting is meant; otherwise refuse the card.',
    },
    ja: {
      says: 'テンプレートの入れ子が上限を超えています。',
      next: '意図した構造ならdepthMaxを上げ、そうでなければカードを拒否してください。',
    },
  },
  TLV_TOO_MANY: {
    en: {
      says: 'There are more data objects than the limit.',
      next: 'Raise objectsMax if so many are meant; otherwise refuse the card.',
    },
    ja: {
      says: 'データオブジェクトの数が上限を超えています。',
      next: '意図した数ならobjectsMaxを上げ、そうでなければカードを拒否してください。',
    },
  },
  TLV_TOO_LONG: {
    en: {
      says: 'The message or a value is longer than the limit.',
      next: 'Raise lengthBytesMax if such a length is meant.',
    },
    ja: {
      says: 'メッセージまたは値の長さが上限を超えています。',
      next: '意図した長さならlengthBytesMaxを上げてください。',
    },
  },
  TLV_DUPLICATE: {
    en: {
      says: 'A data object that may appear once appears twice.',
      next: 'Refuse the card or message; the tag is named.',
    },
    ja: {
      says: '一度しか現れないデータオブジェクトが重複しています。',
      next: '示されたタグのカードまたは電文を拒否してください。',
    },
  },
  DOL_INVALID: {
    en: {
      says: 'The data object list is not a sequence of tags and one-byte lengths.',
      next: 'Treat the card as faulty; the offset shows the entry.',
    },
    ja: {
      says: 'データオブジェクトリスト（DOL）の形式が正しくありません。',
      next: 'カード不良として扱ってください。位置は示されています。',
    },
  },
  APDU_LENGTH_INVALID: {
    en: {
      says: 'The lengths inside the APDU do not match its size.',
      next: 'Compare Lc and Le with ISO/IEC 7816-3, 12.1; a response has at least two bytes.',
    },
    ja: {
      says: 'APDU内の長さと全体の長さが一致しません。',
      next: 'LcとLeをISO/IEC 7816-3の12.1と照らし合わせてください。',
    },
  },
  APDU_VALUE_INVALID: {
    en: {
      says: 'A part of the command APDU is out of its range.',
      next: 'The part is named: bytes are 0-255, data at most 65535 bytes, Le at most 65536.',
    },
    ja: {
      says: 'コマンドAPDUの値が範囲外です。',
      next: '示された項目を確認してください（データは65535バイト、Leは65536まで）。',
    },
  },
  APDU_CHAIN_BROKEN: {
    en: {
      says: 'The chained commands do not belong together or exceed the limit.',
      next: 'Send the chain again from its first command.',
    },
    ja: { says: 'コマンドチェーンが不整合か、上限を超えています。', next: '最初のコマンドから送り直してください。' },
  },
  EMV_VALUE_INVALID: {
    en: {
      says: 'An EMV data object has a wrong length or content.',
      next: 'Compare the named tag with EMV Book 3, annex A.',
    },
    ja: {
      says: 'EMVデータの長さまたは内容が正しくありません。',
      next: '示されたタグをEMV Book 3付録Aと照らし合わせてください。',
    },
  },
  EMV_DATA_MISSING: {
    en: {
      says: 'An EMV data object that is needed here is absent.',
      next: 'The tag is named: the card or the request must deliver it.',
    },
    ja: {
      says: '必要なEMVデータがありません。',
      next: '示されたタグがカードまたは要求に含まれているか確認してください。',
    },
  },
  EMV_TRACK2_INVALID: {
    en: {
      says: 'The track 2 equivalent data is not PAN, separator, expiry, service code and discretionary data.',
      next: 'Read the card again; if it repeats, treat the card as faulty.',
    },
    ja: {
      says: 'トラック2相当データの形式が正しくありません。',
      next: 'カードを読み直し、再現する場合はカード不良として扱ってください。',
    },
  },
  EMV_AFL_INVALID: {
    en: {
      says: 'The application file locator is malformed.',
      next: 'End the transaction: EMV Book 3, 10.2 demands it.',
    },
    ja: { says: 'AFLの形式が正しくありません。', next: 'EMV Book 3の10.2に従い取引を終了してください。' },
  },
  EMV_SCRIPT_INVALID: {
    en: {
      says: 'The issuer script template is malformed.',
      next: 'Report the script as failed; ask the issuer host for its format.',
    },
    ja: {
      says: '発行者スクリプトの形式が正しくありません。',
      next: 'スクリプト失敗として報告し、発行者ホストの形式を確認してください。',
    },
  },
  EMV_CRYPTOGRAM_WRONG: {
    en: {
      says: 'The cryptogram was not made by the expected key over this data.',
      next: 'Decline; compare keys by check value and the card data with the request.',
    },
    ja: {
      says: '暗号文（クリプトグラム）が一致しません。',
      next: '取引を拒否し、鍵のチェック値と電文のカードデータを確認してください。',
    },
  },
  EMV_CERTIFICATE_WRONG: {
    en: {
      says: 'A certificate or signature of the card failed its check.',
      next: 'Offline data authentication has failed; the step is named. Check that the CA public key of this scheme and index is loaded.',
    },
    ja: {
      says: 'カードの証明書または署名の検証に失敗しました。',
      next: 'オフラインデータ認証は失敗です。該当ブランド・索引のCA公開鍵が登録されているか確認してください。',
    },
  },
  EMV_KEY_INVALID: {
    en: {
      says: 'A key does not have a length that this algorithm knows.',
      next: 'Give a double-length TDES key, or an RSA key of 64 to 248 bytes.',
    },
    ja: {
      says: '鍵の長さがこの方式に合いません。',
      next: '2倍長TDES鍵、または64〜248バイトのRSA鍵を指定してください。',
    },
  },
});
