/** A command's name, in both languages. */
export interface InstructionName {
  readonly name: string;
  readonly en: string;
  readonly ja: string;
}

/** Instructions met in payments. ISO/IEC 7816-4:2020, table 4; EMV 4.3 Book 3, 6.5; PC/SC part 3, 3.2.2 for class FF. */
const interindustry: Readonly<Record<number, InstructionName>> = {
  0x0e: { name: 'ERASE BINARY', en: 'Erase part of a file', ja: 'バイナリ消去' },
  0x20: { name: 'VERIFY', en: 'Check the PIN', ja: 'PIN照合' },
  0x24: { name: 'CHANGE REFERENCE DATA', en: 'Change the PIN', ja: 'PIN変更' },
  0x2c: { name: 'RESET RETRY COUNTER', en: 'Reset the PIN tries', ja: '照合回数の復帰' },
  0x70: { name: 'MANAGE CHANNEL', en: 'Open or close a logical channel', ja: '論理チャネル管理' },
  0x82: { name: 'EXTERNAL AUTHENTICATE', en: 'Let the card check the issuer', ja: '外部認証（発行者認証）' },
  0x84: { name: 'GET CHALLENGE', en: 'Ask for a random number', ja: '乱数取得' },
  0x88: { name: 'INTERNAL AUTHENTICATE', en: 'Let the card sign dynamic data', ja: '内部認証（動的署名）' },
  0xa4: { name: 'SELECT', en: 'Select a file or application', ja: 'ファイル・アプリケーション選択' },
  0xb0: { name: 'READ BINARY', en: 'Read from a transparent file', ja: 'バイナリ読出し' },
  0xb2: { name: 'READ RECORD', en: 'Read a record', ja: 'レコード読出し' },
  0xc0: { name: 'GET RESPONSE', en: 'Fetch waiting data', ja: 'レスポンス取得' },
  0xca: { name: 'GET DATA', en: 'Read a data object', ja: 'データオブジェクト読出し' },
  0xd6: { name: 'UPDATE BINARY', en: 'Write into a transparent file', ja: 'バイナリ更新' },
  0xda: { name: 'PUT DATA', en: 'Write a data object', ja: 'データオブジェクト書込み' },
  0xdc: { name: 'UPDATE RECORD', en: 'Write a record', ja: 'レコード更新' },
};

const payment: Readonly<Record<number, InstructionName>> = {
  0x16: { name: 'CARD BLOCK', en: 'Block the card for good', ja: 'カード閉塞' },
  0x18: { name: 'APPLICATION UNBLOCK', en: 'Unblock the application', ja: 'アプリケーション閉塞解除' },
  0x1e: { name: 'APPLICATION BLOCK', en: 'Block the application', ja: 'アプリケーション閉塞' },
  0x24: { name: 'PIN CHANGE/UNBLOCK', en: 'Change the PIN or reset its tries', ja: 'PIN変更・閉塞解除' },
  0x2a: {
    name: 'COMPUTE CRYPTOGRAPHIC CHECKSUM',
    en: 'Make a dynamic card verification code',
    ja: '動的検証コード生成',
  },
  0xa8: { name: 'GET PROCESSING OPTIONS', en: 'Start the transaction', ja: '取引開始（GPO）' },
  0xae: { name: 'GENERATE AC', en: 'Ask for an application cryptogram', ja: 'クリプトグラム生成' },
  0xca: { name: 'GET DATA', en: 'Read a data object', ja: 'データオブジェクト読出し' },

  0xda: { name: 'PUT DATA', en: 'Write a data object', ja: 'データオブジェクト書込み' },
  0xdc: { name: 'UPDATE RECORD', en: 'Write a record', ja: 'レコード更新' },
  0xea: { name: 'EXCHANGE RELAY RESISTANCE DATA', en: 'Measure the way to the card', ja: 'リレー攻撃検査' },
};

const readerCommands: Readonly<Record<number, InstructionName>> = {
  0x00: { name: 'DIRECT TRANSMIT', en: 'Command to the reader chip', ja: 'リーダーチップへの直接コマンド' },
  0x50: { name: 'VENDOR COMMAND', en: 'Vendor command to the reader', ja: 'ベンダー固有コマンド' },
  0x82: { name: 'LOAD KEYS', en: 'Load a key into the reader', ja: 'リーダーへの鍵ロード' },
  0x86: { name: 'GENERAL AUTHENTICATE', en: 'Authenticate a memory block', ja: 'ブロック認証' },
  0xb0: { name: 'READ BINARY', en: 'Read from a memory card', ja: 'メモリカード読出し' },
  0xc0: { name: 'GET RESPONSE', en: 'Fetch waiting data', ja: 'レスポンス取得' },
  0xc2: { name: 'TRANSPARENT EXCHANGE', en: 'Speak to the card directly', ja: '透過通信' },
  0xca: { name: 'GET DATA', en: 'Read the UID or the historical bytes', ja: 'UID・ヒストリカルバイト取得' },
  0xd6: { name: 'UPDATE BINARY', en: 'Write to a memory card', ja: 'メモリカード書込み' },
};

/** The name of an instruction within its class; undefined when it is not one that payments use. */
export function instructionName(cla: number, ins: number): InstructionName | undefined {
  if (cla === 0xff) return readerCommands[ins];
  return (cla & 0x80) !== 0 ? payment[ins] : interindustry[ins];
}

/** What a class byte says. ISO/IEC 7816-4:2020, 5.4.1. */
export interface ClassByte {
  readonly isProprietary: boolean;
  readonly isChained: boolean;
  readonly secureMessaging: 'none' | 'proprietary' | 'headerNotAuthenticated' | 'headerAuthenticated';
  readonly logicalChannel: number;
}

const messaging = ['none', 'proprietary', 'headerNotAuthenticated', 'headerAuthenticated'] as const;

/** Reads a class byte; the low nibble of a proprietary class follows the same coding in EMV (Book 3, 6.3.2). */
export function readClassByte(cla: number): ClassByte {
  const isProprietary = (cla & 0x80) !== 0;
  if (!isProprietary && (cla & 0x40) !== 0)
    return {
      isProprietary,
      isChained: (cla & 0x10) !== 0,
      secureMessaging: (cla & 0x20) !== 0 ? 'headerNotAuthenticated' : 'none',
      logicalChannel: 4 + (cla & 0x0f),
    };
  return {
    isProprietary,
    isChained: !isProprietary && (cla & 0x10) !== 0,
    secureMessaging: messaging[(cla >> 2) & 3] ?? 'none',
    logicalChannel: cla & 3,
  };
}
