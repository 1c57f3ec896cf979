import {
  type CommandApdu,
  instructionName,
  needsExtended,
  type ResponseApdu,
  readClassByte,
  statusMeaning,
} from '../apdu/index.ts';
import { counted, toHex } from '../kit/index.ts';
import { decodeTlv } from '../tlv/index.ts';
import { type Both, inside, type Line, line, type Place, same, type Shown } from './line.ts';
import { guardedBytes, hidden } from './mask.ts';
import { isSecretData } from './secret-data.ts';
import { countKnown, tlvLines } from './tlv-lines.ts';

const byteHex = (value: number): string => value.toString(16).toUpperCase().padStart(2, '0');

/** Lines of a command. `bytes` is what it was read from. */
export function commandLines(apdu: CommandApdu, bytes: Uint8Array, place: Place): readonly Line[] {
  const { cla, ins, p1, p2, data, le, extended } = apdu;
  const instruction = instructionName(cla, ins);
  const lines = [
    line(place, 0, 1, { name: same('CLA'), meaning: classMeaning(cla), value: { text: byteHex(cla) } }),
    line(place, 1, 2, {
      name: same('INS'),
      meaning: instruction && {
        en: `${instruction.name}: ${instruction.en}`,
        ja: `${instruction.name}: ${instruction.ja}`,
      },
      value: { text: byteHex(ins) },
    }),
    line(place, 2, 4, { name: same('P1 P2'), value: { text: `${byteHex(p1)} ${byteHex(p2)}` } }),
  ];
  const isExtended = extended === true || needsExtended(apdu);
  const dataAt = 4 + (isExtended ? 3 : 1);
  if (data.length > 0) {
    lines.push(
      line(place, 4, dataAt, {
        name: same('Lc'),
        meaning: { en: `${counted(data.length, 'byte')} of data`, ja: `データ${data.length}バイト` },
        value: { text: toHex(bytes.subarray(4, dataAt)) },
      }),
      ...dataLines(apdu, data, place, dataAt),
    );
  }
  if (le !== undefined) {
    const from = data.length > 0 ? dataAt + data.length : 4;
    lines.push(
      line(place, from, bytes.length, {
        name: same('Le'),
        meaning: { en: `at most ${counted(le, 'byte')} wanted`, ja: `最大${le}バイトを要求` },
        value: { text: toHex(bytes.subarray(from)) },
      }),
    );
  }
  return lines;
}

function dataLines(apdu: CommandApdu, data: Uint8Array, place: Place, at: number): readonly Line[] {
  const name: Both = { en: 'Data', ja: 'データ' };
  const whole = (value?: Shown): Line => line(place, at, at + data.length, { name, value });
  if (isSecretData(apdu) && !place.reveal) return [whole(hidden(data.length))];
  // SELECT by name: an AID or the directory's name.
  if (apdu.ins === 0xa4 && apdu.p1 === 0x04) return [whole(guardedBytes(data, place.reveal))];
  const objects = decodeTlv(data, { zeros: 'refuse' });
  if (objects.ok && isMostlyKnown(countKnown(objects.value)))
    return [whole(), ...tlvLines(objects.value, inside(place, at))];
  return [whole(guardedBytes(data, place.reveal))];
}

const isMostlyKnown = ({ known, all }: { readonly known: number; readonly all: number }): boolean => known * 2 > all;

function classMeaning(cla: number): Both {
  if (cla === 0xff) return { en: 'for the reader', ja: 'リーダー宛' };
  const { isProprietary, isChained, secureMessaging, logicalChannel } = readClassByte(cla);
  const parts: Both[] = [isProprietary ? { en: 'payment', ja: '決済固有' } : { en: 'interindustry', ja: '業界共通' }];
  if (isChained) parts.push({ en: 'more follows', ja: '後続あり' });
  if (secureMessaging !== 'none') parts.push({ en: 'secure messaging', ja: 'セキュアメッセージング' });
  if (logicalChannel > 0) parts.push({ en: `channel ${logicalChannel}`, ja: `チャネル${logicalChannel}` });
  return { en: parts.map(({ en }) => en).join(', '), ja: parts.map(({ ja }) => ja).join('、') };
}

/** Lines of an answer. */
export function responseLines({ data, sw }: ResponseApdu, place: Place): readonly Line[] {
  const { length } = data;
  const lines: Line[] = [];
  if (length > 0) {
    const name: Both = { en: 'Data', ja: 'データ' };
    const objects = decodeTlv(data, { zeros: 'refuse' });
    if (objects.ok && isMostlyKnown(countKnown(objects.value)))
      lines.push(line(place, 0, length, { name }), ...tlvLines(objects.value, inside(place, 0)));
    else lines.push(line(place, 0, length, { name, value: guardedBytes(data, place.reveal) }));
  }
  const { en, ja } = statusMeaning(sw);
  const value = { text: `${byteHex(sw >> 8)}${byteHex(sw & 0xff)}` };
  lines.push(line(place, length, length + 2, { name: same('SW'), meaning: { en, ja }, value }));
  return lines;
}
