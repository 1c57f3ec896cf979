import { defineErrors } from './define.ts';

/** Errors of the iso8583 room: syntax, frames and profiles, then the findings of the semantic rules. */
export const iso8583Errors = defineErrors({
  TRUNCATED: {
    en: {
      says: 'The message ends before a field is complete.',
      next: 'Check the frame length and whether both sides use the same field table.',
    },
    ja: {
      says: '項目の途中で電文が終わっています。',
      next: '電文長と、双方の項目定義が一致しているかを確認してください。',
    },
  },
  TRAILING_BYTES: {
    en: {
      says: 'Bytes are left after the last field.',
      next: 'Check the frame length: two messages may be glued together, or a field is longer here than there.',
    },
    ja: {
      says: '最後の項目の後に余分なバイトがあります。',
      next: '電文長を確認してください。2電文の連結か、項目長の相違が考えられます。',
    },
  },
  BAD_BITMAP: {
    en: {
      says: 'The bitmap has a character that is not hexadecimal.',
      next: 'Check whether the link sends the bitmap in binary.',
    },
    ja: {
      says: 'ビットマップに16進数でない文字があります。',
      next: 'ビットマップがバイナリで送られていないか確認してください。',
    },
  },
  MTI_VERSION: {
    en: {
      says: 'The message is of another version of ISO 8583 than 1993; the facts name it.',
      next: 'Set the other side to the 1993 version, or use a converter: 1987 and 2003 messages are not read here.',
    },
    ja: {
      says: 'ISO 8583の1993年版ではない電文です(版は詳細を参照)。',
      next: '相手側を1993年版に設定してください。1987年版と2003年版には対応していません。',
    },
  },
  MTI_INVALID: {
    en: {
      says: 'The message type has a class, function or origin that the 1993 edition does not know.',
      next: 'Compare the message type with the table of ISO 8583:1993, 4.1.',
    },
    ja: {
      says: 'メッセージ種別の分類・機能・発信元が1993年版にない値です。',
      next: 'ISO 8583:1993の4.1の表と照らし合わせてください。',
    },
  },
  BAD_CHARSET: {
    en: {
      says: 'A field has a character outside its type.',
      next: 'Compare the type of the field with the profile; check the character set of the link.',
    },
    ja: {
      says: '項目にその型で許されない文字があります。',
      next: '項目の型と接続先の文字コードを確認してください。',
    },
  },
  BAD_BCD_NIBBLE: {
    en: {
      says: 'A packed number has a nibble above 9.',
      next: 'Check whether the other side sends this field in characters or as binary.',
    },
    ja: {
      says: 'BCDの数字に9を超える値があります。',
      next: '相手がこの項目を文字またはバイナリで送っていないか確認してください。',
    },
  },
  BAD_PAD_NIBBLE: {
    en: {
      says: 'The filler of an odd number of packed digits is not 0.',
      next: 'Check on which side the link pads; a filler of F can be allowed by name (f-pad).',
    },
    ja: {
      says: '奇数桁BCDの埋め草が0ではありません。',
      next: '埋め草の位置を確認してください。Fの埋め草はf-padで許可できます。',
    },
  },
  BAD_LENGTH_INDICATOR: {
    en: {
      says: 'The length in front of a field is not decimal digits.',
      next: 'Check how the link writes lengths, and the fields before this one.',
    },
    ja: {
      says: '項目の長さ表示が10進数字ではありません。',
      next: '長さの表記方法と、直前の項目を確認してください。',
    },
  },
  LENGTH_EXCEEDS_MAX: {
    en: {
      says: 'A field is longer than its maximum.',
      next: 'Shorten the value, or give the link an override with the agreed maximum.',
    },
    ja: {
      says: '項目が最大長を超えています。',
      next: '値を短くするか、合意した最大長をプロファイルに設定してください。',
    },
  },
  FIELD_LENGTH: {
    en: {
      says: 'The value of a fixed field does not have exactly its length.',
      next: 'Pad numbers with leading zeros and text with trailing spaces.',
    },
    ja: {
      says: '固定長項目の長さが一致しません。',
      next: '数字は先頭を0で、文字は末尾を空白で埋めてください。',
    },
  },
  BAD_SIGN: {
    en: { says: 'A signed amount does not start with C or D.', next: 'Write C for a credit and D for a debit.' },
    ja: { says: '符号付き金額がCまたはDで始まっていません。', next: '貸方はC、借方はDを付けてください。' },
  },
  FIELD_UNKNOWN: {
    en: { says: 'There is no such data element.', next: 'Elements are 2 to 128; the bitmap, 1, is made by the codec.' },
    ja: { says: 'その番号の項目はありません。', next: '項目番号は2から128です。1(ビットマップ)は自動で作られます。' },
  },
  FIELD_KIND: {
    en: {
      says: 'The value is not of the kind that the element takes.',
      next: 'Give text as a string, binary as bytes, and card numbers, tracks and PIN blocks as a secret.',
    },
    ja: {
      says: '値の種類が項目に合っていません。',
      next: '文字は文字列、バイナリはバイト列、会員番号・磁気データ・PINは秘密値で渡してください。',
    },
  },
  FRAME_LENGTH: {
    en: {
      says: 'The length in front of a frame is not valid here.',
      next: 'Check the form of the prefix, whether it counts itself, and the greatest length of the link. Close the connection.',
    },
    ja: {
      says: 'フレーム長が不正です。',
      next: '長さの形式、長さ自身を含むか、最大長を確認し、接続を切ってください。',
    },
  },
  FRAME_INCOMPLETE: {
    en: {
      says: 'Fewer bytes arrived than the frame promised.',
      next: 'Look for a connection that was cut, or a length that counts more than the message.',
    },
    ja: {
      says: 'フレーム長より少ないバイトしか届いていません。',
      next: '接続の切断、または長さの数え方の相違を確認してください。',
    },
  },
  PROFILE_INVALID: {
    en: {
      says: 'The link profile cannot be used.',
      next: 'Correct the property that is named; docs and shipped profiles show the form.',
    },
    ja: { says: '接続プロファイルが使えません。', next: '示された項目を、付属プロファイルを参考に直してください。' },
  },
  EMV_TLV: {
    en: { says: 'The EMV data are not well-formed BER-TLV.', next: 'Look at the length of each object in DE55.' },
    ja: { says: 'EMVデータがBER-TLVとして正しくありません。', next: 'DE55の各データの長さを確認してください。' },
  },
  EMV_DUPLICATE_TAG: {
    en: { says: 'A tag occurs twice in the EMV data.', next: 'Ask the terminal vendor: its meaning is ambiguous.' },
    ja: { says: 'EMVデータに同じタグが2回あります。', next: '意味が曖昧なため、端末ベンダーに確認してください。' },
  },
  AMOUNT_MISMATCH: {
    en: {
      says: 'The amount of the message and of the EMV data differ.',
      next: 'Decline: what the card signed is not what is asked for.',
    },
    ja: {
      says: '電文の金額とEMVデータの金額が異なります。',
      next: 'カードが署名した金額と異なるため、拒否してください。',
    },
  },
  PAN_MISMATCH: {
    en: { says: 'The card number and track 2 name different cards.', next: 'Decline and look at the terminal.' },
    ja: { says: '会員番号とトラック2のカード番号が異なります。', next: '拒否し、端末を調べてください。' },
  },
  BAD_DATE: {
    en: { says: 'There is no such date or time.', next: "Check the sender's clock and the format of the field." },
    ja: { says: '存在しない日付または時刻です。', next: '送信側の時計と項目の形式を確認してください。' },
  },
  PAN_LUHN: {
    en: { says: 'The check digit of the card number is wrong.', next: 'Key the number in again.' },
    ja: { says: '会員番号のチェックデジットが違います。', next: '番号を入力し直してください。' },
  },
  MISSING_FIELD: {
    en: { says: 'A mandatory element is absent.', next: 'Add the element that is named.' },
    ja: { says: '必須項目がありません。', next: '示された項目を追加してください。' },
  },
  UNEXPECTED_FIELD: {
    en: { says: 'An element has no place in this message.', next: 'Leave out the element that is named.' },
    ja: { says: 'この電文に含めてはならない項目があります。', next: '示された項目を取り除いてください。' },
  },
  BAD_ORIGINAL_DATA: {
    en: {
      says: 'The original data elements (DE56) are not well-formed.',
      next: 'Build them of MTI, STAN, date and time, and the acquirer with its length.',
    },
    ja: {
      says: '元取引データ(DE56)の構成が不正です。',
      next: 'MTI、STAN、日時、長さ付きの取得機関コードで構成してください。',
    },
  },
  AMOUNT_EXCEEDS_ORIGINAL: {
    en: { says: 'More is reversed than the original amount.', next: 'Reverse at most the amount of DE30.' },
    ja: { says: '取消金額が元取引金額を超えています。', next: 'DE30の金額以下で取り消してください。' },
  },
  RECON_NET_MISMATCH: {
    en: {
      says: 'The net amount does not follow from the totals.',
      next: 'Compare the totals, and agree with the other side how reversals count.',
    },
    ja: {
      says: '純精算額が合計と一致しません。',
      next: '合計を照合し、取消分の数え方を相手と合わせてください。',
    },
  },
  BAD_MAC: {
    en: {
      says: 'The message is not authentic under the key of the link.',
      next: 'Answer with action code 916 and compare the check value of the MAC key on both sides.',
    },
    ja: {
      says: '電文認証コードが一致しません。',
      next: 'アクションコード916で応答し、双方のMAC鍵のチェック値を照合してください。',
    },
  },
});
