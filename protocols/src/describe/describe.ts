import { readFrame } from '../acquiring/index.ts';
import { decodeCommand, decodeResponse, instructionName, statusMeaning } from '../apdu/index.ts';
import { decodeBulkIn, decodeBulkOut } from '../ccid/index.ts';
import {
  compileProfile,
  type Decoding,
  type DialectName,
  dialectNames,
  dialects,
  type MessageCodec,
} from '../iso8583/index.ts';
import { counted, type Fault, fromHex, ok, type Result, toHex } from '../kit/index.ts';
import { decodeTlv } from '../tlv/index.ts';
import { readHeader } from '../tr31/index.ts';
import { commandLines, responseLines } from './apdu-lines.ts';
import { ccidLines } from './ccid-lines.ts';
import { messageLines } from './iso8583-lines.ts';
import { keyBlockLines } from './key-block-lines.ts';
import { type Both, type DescribeOptions, type Line, line, type Place } from './line.ts';
import { secureFrameLines } from './secure-frame-lines.ts';
import { countKnown, tlvLines } from './tlv-lines.ts';

/** What bytes were taken for. */
export type DescribedKind =
  | 'secureFrame'
  | 'keyBlock'
  | 'iso8583'
  | 'ccid'
  | 'tlv'
  | 'apduCommand'
  | 'apduResponse'
  | 'unknown';

/** What some bytes are, as far as it can be told. */
export interface Description {
  readonly kind: DescribedKind;
  readonly title: Both;
  /** Pieces in the order of the bytes; those inside others come after them with a greater depth. */
  readonly lines: readonly Line[];
  readonly lengthBytes: number;
  /** ISO 8583 alone: the dialect, and others that fit as well. */
  readonly dialect?: DialectName;
  readonly alsoFits?: readonly DialectName[];
  /** Why the bytes end as a message of this kind before they should; the lines then stop where it happened. */
  readonly fault?: Fault;
}

type Guess = Omit<Description, 'lengthBytes'>;

const atStart = (options: DescribeOptions): Place => ({ at: 0, depth: 0, reveal: options.reveal ?? false });

/**
 * Describes what a person pasted: the text of a key block, or hexadecimal digits with any spaces, colons and line ends
 * between them, `0x` in front or not.
 */
export function describeText(text: string, options: DescribeOptions = {}): Result<Description, 'HEX_INVALID'> {
  const trimmed = text.trim();
  // A key block may consist of hexadecimal digits alone, so it is tried first; its length field makes chance hits rare.
  const block = describeKeyBlock(trimmed, atStart(options));
  if (block !== undefined) return ok({ ...block, lengthBytes: trimmed.length });
  const bytes = fromHex(trimmed.replace(/^0x/i, '').replaceAll(/[\s:,-]/g, ''));
  return bytes.ok ? ok(describeBytes(bytes.value, options)) : bytes;
}

/**
 * Guesses what some bytes are, and describes them piece by piece. Formats that check themselves (lengths, tables) are
 * tried before those that take almost anything. Card numbers, tracks, PINs and keys are masked unless `reveal`.
 *
 * @returns kind `unknown` without lines where nothing fits.
 */
export function describeBytes(bytes: Uint8Array, options: DescribeOptions = {}): Description {
  const place = atStart(options);
  const guess: Guess = guesses.reduce<Guess | undefined>((found, next) => found ?? next(bytes, place), undefined) ?? {
    kind: 'unknown',
    title: { en: 'Unknown', ja: '不明' },
    lines: [],
  };
  return { ...guess, lengthBytes: bytes.length };
}

type Guesser = (bytes: Uint8Array, place: Place) => Guess | undefined;

const guesses: readonly Guesser[] = [
  describeSecureFrame,
  (bytes, place) => describeKeyBlock(Buffer.from(bytes).toString('latin1'), place),
  describeMessage,
  describeFramedMessage,
  describeAddressed,
  describeCcid,
  describeAnswerInShort,
  describeTlv(0.99),
  describeCommand(true),
  describeResponse(true),
  describeTlv(0.5),
  describeBrokenMessage,
  describeCommand(false),
  describeResponse(false),
];

/** A length in front of a message, and where the message begins. */
interface Framed {
  readonly prefix: number;
  readonly body: Uint8Array;
}

/**
 * Every way to read a length in front that is exactly the bytes': two binary bytes, two bytes of packed digits or four
 * digits, counting itself or not.
 */
