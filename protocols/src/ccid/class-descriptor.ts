import { fail, ok, type Result } from '../kit/index.ts';
import { asView } from './header.ts';
import type { Protocol } from './parameters.ts';

/** What a reader can do, from its 54-byte class descriptor. CCID 1.1, 5.1. */
export interface ClassDescriptor {
  /** BCD, 0x0110 for 1.10. */
  readonly releaseBcd: number;
  readonly slotIndexMax: number;
  readonly voltages: readonly ('5V' | '3V' | '1.8V')[];
  readonly protocols: readonly Protocol[];
  readonly defaultClockKhz: number;
  readonly maximumClockKhz: number;
  readonly clockCount: number;
  readonly dataRateBps: number;
  readonly dataRateBpsMax: number;
  readonly dataRateCount: number;
  /** Largest information field of T=1 that the reader takes. */
  readonly ifsdMax: number;
  readonly synchronousProtocols: number;
  readonly mechanical: number;
  /** dwFeatures as it stands; `featuresOf` names its bits and `exchangeLevelOf` its level. */
  readonly features: number;
  /** Longest bulk message, header included. */
  readonly messageBytesMax: number;
  readonly classGetResponse: number;
  readonly classEnvelope: number;
  /** Characters and lines of a display; zeros when there is none. */
  readonly lcd: { readonly lines: number; readonly characters: number };
  readonly pinSupport: readonly ('verify' | 'modify')[];
  readonly busySlotsMax: number;
}

/** What the reader does by itself. CCID 1.1, 5.1, dwFeatures. */
export const readerFeatures = [
  {
    bit: 0x02,
    name: 'automaticParametersFromAtr',
    en: 'Sets parameters from the ATR',
    ja: 'ATRからパラメーターを自動設定',
  },
  { bit: 0x04, name: 'automaticActivation', en: 'Powers a card on insertion', ja: '挿入時に自動活性化' },
  { bit: 0x08, name: 'automaticVoltage', en: 'Chooses the voltage', ja: '電圧を自動選択' },
  { bit: 0x10, name: 'automaticClock', en: 'Chooses the clock frequency', ja: 'クロック周波数を自動変更' },
  { bit: 0x20, name: 'automaticBaudRate', en: 'Chooses the data rate', ja: 'ボーレートを自動変更' },
  { bit: 0x40, name: 'automaticNegotiation', en: 'Negotiates parameters with the card', ja: 'パラメーターを自動交渉' },
  { bit: 0x80, name: 'automaticPps', en: 'Does PPS', ja: 'PPSを自動実行' },
  { bit: 0x100, name: 'clockStop', en: 'Can stop the clock', ja: 'クロック停止可能' },
  { bit: 0x200, name: 'nadOtherThanZero', en: 'Takes NAD values other than 00', ja: 'NADが00以外も可' },
  { bit: 0x400, name: 'automaticIfsd', en: 'Exchanges IFSD as its first block', ja: 'IFSDを自動交換' },
  { bit: 0x100000, name: 'wakeup', en: 'Wakes the host on insertion and removal', ja: '挿抜でホストを起動' },
] as const;

/** A name of `readerFeatures`. */
export type ReaderFeature = (typeof readerFeatures)[number]['name'];

/** The features of a dwFeatures value. */
export const featuresOf = (features: number): readonly ReaderFeature[] =>
  readerFeatures.filter(({ bit }) => (features & bit) !== 0).map(({ name }) => name);

/** What the host exchanges with the reader: single characters, T=0/T=1 units, or whole APDUs. */
export type ExchangeLevel = 'character' | 'tpdu' | 'shortApdu' | 'extendedApdu';

/** The exchange level of a dwFeatures value. */
export function exchangeLevelOf(features: number): ExchangeLevel {
  if ((features & 0x40000) !== 0) return 'extendedApdu';
  if ((features & 0x20000) !== 0) return 'shortApdu';
  return (features & 0x10000) !== 0 ? 'tpdu' : 'character';
}

/** bLength of the descriptor. */
const descriptorBytes = 54;

/** Reads the class descriptor: type 21, or FF as some early readers have it. */
export function decodeClassDescriptor(bytes: Uint8Array): Result<ClassDescriptor, 'CCID_DESCRIPTOR_INVALID'> {
  if (bytes.length !== descriptorBytes || bytes[0] !== descriptorBytes)
    return fail('CCID_DESCRIPTOR_INVALID', { offset: 0, field: 'bLength' });
  if (bytes[1] !== 0x21 && bytes[1] !== 0xff)
    return fail('CCID_DESCRIPTOR_INVALID', { offset: 1, field: 'bDescriptorType' });
  const view = asView(bytes);
  const voltage = view.getUint8(5);
  const protocols = view.getUint32(6, true);
  const messageBytesMax = view.getUint32(44, true);
  if (messageBytesMax < 10) return fail('CCID_DESCRIPTOR_INVALID', { offset: 44, field: 'dwMaxCCIDMessageLength' });
  const pin = view.getUint8(52);
  return ok({
    releaseBcd: view.getUint16(2, true),
    slotIndexMax: view.getUint8(4),
    voltages: voltageBits.filter(({ bit }) => (voltage & bit) !== 0).map(({ name }) => name),
    protocols: protocolBits.filter(({ bit }) => (protocols & bit) !== 0).map(({ name }) => name),
    defaultClockKhz: view.getUint32(10, true),
    maximumClockKhz: view.getUint32(14, true),
    clockCount: view.getUint8(18),
    dataRateBps: view.getUint32(19, true),
    dataRateBpsMax: view.getUint32(23, true),
    dataRateCount: view.getUint8(27),
    ifsdMax: view.getUint32(28, true),
    synchronousProtocols: view.getUint32(32, true),
    mechanical: view.getUint32(36, true),
    features: view.getUint32(40, true),
    messageBytesMax,
    classGetResponse: view.getUint8(48),
    classEnvelope: view.getUint8(49),
    lcd: { lines: view.getUint8(51), characters: view.getUint8(50) },
    pinSupport: pinBits.filter(({ bit }) => (pin & bit) !== 0).map(({ name }) => name),
    busySlotsMax: view.getUint8(53),
  });
}

