import { concat } from '../kit/index.ts';

const nothing = new Uint8Array(0);

/** A response is kept until GET RESPONSE has fetched it. */
const sw = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);

/** How a card speaks T=0. */
export interface T0CardSettings {
  /** Whether the instruction of a TPDU takes command data: T=0 does not say so on the wire, a card knows its commands. */
  takesData(header: Uint8Array): boolean;
}

/**
 * The card's side of T=0, for emulated cards: TPDUs to APDUs, 61xx and GET RESPONSE, 6Cxx, ENVELOPE.
 *
 * @see ISO/IEC 7816-3:2006, 10.3 and 12.2
 */
export class T0Card {
  readonly #settings: T0CardSettings;
  readonly #application: (apdu: Uint8Array) => Uint8Array | undefined;
  #waiting: Uint8Array = nothing;
  #waitingSw = 0x9000;
  #enveloped: Uint8Array = nothing;

  constructor(settings: T0CardSettings, application: (apdu: Uint8Array) => Uint8Array | undefined) {
    this.#settings = settings;
    this.#application = application;
  }

  /** Whether the card answers this header with its INS and takes P3 bytes, or sends instead. */
  takesData(header: Uint8Array): boolean {
    return header[1] === 0xc2 || (header[1] !== 0xc0 && this.#settings.takesData(header));
  }

  /** Data and status word that answer a TPDU (header of five bytes, and command data); undefined when the card is mute. */
  receive(tpdu: Uint8Array): Uint8Array | undefined {
    const [cla = 0, ins = 0, , , p3 = 0] = tpdu;
    if (tpdu.length < 5) return sw(0x6700);
    if (ins === 0xc0 && (cla & 0x80) === 0) return this.#getResponse(p3);
    this.#waiting = nothing;
    if (ins === 0xc2) return this.#envelope(tpdu.subarray(5));
    this.#enveloped = nothing;
    const hasData = tpdu.length > 5;
    if (hasData ? tpdu.length !== 5 + p3 : this.takesData(tpdu) && p3 > 0) return sw(0x6700);
    // Case 4 cannot be told from case 3: the application is asked with Le, and what it answers waits for GET RESPONSE.
    if (hasData) return this.#keep(this.#application(concat(tpdu, Uint8Array.of(0))), 0);
    return this.#keep(this.#application(p3 === 0 && this.takesData(tpdu) ? tpdu.subarray(0, 4) : tpdu), p3 || 256);
  }

  /** Gives up to `room` bytes at once; the rest waits. */
  #keep(response: Uint8Array | undefined, room: number): Uint8Array | undefined {
    if (response === undefined) return undefined;
    const end = Math.max(0, response.length - 2);
    const data = response.subarray(0, end);
    const status = response.subarray(end);
    if (data.length === 0) return status;
    // Its INS promises as many bytes as P3 says: a card that has another number of them names that first. 12.2.1.2.
    if (data.length === room) return response;
    if (room > 0 && data.length <= 256) return sw(0x6c00 | (data.length & 0xff));
    this.#waiting = data;
    this.#waitingSw = ((status[0] ?? 0) << 8) | (status[1] ?? 0);
    return sw(0x6100 | (Math.min(data.length, 256) & 0xff));
  }

  #getResponse(p3: number): Uint8Array {
    if (this.#waiting.length === 0) return sw(0x6985);
    const most = Math.min(this.#waiting.length, 256);
    const asked = p3 || 256;
    if (asked > most) return sw(0x6c00 | (most & 0xff));
    const data = this.#waiting.subarray(0, asked);
    this.#waiting = this.#waiting.subarray(asked);
    const rest = Math.min(this.#waiting.length, 256);
    return concat(data, sw(rest > 0 ? 0x6100 | (rest & 0xff) : this.#waitingSw));
  }

  #envelope(part: Uint8Array): Uint8Array | undefined {
    if (part.length > 0) {
      if (this.#enveloped.length + part.length > 65_544) return sw(0x6700);
      this.#enveloped = concat(this.#enveloped, part);
      return sw(0x9000);
    }
    const apdu = this.#enveloped;
    this.#enveloped = nothing;
    return this.#keep(this.#application(apdu), 0);
  }
}

/** How a card sends its procedure bytes. */
export interface ProcedureStyle {
  /** NULLs before each acknowledgement. */
  readonly nulls?: number;
  /** Asks for or sends data byte by byte (the complement of INS). */
  readonly isSingle?: boolean;
}

/**
 * A T=0 card character by character, for emulated readers that leave the procedure bytes to the host. What it says lies
 * in its line until the reader takes it.
 *
 * @see ISO/IEC 7816-3:2006, 10.3.3
 */
export class T0CardCharacters {
  readonly #card: T0Card;
  readonly #style: ProcedureStyle;
  #header: Uint8Array | undefined;
  #data: Uint8Array = nothing;
  #line: Uint8Array = nothing;

  constructor(card: T0Card, style: ProcedureStyle = {}) {
    this.#card = card;
    this.#style = style;
  }

  /** Characters from the reader, then up to `expected` characters to it; fewer when the card has no more to say. */
  exchange(characters: Uint8Array, expected: number): Uint8Array {
    if (characters.length > 0) this.#hear(characters);
    const said = this.#line.subarray(0, expected);
    this.#line = this.#line.subarray(said.length);
    return said;
  }

  #hear(characters: Uint8Array): void {
    if (this.#header === undefined) {
      // A header that breaks into an answer begins anew.
      this.#line = nothing;
      if (characters.length !== 5) return;
      this.#header = Uint8Array.from(characters);
      this.#data = nothing;
      const p3 = characters[4] ?? 0;
      if (p3 > 0 && this.#card.takesData(characters)) return this.#acknowledge();
      return this.#answer();
    }
    const p3 = this.#header[4] ?? 0;
    this.#data = concat(this.#data, characters);
    if (this.#data.length < p3) return this.#acknowledge();
    this.#answer();
  }

  #acknowledge(): void {
    const ins = this.#header?.[1] ?? 0;
    this.#line = concat(this.#nulls(), Uint8Array.of(this.#style.isSingle ? ins ^ 0xff : ins));
  }

  #answer(): void {
    const header = this.#header ?? nothing;
    const response = this.#card.receive(concat(header, this.#data));
    this.#header = undefined;
    if (response === undefined) return;
    const end = response.length - 2;
    const ins = header[1] ?? 0;
    const data = response.subarray(0, end);
    const said = this.#style.isSingle
      ? Uint8Array.from([...data].flatMap((byte) => [ins ^ 0xff, byte]))
      : data.length > 0
        ? concat(Uint8Array.of(ins), data)
        : nothing;
    this.#line = concat(this.#nulls(), said, response.subarray(end));
  }

  #nulls(): Uint8Array {
    return new Uint8Array(this.#style.nulls ?? 0).fill(0x60);
  }
}