function framings(bytes: Uint8Array): readonly Framed[] {
  const digits = (text: string): number => (/^\d{4}$/.test(text) ? Number(text) : Number.NaN);
  const head = Buffer.from(bytes.subarray(0, 4));
  const lengths = [
    { prefix: 2, length: head.length < 2 ? Number.NaN : head.readUInt16BE(0) },
    { prefix: 2, length: digits(head.toString('hex', 0, 2)) },
    { prefix: 4, length: digits(head.toString('latin1')) },
  ];
  return lengths
    .filter(({ prefix, length }) => length === bytes.length || length === bytes.length - prefix)
    .filter(({ prefix }) => bytes.length > prefix)
    .map(({ prefix }) => ({ prefix, body: bytes.subarray(prefix) }));
}

const lengthLine = (place: Place, prefix: number, length: number): Line =>
  line(place, 0, prefix, {
    name: { en: 'Frame length', ja: 'フレーム長' },
    meaning: { en: `${counted(length, 'byte follows', 'bytes follow')}`, ja: `以降${length}バイト` },
    value: { text: String(length) },
  });

function describeSecureFrame(bytes: Uint8Array, place: Place): Guess | undefined {
  const length = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  const prefix = length === bytes.length - 2 ? 2 : 0;
  const body = bytes.subarray(prefix);
  const frame = readFrame(body);
  if (!frame.ok) return undefined;
  const lines = secureFrameLines(frame.value, body, { ...place, at: place.at + prefix });
  return {
    kind: 'secureFrame',
    title: { en: 'Secure frame between terminal and switch (W3)', ja: '端末・スイッチ間の保護フレーム(W3)' },
    lines: prefix === 0 ? lines : [lengthLine(place, prefix, body.length), ...lines],
  };
}

function describeKeyBlock(text: string, place: Place): Guess | undefined {
  const read = readHeader(text);
  if (!read.ok || read.value.header.blockLength !== text.length) return undefined;
  return {
    kind: 'keyBlock',
    title: { en: 'Key block (TR-31, X9.143)', ja: '鍵ブロック（TR-31・X9.143）' },
    lines: keyBlockLines(read.value, text, place),
  };
}

const codecs = new Map<DialectName, MessageCodec>();

function codecOf(dialect: DialectName): MessageCodec {
  // Lenient: a person wants to see what came, not whether it is as it should be.
  const eightBits = dialects[dialect].characters === 'ascii' ? (['ans-8bit'] as const) : [];
  const codec = codecs.get(dialect) ?? compileProfile({ dialect, allow: ['f-pad', 'trailing-lf', ...eightBits] });
  codecs.set(dialect, codec);
  return codec;
}

const messageTitle = (dialect: DialectName, mti: string): Both => ({
  en: `ISO 8583:1993 message ${mti}, ${dialect}`,
  ja: `ISO 8583:1993 電文 ${mti}、${dialect}`,
});

function describeMessage(bytes: Uint8Array, place: Place): Guess | undefined {
  const fitting = dialectNames.flatMap((dialect) => {
    const read = codecOf(dialect).decode(bytes);
    return read.ok ? [{ dialect, message: read.value }] : [];
  });
  const [best, ...others] = fitting;
  if (best === undefined) return undefined;
  return {
    kind: 'iso8583',
    title: messageTitle(best.dialect, best.message.mti),
    lines: messageLines(best.message, bytes, place),
    dialect: best.dialect,
    ...(others.length === 0 ? {} : { alsoFits: others.map(({ dialect }) => dialect) }),
  };
}

function describeFramedMessage(bytes: Uint8Array, place: Place): Guess | undefined {
  for (const { prefix, body } of framings(bytes)) {
    const guess = describeMessage(body, at(place, prefix)) ?? describeAddressed(body, at(place, prefix));
    if (guess !== undefined) return { ...guess, lines: [lengthLine(place, prefix, body.length), ...guess.lines] };
  }
  return undefined;
}

const at = (place: Place, offset: number): Place => ({ ...place, at: place.at + offset });
const tpduBytes = 5;

/** A message behind a TPDU: an id of 60 or 68 and two addresses. */
function describeAddressed(bytes: Uint8Array, place: Place): Guess | undefined {
  if (bytes[0] !== 0x60 && bytes[0] !== 0x68) return undefined;
  const guess = describeMessage(bytes.subarray(tpduBytes), at(place, tpduBytes));
  if (guess === undefined) return undefined;
  const value = { text: toHex(bytes.subarray(0, tpduBytes)) };
  const name = { en: 'TPDU: id, destination, origin', ja: 'TPDU（識別・宛先・発信元）' };
  return { ...guess, lines: [line(place, 0, tpduBytes, { name, value }), ...guess.lines] };
}