/** Writes the class descriptor. */
export function encodeClassDescriptor(descriptor: ClassDescriptor): Uint8Array {
  const bytes = new Uint8Array(descriptorBytes);
  const view = asView(bytes);
  view.setUint8(0, descriptorBytes);
  view.setUint8(1, 0x21);
  view.setUint16(2, descriptor.releaseBcd, true);
  view.setUint8(4, descriptor.slotIndexMax);
  view.setUint8(5, sumOf(voltageBits, descriptor.voltages));
  view.setUint32(6, sumOf(protocolBits, descriptor.protocols), true);
  view.setUint32(10, descriptor.defaultClockKhz, true);
  view.setUint32(14, descriptor.maximumClockKhz, true);
  view.setUint8(18, descriptor.clockCount);
  view.setUint32(19, descriptor.dataRateBps, true);
  view.setUint32(23, descriptor.dataRateBpsMax, true);
  view.setUint8(27, descriptor.dataRateCount);
  view.setUint32(28, descriptor.ifsdMax, true);
  view.setUint32(32, descriptor.synchronousProtocols, true);
  view.setUint32(36, descriptor.mechanical, true);
  view.setUint32(40, descriptor.features, true);
  view.setUint32(44, descriptor.messageBytesMax, true);
  view.setUint8(48, descriptor.classGetResponse);
  view.setUint8(49, descriptor.classEnvelope);
  view.setUint8(50, descriptor.lcd.characters);
  view.setUint8(51, descriptor.lcd.lines);
  view.setUint8(52, sumOf(pinBits, descriptor.pinSupport));
  view.setUint8(53, descriptor.busySlotsMax);
  return bytes;
}

/** A reader's interface in a configuration descriptor: its number, class descriptor and endpoints. */
export interface CcidInterface {
  readonly interfaceNumber: number;
  readonly descriptor: ClassDescriptor;
  readonly bulkOut: number;
  readonly bulkIn: number;
  readonly bulkInPacketBytes: number;
  /** Absent on readers without notifications: poll them. */
  readonly interruptIn?: number;
}

/**
 * Finds the CCID interfaces of a configuration descriptor (GET_DESCRIPTOR, type 2), vendor-class ones with a class descriptor
 * included. Endpoint numbers come without the direction bit.
 */
export function findCcidInterfaces(configuration: Uint8Array): readonly CcidInterface[] {
  const found: CcidInterface[] = [];
  let interfaceNumber: number | undefined;
  let descriptor: ClassDescriptor | undefined;
  let endpoints: { bulkOut?: number; bulkIn?: number; bulkInPacketBytes: number; interruptIn?: number } = {
    bulkInPacketBytes: 64,
  };
  const close = (): void => {
    const { bulkOut, bulkIn, bulkInPacketBytes, interruptIn } = endpoints;
    if (interfaceNumber === undefined || descriptor === undefined || bulkOut === undefined || bulkIn === undefined)
      return;
    const reader = { interfaceNumber, descriptor, bulkOut, bulkIn, bulkInPacketBytes };
    found.push(interruptIn === undefined ? reader : { ...reader, interruptIn });
  };
  let at = 0;
  while (at + 2 <= configuration.length) {
    const length = configuration[at] ?? 0;
    if (length < 2 || at + length > configuration.length) break;
    const type = configuration[at + 1];
    if (type === 4) {
      close();
      interfaceNumber = configuration[at + 2];
      descriptor = undefined;
      endpoints = { bulkInPacketBytes: 64 };
    } else if ((type === 0x21 || type === 0xff) && length === descriptorBytes) {
      const read = decodeClassDescriptor(configuration.subarray(at, at + length));
      if (read.ok) descriptor = read.value;
    } else if (type === 5 && length >= 7) {
      const address = configuration[at + 2] ?? 0;
      const attributes = (configuration[at + 3] ?? 0) & 3;
      const isIn = (address & 0x80) !== 0;
      if (attributes === 2 && !isIn) endpoints.bulkOut = address & 0x0f;
      else if (attributes === 2) {
        endpoints.bulkIn = address & 0x0f;
        endpoints.bulkInPacketBytes = ((configuration[at + 4] ?? 0) | ((configuration[at + 5] ?? 0) << 8)) & 0x7ff;
      } else if (attributes === 3 && isIn) endpoints.interruptIn = address & 0x0f;
    }
    at += length;
  }
  close();
  return found;
}

const voltageBits = [
  { bit: 1, name: '5V' },
  { bit: 2, name: '3V' },
  { bit: 4, name: '1.8V' },
] as const;
const protocolBits = [
  { bit: 1, name: 'T=0' },
  { bit: 2, name: 'T=1' },
] as const;
const pinBits = [
  { bit: 1, name: 'verify' },
  { bit: 2, name: 'modify' },
] as const;

const sumOf = <N extends string>(bits: readonly { bit: number; name: N }[], names: readonly N[]): number =>
  bits.reduce((sum, { bit, name }) => (names.includes(name) ? sum | bit : sum), 0);
