import { decodeParameters, encodeParameters, type IccStatus, type Protocol } from '@tsunagu/protocols/ccid';
import { answerPps, defaultFiDi, T0Card, T0CardCharacters, T1Card, t1BlockBytes } from '@tsunagu/protocols/iso7816';
import { concat } from '@tsunagu/protocols/kit';
import { contactAtr, contactlessAtr } from './atr.ts';
import type { CcidVariant } from './ccid-variant.ts';
import type { ChipCard } from './chip-card.ts';

/** What a reader's own antenna answers to GET DATA for the card's UID. PC/SC part 3, 3.2.2.1.3. */
const getUid = Uint8Array.of(0xff, 0xca, 0x00, 0x00, 0x00);
const uid = Uint8Array.of(0x04, 0x54, 0x53, 0x55, 0x4e, 0x41, 0x47);

/**
 * Instructions with command data: at character level a card must know, T=0 does not say it. ISO/IEC 7816-4:2020, table 4, and
 * EMV 4.3 Book 3, 6.5.
 */
const takingData: ReadonlySet<number> = new Set([
  0x0e, 0x16, 0x18, 0x1e, 0x20, 0x24, 0x2a, 0x2c, 0x82, 0x88, 0xa4, 0xa8, 0xae, 0xc2, 0xd6, 0xda, 0xdc, 0xe2,
]);

/** What the line between reader and card does with one unit. */
type Line = (data: Uint8Array, expected: number) => Uint8Array | undefined;

/** One slot of an emulated reader: a card in it, its power, and the transmission protocol as far as the reader leaves it to the host. */
export class EmulatedSlot {
  readonly #variant: CcidVariant;
  #card: ChipCard | undefined;
  #isPowered = false;
  #line: Line | undefined;
  #isFresh = false;
  /** What PPS has led to, and what the host told the reader: they must be the same for the two to understand each other. */
  #agreedFiDi = defaultFiDi;
  #parameters: { readonly protocol: Protocol; readonly data: Uint8Array };

  constructor(variant: CcidVariant) {
    this.#variant = variant;
    this.#parameters = defaultParameters(variant.protocol);
  }

  get icc(): IccStatus {
    if (this.#card === undefined) return 'absent';
    return this.#isPowered ? 'active' : 'inactive';
  }

  get isPowered(): boolean {
    return this.#isPowered;
  }

  get parameters(): { readonly protocol: Protocol; readonly data: Uint8Array } {
    return this.#parameters;
  }

  insert(card: ChipCard): void {
    this.#card = card;
    this.powerOff();
  }

  remove(): boolean {
    const wasThere = this.#card !== undefined;
    this.#card = undefined;
    this.powerOff();
    return wasThere;
  }

  powerOff(): void {
    this.#isPowered = false;
    this.#line = undefined;
  }

  /** How often the reader has to ask the host for more time; in T=1 blocks that the host sees, the card asks by itself. */
  get extensions(): number {
    const { level, protocol } = this.#variant;
    const isHostsAffair = protocol === 'T=1' && (level === 'tpdu' || level === 'character');
    return isHostsAffair ? 0 : (this.#card?.extensions ?? 0);
  }

  /** The ATR; undefined without a card. */
  powerOn(): Uint8Array | undefined {
    const card = this.#card;
    if (card === undefined) return undefined;
    this.#isPowered = true;
    this.#isFresh = true;
    this.#agreedFiDi = defaultFiDi;
    this.#parameters = defaultParameters(this.#variant.protocol);
    card.reset();
    this.#line = lineOf(this.#variant, card);
    const { kind, protocol, fiDi, ifsc } = this.#variant;
    if (kind === 'contactless') return contactlessAtr(card.historicalBytes);
    return contactAtr(card.historicalBytes, { protocol, ifsc, ...(fiDi === undefined ? {} : { fiDi }) });
  }

  /** False when the parameters are none. */
  setParameters(protocol: Protocol, data: Uint8Array): boolean {
    if (!decodeParameters(protocol, data).ok) return false;
    this.#parameters = { protocol, data: Uint8Array.from(data) };
    return true;
  }

  /** One unit to the card and back; undefined when nothing comes. `expected` counts characters, at character level. */
  exchange(data: Uint8Array, expected: number): Uint8Array | undefined {
    const { level, protocol } = this.#variant;
    if (!this.#isPowered || this.#line === undefined) return undefined;
    const isApdu = level === 'shortApdu' || level === 'extendedApdu';
    if (isApdu) return this.#line(data, expected);
    const isFirst = this.#isFresh;
    this.#isFresh = false;
    if (data[0] === 0xff && isFirst) {
      const answer = answerPps(data, [protocol === 'T=1' ? 1 : 0]);
      if (answer !== undefined && ((answer[1] ?? 0) & 0x10) !== 0) this.#agreedFiDi = answer[2] ?? defaultFiDi;
      return answer;
    }
    // At another speed or in another protocol the two hear noise.
    if (this.#parameters.protocol !== protocol || this.#parameters.data[0] !== this.#agreedFiDi) return undefined;
    return this.#line(data, expected);
  }
}

function lineOf({ kind, level, protocol, ifsc, extensions, style }: CcidVariant, card: ChipCard): Line {
  const application = (apdu: Uint8Array): Uint8Array | undefined => card.transmit(apdu);
  if (level === 'shortApdu' || level === 'extendedApdu')
    return (apdu) =>
      kind === 'contactless' && Buffer.compare(apdu, getUid) === 0
        ? Uint8Array.of(...uid, 0x90, 0x00)
        : application(apdu);
  if (protocol === 'T=1') {
    const t1 = new T1Card({ epilogue: 'lrc', ifsc, extensions: extensions + (card.extensions ?? 0) }, application);
    if (level === 'tpdu') return (block) => t1.receive(block);
    let line: Uint8Array = new Uint8Array(0);
    let heard: Uint8Array = new Uint8Array(0);
    return (characters, expected) => {
      if (characters.length > 0) {
        heard = concat(heard, characters);
        const whole = t1BlockBytes(heard, 'lrc');
        if (!whole.ok || heard.length >= whole.value) {
          line = t1.receive(heard) ?? new Uint8Array(0);
          heard = new Uint8Array(0);
        }
      }
      const said = line.subarray(0, expected);
      line = line.subarray(said.length);
      return said.length > 0 ? said : undefined;
    };
  }
  const t0 = new T0Card({ takesData: ([, ins = 0]) => takingData.has(ins) }, application);
  if (level === 'tpdu') return (tpdu) => t0.receive(tpdu);
  const characters = new T0CardCharacters(t0, style);
  return (data, expected) => {
    const said = characters.exchange(data, expected);
    return said.length > 0 || expected === 0 ? said : undefined;
  };
}

const defaultParameters = (protocol: Protocol): { protocol: Protocol; data: Uint8Array } => ({
  protocol,
  data: encodeParameters(
    protocol === 'T=0'
      ? {
          protocol,
          fiDi: defaultFiDi,
          convention: 'direct',
          guardTime: 0,
          waitingInteger: 10,
          clockStop: 'notAllowed',
        }
      : {
          protocol,
          fiDi: defaultFiDi,
          convention: 'direct',
          checksum: 'lrc',
          guardTime: 0,
          waitingIntegers: 0x4d,
          clockStop: 'notAllowed',
          ifsc: 32,
          nad: 0,
        },
  ),
});
