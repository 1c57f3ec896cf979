import { decodeCommand, decodeResponse } from '../apdu/index.ts';
import { type BulkIn, type BulkOut, headerBytes, slotErrorMeaning } from '../ccid/index.ts';
import { counted, toHex } from '../kit/index.ts';
import { parseAtr } from '../pcsc/index.ts';
import { commandLines, responseLines } from './apdu-lines.ts';
import { type Both, inside, type Line, line, type Place, same } from './line.ts';
import { guardedBytes, hidden } from './mask.ts';

const names: Readonly<Record<BulkIn['type'] | BulkOut['type'], Both>> = {
  iccPowerOn: { en: 'Power the card on', ja: 'カード電源オン' },
  iccPowerOff: { en: 'Power the card off', ja: 'カード電源オフ' },
  getSlotStatus: { en: 'Ask for the state of the slot', ja: 'スロット状態要求' },
  xfrBlock: { en: 'Command to the card', ja: 'カードへの送信' },
  getParameters: { en: 'Ask for the parameters', ja: 'パラメーター要求' },
  resetParameters: { en: 'Reset the parameters', ja: 'パラメーター初期化' },
  setParameters: { en: 'Set the parameters', ja: 'パラメーター設定' },
  escape: { en: 'Vendor command or answer', ja: 'ベンダー固有' },
  iccClock: { en: 'Stop or start the clock', ja: 'クロック停止・再開' },
  t0Apdu: { en: 'Classes for T=0', ja: 'T=0のクラス設定' },
  secure: { en: 'PIN entry on the reader', ja: 'リーダーでのPIN入力' },
  mechanical: { en: 'Move the card', ja: 'カード搬送' },
  abort: { en: 'Abort', ja: '中止' },
  setDataRateAndClockFrequency: { en: 'Set data rate and clock', ja: '速度とクロックの設定' },
  dataBlock: { en: 'Answer of the card', ja: 'カードからの受信' },
  slotStatus: { en: 'State of the slot', ja: 'スロット状態' },
  parameters: { en: 'Parameters', ja: 'パラメーター' },
  dataRateAndClockFrequency: { en: 'Data rate and clock', ja: '速度とクロック' },
};

const iccMeanings: Readonly<Record<BulkIn['icc'], Both>> = {
  active: { en: 'card powered', ja: 'カードあり（通電）' },
  inactive: { en: 'card not powered', ja: 'カードあり（非通電）' },
  absent: { en: 'no card', ja: 'カードなし' },
};
const statusMeanings: Readonly<Record<BulkIn['status'], Both>> = {
  ok: { en: 'done', ja: '正常' },
  failed: { en: 'failed', ja: '失敗' },
  timeExtension: { en: 'more time wanted', ja: '待ち時間延長' },
};

/** Lines of a reader's message, in either direction. */
export function ccidLines(message: BulkIn | BulkOut, bytes: Uint8Array, place: Place): readonly Line[] {
  const text = (from: number, to: number): { readonly text: string } => ({ text: toHex(bytes.subarray(from, to)) });
  const lines = [
    line(place, 0, 1, { name: same('bMessageType'), meaning: names[message.type], value: text(0, 1) }),
    line(place, 1, 5, { name: same('dwLength'), meaning: bytesOf(bytes.length - headerBytes), value: text(1, 5) }),
    line(place, 5, 6, { name: same('bSlot'), value: text(5, 6) }),
    line(place, 6, 7, { name: same('bSeq'), value: text(6, 7) }),
  ];
  if ('icc' in message) {
    const [icc, status] = [iccMeanings[message.icc], statusMeanings[message.status]];
    lines.push(
      line(place, 7, 8, {
        name: same('bStatus'),
        meaning: { en: `${status.en}, ${icc.en}`, ja: `${status.ja}、${icc.ja}` },
        value: text(7, 8),
      }),
      line(place, 8, 9, { name: same('bError'), meaning: errorMeaning(message), value: text(8, 9) }),
      line(place, 9, 10, { name: { en: 'Parameter', ja: 'パラメーター' }, value: text(9, 10) }),
    );
  } else lines.push(line(place, 7, 10, { name: { en: 'Parameters', ja: 'パラメーター' }, value: text(7, 10) }));
  if (bytes.length > headerBytes) lines.push(...dataLines(message, bytes, place));
  return lines;
}

const bytesOf = (count: number): Both => ({
  en: `${counted(count, 'byte follows', 'bytes follow')}`,
  ja: `以降${count}バイト`,
});

function errorMeaning({ status, error }: BulkIn): Both | undefined {
  if (status === 'failed') {
    const { en, ja } = slotErrorMeaning(error);
    return { en, ja };
  }
  if (status === 'ok') return undefined;
  return { en: `${error} times the waiting time`, ja: `待ち時間の${error}倍` };
}

function dataLines(message: BulkIn | BulkOut, bytes: Uint8Array, place: Place): readonly Line[] {
  const data = bytes.subarray(headerBytes);
  const name: Both = { en: 'Data', ja: 'データ' };
  const within = inside(place, headerBytes);
  if (message.type === 'xfrBlock') {
    const apdu = decodeCommand(data);
    if (apdu.ok) return [line(place, headerBytes, bytes.length, { name }), ...commandLines(apdu.value, data, within)];
    // A command that cannot be read may still be one that carries a PIN.
    if (!place.reveal) return [line(place, headerBytes, bytes.length, { name, value: hidden(data.length) })];
  }
  if (message.type === 'dataBlock') {
    const atr = parseAtr(data);
    if (atr.ok) {
      const protocols = atr.value.protocols.map((protocol) => `T=${protocol}`).join(', ');
      const value = { text: toHex(data) };
      return [
        line(place, headerBytes, bytes.length, {
          name: { en: 'Answer to reset', ja: 'リセット応答(ATR)' },
          meaning: same(protocols),
          value,
        }),
      ];
    }
    const answer = decodeResponse(data);
    if (answer.ok) return [line(place, headerBytes, bytes.length, { name }), ...responseLines(answer.value, within)];
  }
  return [line(place, headerBytes, bytes.length, { name, value: guardedBytes(data, place.reveal) })];
}
