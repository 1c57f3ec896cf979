import { defineErrors } from './define.ts';

/** Errors of the reader protocols: CCID, PC/SC part 3, PN532, RC-S380, FeliCa. */
export const readersErrors = defineErrors({
  CCID_TRUNCATED: {
    en: {
      says: 'The CCID message ends before its header or data is complete.',
      next: 'Read from the endpoint again; if it repeats, replug the reader.',
    },
    ja: {
      says: 'CCIDメッセージが途中で終わっています。',
      next: '読み直しても再現する場合はリーダーを接続し直してください。',
    },
  },
  CCID_LENGTH_WRONG: {
    en: {
      says: 'The length that a CCID message states is not the length it has or may have.',
      next: 'The reader breaks the protocol: replug it, and report its firmware version.',
    },
    ja: {
      says: 'CCIDメッセージの長さの値が実際と一致しません。',
      next: 'リーダーを接続し直し、ファームウェアの版を報告してください。',
    },
  },
  CCID_TOO_LONG: {
    en: {
      says: 'The CCID message is longer than the reader may send or take.',
      next: 'Compare with dwMaxCCIDMessageLength of the class descriptor.',
    },
    ja: {
      says: 'CCIDメッセージが上限より長くなっています。',
      next: 'クラス記述子のdwMaxCCIDMessageLengthと比べてください。',
    },
  },
  CCID_MESSAGE_UNKNOWN: {
    en: {
      says: 'The CCID message type is unknown, or of the other direction.',
      next: 'Check that the endpoint is the one meant; reset the reader.',
    },
    ja: {
      says: 'CCIDメッセージの種別が不明か、方向が逆です。',
      next: 'エンドポイントを確認し、リーダーをリセットしてください。',
    },
  },
  CCID_FIELD_INVALID: {
    en: {
      says: 'A field of the CCID message has a value that the class does not define.',
      next: 'The field and its offset are named; report the reader model.',
    },
    ja: { says: 'CCIDメッセージの項目が規定外の値です。', next: '示された項目とリーダーの機種を報告してください。' },
  },
  CCID_DESCRIPTOR_INVALID: {
    en: {
      says: 'The CCID class descriptor is missing or malformed.',
      next: 'The device is not a CCID reader, or needs its own driver.',
    },
    ja: {
      says: 'CCIDクラス記述子がないか、形式が正しくありません。',
      next: 'CCIDリーダーではないか、専用ドライバーが必要です。',
    },
  },
  PCSC_INVALID: {
    en: {
      says: 'The contactless pseudo-APDU or ATR does not follow PC/SC part 3.',
      next: 'Check that the reader is a PC/SC contactless reader and a card lies on it.',
    },
    ja: {
      says: '非接触用の擬似APDUまたはATRがPC/SC Part 3に従っていません。',
      next: 'PC/SC対応の非接触リーダーか、カードが置かれているか確認してください。',
    },
  },
  FRAME_TRUNCATED: {
    en: { says: 'The reader frame ends too early.', next: 'Read again; if it repeats, replug the reader.' },
    ja: {
      says: 'リーダーのフレームが途中で終わっています。',
      next: '読み直しても再現する場合はリーダーを接続し直してください。',
    },
  },
  FRAME_CHECKSUM_WRONG: {
    en: {
      says: 'A checksum of the reader frame does not fit.',
      next: 'Send the command again; check cable and power if it repeats.',
    },
    ja: {
      says: 'リーダーフレームのチェックサムが一致しません。',
      next: '再送し、再現する場合はケーブルと電源を確認してください。',
    },
  },
  FRAME_INVALID: {
    en: {
      says: 'The reader frame has a wrong preamble, length, direction or command.',
      next: 'Check that the reader is of the kind that is configured.',
    },
    ja: {
      says: 'リーダーフレームの先頭・長さ・方向・コマンドが正しくありません。',
      next: '設定と同じ種類のリーダーか確認してください。',
    },
  },
  FRAME_TOO_LONG: {
    en: {
      says: 'The reader frame is longer than the limit.',
      next: 'Reset the reader; report its firmware version if it repeats.',
    },
    ja: {
      says: 'リーダーフレームが上限より長くなっています。',
      next: 'リーダーをリセットし、再現する場合は版を報告してください。',
    },
  },
  FELICA_INVALID: {
    en: {
      says: 'The FeliCa frame has a wrong length, command or content.',
      next: 'Hold the card still and read again.',
    },
    ja: {
      says: 'FeliCaフレームの長さ・コマンド・内容が正しくありません。',
      next: 'カードを動かさずに読み直してください。',
    },
  },
  TRANSIT_NOT_AUTHENTIC: {
    en: {
      says: 'The card, or what came in its name, did not prove itself to the centre.',
      next: 'Hold the card still and try again; if it repeats, the card is not of this centre.',
    },
    ja: {
      says: 'カードの認証に失敗しました。',
      next: 'カードを置き直して再度お試しください。再現する場合は当センターのカードではありません。',
    },
  },
  TRANSIT_OUT_OF_STEP: {
    en: {
      says: 'The counter or balance of the card is not the one that the centre has in its books.',
      next: 'Stop the card and compare its history with the books.',
    },
    ja: {
      says: 'カードのカウンターまたは残額がセンターの記録と一致しません。',
      next: 'カードを停止し、履歴と記録を照合してください。',
    },
  },
  TRANSIT_PENDING: {
    en: {
      says: 'What became of the last charge or debit on this card is not known yet.',
      next: 'Hold the card to a reader once more: the centre then sees what the card did.',
    },
    ja: {
      says: '前回のチャージまたは引去りの結果が未確定です。',
      next: 'もう一度カードを置いてください。センターが結果を確認します。',
    },
  },
  TRANSIT_BALANCE: {
    en: {
      says: 'The balance would fall below zero or rise above the limit of the card.',
      next: 'Charge the card first, or take a smaller amount.',
    },
    ja: {
      says: '残額が不足しているか、上限額を超えます。',
      next: 'チャージするか、金額を減らしてください。',
    },
  },
  FELICA_STATUS: {
    en: {
      says: 'The FeliCa card answered with an error status.',
      next: 'Both status flags are shown; the service or block may not exist on this card.',
    },
    ja: {
      says: 'FeliCaカードがエラーステータスを返しました。',
      next: 'ステータスフラグを確認してください。サービスまたはブロックが存在しない可能性があります。',
    },
  },
});