/** A message that goes wrong somewhere behind its bitmap: the dialect that gets furthest, if it gets anywhere. */
function describeBrokenMessage(bytes: Uint8Array, place: Place): Guess | undefined {
  let best: { dialect: DialectName; read: Exclude<Decoding, { ok: true }>; reached: number } | undefined;
  for (const dialect of dialectNames) {
    const read = codecOf(dialect).decode(bytes);
    if (read.ok) continue;
    const reached = read.partial?.elements.length ?? 0;
    if (reached >= 3 && reached > (best?.reached ?? 0)) best = { dialect, read, reached };
  }
  const partial = best?.read.partial;
  if (best === undefined || partial === undefined) return undefined;
  return {
    kind: 'iso8583',
    title: messageTitle(best.dialect, partial.mti),
    lines: messageLines(partial, bytes, place),
    dialect: best.dialect,
    fault: best.read.fault,
  };
}

function describeCcid(bytes: Uint8Array, place: Place): Guess | undefined {
  const toReader = decodeBulkOut(bytes);
  if (toReader.ok)
    return {
      kind: 'ccid',
      title: { en: 'CCID message to a reader', ja: 'リーダーへのCCIDメッセージ' },
      lines: ccidLines(toReader.value, bytes, place),
    };
  const fromReader = decodeBulkIn(bytes);
  if (!fromReader.ok) return undefined;
  return {
    kind: 'ccid',
    title: { en: 'CCID message from a reader', ja: 'リーダーからのCCIDメッセージ' },
    lines: ccidLines(fromReader.value, bytes, place),
  };
}

/** Data objects of which at least this share is in the dictionary. */
function describeTlv(knownShare: number): Guesser {
  return (bytes, place) => {
    const read = decodeTlv(bytes, { zeros: 'refuse' });
    if (!read.ok || read.value.length === 0) return undefined;
    const { known, all } = countKnown(read.value);
    if (known < all * knownShare) return undefined;
    return {
      kind: 'tlv',
      title: { en: 'EMV data objects (BER-TLV)', ja: 'EMVデータオブジェクト（BER-TLV）' },
      lines: tlvLines(read.value, place),
    };
  };
}

/** A command; of an instruction that we know, or any. */
function describeCommand(mustKnow: boolean): Guesser {
  return (bytes, place) => {
    const read = decodeCommand(bytes);
    if (!read.ok) return undefined;
    const { cla, ins } = read.value;
    const instruction = instructionName(cla, ins);
    if (mustKnow ? instruction === undefined : (ins & 0xf0) === 0x60 || (ins & 0xf0) === 0x90) return undefined;
    const name = instruction === undefined ? '' : `: ${instruction.name}`;
    return {
      kind: 'apduCommand',
      title: { en: `Command to a card (APDU)${name}`, ja: `カードへのコマンド（APDU）${name}` },
      lines: commandLines(read.value, bytes, place),
    };
  };
}

/**
 * A status word alone, or known objects and 9000. Both read as objects too (9000 as an empty certificate, 6100 as an empty
 * directory entry), which nobody sends.
 */
function describeAnswerInShort(bytes: Uint8Array, place: Place): Guess | undefined {
  if (bytes.length === 2) return describeResponse(true)(bytes, place);
  const read = decodeResponse(bytes);
  if (!read.ok || read.value.sw !== 0x9000) return undefined;
  const isObjects = describeTlv(0.99)(read.value.data, place) !== undefined;
  return isObjects ? describeResponse(true)(bytes, place) : undefined;
}

/** An answer: with a status word that we know, or any. */
function describeResponse(mustKnow: boolean): Guesser {
  return (bytes, place) => {
    const read = decodeResponse(bytes);
    if (!read.ok || (mustKnow && !isKnownStatus(read.value.sw))) return undefined;
    return {
      kind: 'apduResponse',
      title: { en: 'Answer of a card (APDU)', ja: 'カードの応答（APDU）' },
      lines: responseLines(read.value, place),
    };
  };
}

const unknownStatus = statusMeaning(0);
const isKnownStatus = (sw: number): boolean => statusMeaning(sw).en !== unknownStatus.en;
