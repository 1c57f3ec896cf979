/** Why a reader refused a command: its name in the standard, and the meaning in both languages. */
export interface SlotError {
  readonly name: string;
  readonly en: string;
  readonly ja: string;
}

/** Slot error codes. CCID 1.1, 6.2.6, table 6.2-2; B0, BB, BD and BE are vendor codes of EMV-mode readers. */
export const slotErrors: Readonly<Record<number, SlotError>> = {
  0x00: { name: 'CMD_NOT_SUPPORTED', en: 'The reader does not know this command', ja: 'リーダーが未対応のコマンド' },
  0x01: { name: 'BAD_LENGTH', en: 'Wrong length in the command', ja: 'コマンドの長さ不正' },
  0x05: { name: 'SLOT_NOT_EXIST', en: 'There is no such slot', ja: 'スロットが存在しない' },
  0xa2: {
    name: 'CARD_SHORT_CIRCUIT',
    en: 'Short circuit: card in upside down, or not a chip card',
    ja: '短絡（カードの向き違いまたはICなし）',
  },
  0xa3: { name: 'ATR_TOO_LONG', en: 'The ATR is longer than 33 bytes', ja: 'ATRが33バイト超' },
  0xb0: { name: 'NO_EMV_ANSWER', en: 'EMV mode: no data between reader and card', ja: 'EMVモード: カードと通信不可' },
  0xbb: { name: 'EMV_PROTOCOL', en: 'EMV mode: protocol error', ja: 'EMVモード: プロトコルエラー' },
  0xbd: { name: 'EMV_ATR', en: 'EMV mode: the ATR is not an EMV one', ja: 'EMVモード: EMV以外のATR' },
  0xbe: { name: 'EMV_TIMEOUT', en: 'EMV mode: the card took too long', ja: 'EMVモード: カード応答超過' },
  0xe0: { name: 'CMD_SLOT_BUSY', en: 'The slot is busy with another command', ja: 'スロットが別コマンドを処理中' },
  0xef: { name: 'PIN_CANCELLED', en: 'PIN entry was cancelled', ja: 'PIN入力取消' },
  0xf0: { name: 'PIN_TIMEOUT', en: 'Nobody entered a PIN in time', ja: 'PIN入力時間切れ' },
  0xf2: { name: 'BUSY_WITH_AUTO_SEQUENCE', en: 'The reader is still activating the card', ja: '自動シーケンス実行中' },
  0xf3: { name: 'DEACTIVATED_PROTOCOL', en: 'The protocol is switched off', ja: 'プロトコル無効' },
  0xf4: { name: 'PROCEDURE_BYTE_CONFLICT', en: 'T=0: unexpected procedure byte', ja: 'T=0手順バイト不正' },
  0xf5: { name: 'ICC_CLASS_NOT_SUPPORTED', en: 'The class of card is not supported', ja: 'カードのクラス未対応' },
  0xf6: {
    name: 'ICC_PROTOCOL_NOT_SUPPORTED',
    en: 'The card speaks neither T=0 nor T=1',
    ja: 'カードのプロトコル未対応',
  },
  0xf7: { name: 'BAD_ATR_TCK', en: 'The checksum of the ATR is wrong', ja: 'ATRのTCK不一致' },
  0xf8: { name: 'BAD_ATR_TS', en: 'The first character of the ATR is wrong', ja: 'ATRのTS不正' },
  0xfb: { name: 'HW_ERROR', en: 'Hardware fault in the reader', ja: 'リーダーのハードウェア障害' },
  0xfc: { name: 'XFR_OVERRUN', en: 'The reader lost data of the card', ja: '受信オーバーラン' },
  0xfd: {
    name: 'XFR_PARITY_ERROR',
    en: 'Parity error with the card: clean the contacts',
    ja: 'パリティエラー（端子の清掃）',
  },
  0xfe: { name: 'ICC_MUTE', en: 'The card does not answer', ja: 'カード無応答' },
  0xff: { name: 'CMD_ABORTED', en: 'The host aborted the command', ja: 'ホストによる中止' },
};

/** The meaning of bError after a failed command: 01 to 7F name the byte of the message that was wrong. */
export function slotErrorMeaning(code: number): SlotError {
  const known = slotErrors[code];
  if (known !== undefined) return known;
  if (code < 0x80)
    return {
      name: `BAD_PARAMETER_${code}`,
      en: `Byte ${code} of the command is wrong or unsupported`,
      ja: `コマンドの${code}バイト目が不正または未対応`,
    };
  if (code >= 0x81 && code <= 0xc0)
    return { name: 'VENDOR', en: 'Error defined by the vendor of the reader', ja: 'ベンダー定義のエラー' };
  return { name: 'RESERVED', en: 'Error code reserved by the standard', ja: '規格で予約されたエラー' };
}
