import {
  type DecodedMessage,
  dataElement,
  describeActionCode,
  describeFunctionCode,
  describeMti,
  describeReasonCode,
  type FieldValue,
} from '../iso8583/index.ts';
import { Secret, toHex } from '../kit/index.ts';
import { decodeTlv } from '../tlv/index.ts';
import { type Both, type Line, line, type Place, type Shown } from './line.ts';
import { guardedBytes, guardedText, hidden, maskedPan } from './mask.ts';
import { tlvInside } from './tlv-lines.ts';

/** Lines of a message, or of what could be read of one. */
export function messageLines(message: DecodedMessage, bytes: Uint8Array, place: Place): readonly Line[] {
  const { spans, mti, elements } = message;
  const [first, bitmaps] = [spans[0], spans[1]];
  if (first === undefined) return [];
  const lines = [
    line(place, 0, first.length, {
      name: { en: 'Message type', ja: 'メッセージタイプ(MTI)' },
      meaning: describeMti(mti),
      value: { text: mti },
    }),
  ];
  if (bitmaps !== undefined && bitmaps.length > 0)
    lines.push(
      line(place, bitmaps.offset, bitmaps.offset + bitmaps.length, {
        name: { en: 'Bit map', ja: 'ビットマップ' },
        value: { text: elements.join(' ') },
      }),
    );
  for (const number of elements) {
    const [row, span, value] = [dataElement(number), message.span(number), message.value(number)];
    if (row === undefined || span === undefined || value === undefined) continue;
    const end = span.offset + span.length;
    const objects = number === 55 && value instanceof Uint8Array ? decodeTlv(value) : undefined;
    const isTlv = objects?.ok === true && bytes.length - span.valueOffset >= end - span.valueOffset;
    // Chip data may be written as hexadecimal text: its objects then have no bytes of their own to point at.
    const isRaw = value instanceof Uint8Array && value.length === end - span.valueOffset;
    lines.push(
      line(place, span.offset, end, {
        name: { en: `DE${number} ${row.en}`, ja: `DE${number} ${row.ja}` },
        meaning: meaningOf(number, value),
        value: isTlv && isRaw ? undefined : shown(number, value, place.reveal),
      }),
    );
    if (isTlv && isRaw && objects.ok) lines.push(...tlvInside(objects.value, place, span.valueOffset));
  }
  return lines;
}

function shown(number: number, value: FieldValue, reveal: boolean): Shown {
  const row = dataElement(number);
  if (value instanceof Secret) {
    return value.use((bytes) => {
      const text = row?.type === 'b' ? toHex(bytes) : Buffer.from(bytes).toString('latin1');
      if (reveal) return { text };
      return number === 2 && /^\d+$/.test(text) ? maskedPan(text) : hidden(value.length);
    });
  }
  // Key management data travels as bytes, not as a secret: what it holds is the link's affair.
  if (value instanceof Uint8Array)
    return number === 96 && !reveal ? hidden(value.length) : bytesShown(number, value, reveal);
  return row?.open ? { text: value } : guardedText(value, reveal);
}

const bytesShown = (number: number, value: Uint8Array, reveal: boolean): Shown =>
  // A MAC may look like anything, and is no secret.
  number === 64 || number === 128 ? { text: toHex(value) } : guardedBytes(value, reveal);

function meaningOf(number: number, value: FieldValue): Both | undefined {
  if (typeof value !== 'string') return undefined;
  const known =
    number === 39
      ? describeActionCode(value)
      : number === 24
        ? describeFunctionCode(value)
        : number === 25
          ? describeReasonCode(value)
          : undefined;
  return known && { en: known.en, ja: known.ja };
}
