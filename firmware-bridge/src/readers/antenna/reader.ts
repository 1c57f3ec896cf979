import { decodeCommand, encodeResponse, response } from '@tsunagu/protocols/apdu';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { contactlessAtr, readPseudoCommand, storageCardAtr } from '@tsunagu/protocols/pcsc';
import type { World } from '@tsunagu/protocols/world';
import type { ChipReader, FelicaReader, FelicaTarget, ReaderCode, SlotState } from '../port.ts';
import { Turns } from '../turns.ts';
import type { Antenna, FoundCard } from './antenna.ts';
import { waitForCard } from '../wait-for-card.ts';

const pollMs = 100;
const felicaMs = 500;
const anySystem = 0xffff;

/** What is in the field and selected. */
type Selected =
  | { readonly type: 'chip'; readonly card: FoundCard }
  | { readonly type: 'storage'; readonly uid: Uint8Array; readonly sak: number }
  | { readonly type: 'felica'; readonly target: FelicaTarget };

/**
 * A contactless reader made of an antenna: what PC/SC part 3 says a reader does, in one place for all families. Chip cards of
 * type A come first; storage cards and FeliCa get the ATR that the part gives them, and answer GET DATA (UID) alone.
 *
 * @see PC/SC part 3, 3.1.3 and 3.2.2
 */
export class AntennaReader implements ChipReader {
  readonly kind = 'contactless';
  readonly name: string;
  readonly felica: FelicaReader;
  readonly #world: World;
  readonly #antenna: Antenna;
  readonly #turns = new Turns();
  #selected: Selected | undefined;
  #isClosed = false;

  constructor(world: World, antenna: Antenna) {
    this.#world = world;
    this.#antenna = antenna;
    this.name = antenna.name;
    this.felica = {
      name: antenna.name,
      poll: (systemCode) =>
        this.#turns.take(async () => {
          this.#selected = undefined;
          return antenna.pollFelica(systemCode);
        }),
      exchange: (frame, timeoutMs = felicaMs) =>
        this.#turns.take(async () => {
          if (frame.length < 2 || frame[0] !== frame.length)
            return fail('FRAME_INVALID', { offset: 0, field: 'LEN', facts: { length: frame.length } });
          const answer = await antenna.exchangeFelica(frame, timeoutMs);
          if (!answer.ok || answer.value[0] === answer.value.length) return answer;
          return fail('FRAME_INVALID', { offset: 0, field: 'LEN', facts: { length: answer.value.length } });
        }),
    };
  }

  state(): Promise<Result<SlotState, ReaderCode>> {
    return this.#turns.take(async () => {
      if (this.#selected !== undefined) {
        const isThere = this.#selected.type === 'chip' ? await this.#antenna.isPresent() : ok(false);
        if (isThere.ok && isThere.value) return ok('active');
        // Another kind of card has no presence check: it is looked for again.
        const was = this.#selected;
        this.#selected = undefined;
        if (!isThere.ok) return isThere;
        if (was.type !== 'chip') return this.#look('active', was);
      }
      return this.#look('present');
    });
  }

  powerOn(): Promise<Result<Uint8Array, ReaderCode>> {
    return this.#turns.take(async () => {
      this.#selected = undefined;
      const found = await this.#find();
      if (!found.ok) {
        await this.#antenna.release();
        return found;
      }
      this.#selected = found.value;
      return ok(atrOf(found.value));
    });
  }

  powerOff(): Promise<Result<void, ReaderCode>> {
    return this.#turns.take(() => {
      this.#selected = undefined;
      return this.#antenna.release();
    });
  }

  transmit(apdu: Uint8Array): Promise<Result<Uint8Array, ReaderCode>> {
    return this.#turns.take(async () => {
      const selected = this.#selected;
      if (selected === undefined) {
        const state = await this.#look('present');
        if (!state.ok) return state;
        return state.value === 'absent'
          ? fail('READER_CARD_ABSENT')
          : fail('READER_REFUSED', { facts: { error: 'NOT_POWERED' } });
      }
      if (apdu[0] === 0xff || selected.type !== 'chip') return ok(answerPseudo(selected, apdu));
      const answer = await this.#antenna.transmit(apdu);
      if (answer.ok) return answer;
      this.#selected = undefined;
      const isGone = answer.fault.code === 'READER_CARD_MUTE' && !(await this.#isAnyThere());
      await this.#antenna.release();
      return isGone ? fail('READER_CARD_ABSENT', { cause: answer.fault }) : answer;
    });
  }

  waitForCard(timeoutMs: number): Promise<Result<void, ReaderCode>> {
    const { clock, timers } = this.#world;
    const pause = async (ms: number): Promise<Result<void, ReaderCode>> => {
      await timers.sleep(Math.min(ms, pollMs));
      return ok(undefined);
    };
    return waitForCard(clock, { state: () => this.state(), isClosed: () => this.#isClosed, pause }, timeoutMs);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#turns.idle();
    await this.#antenna.release();
    await this.#antenna.close();
  }

  /** Whether something is in the field; several cards are something, and powerOn says which trouble it is. */
  async #look(there: 'present' | 'active', was?: Selected): Promise<Result<SlotState, ReaderCode>> {
    const found = await this.#find();
    await this.#antenna.release();
    if (!found.ok) {
      if (found.fault.code === 'READER_CARD_ABSENT') return ok('absent');
      return found.fault.code === 'READER_SEVERAL_CARDS' ? ok('present') : found;
    }
    if (was !== undefined && found.value.type === was.type) this.#selected = found.value;
    return ok(there);
  }

  async #isAnyThere(): Promise<boolean> {
    const found = await this.#find();
    return found.ok;
  }

  async #find(): Promise<Result<Selected, ReaderCode>> {
    const chip = await this.#antenna.findTypeA();
    if (chip.ok) {
      const { historicalBytes, uid, sak } = chip.value;
      return ok(historicalBytes === undefined ? { type: 'storage', uid, sak } : { type: 'chip', card: chip.value });
    }
    if (chip.fault.code !== 'READER_CARD_ABSENT') return chip;
    const felica = await this.#antenna.pollFelica(anySystem);
    return felica.ok ? ok({ type: 'felica', target: felica.value }) : felica;
  }
}

/** Names of storage cards by SAK. NXP AN10833, table 6. */
const storageNames: Readonly<Record<number, number>> = { 0x08: 0x0001, 0x18: 0x0002, 0x00: 0x0003, 0x09: 0x0026 };

function atrOf(selected: Selected): Uint8Array {
  switch (selected.type) {
    case 'chip':
      return contactlessAtr(selected.card.historicalBytes ?? new Uint8Array(0));
    case 'storage':
      return storageCardAtr({ standard: 0x03, name: storageNames[selected.sak] ?? 0 });
    case 'felica':
      return storageCardAtr({ standard: 0x11, name: 0x003b });
  }
}

/** What the reader itself answers. 6A81: a function that it does not have. PC/SC part 3, 3.2.2.1.3. */
function answerPseudo(selected: Selected, apdu: Uint8Array): Uint8Array {
  const command = decodeCommand(apdu);
  const pseudo = command.ok ? readPseudoCommand(command.value) : undefined;
  const historical = selected.type === 'chip' ? selected.card.historicalBytes : undefined;
  const data =
    pseudo?.type === 'getUid' ? uidOf(selected) : pseudo?.type === 'getHistoricalBytes' ? historical : undefined;
  return encodeResponse(data === undefined ? response(0x6a81) : response(0x9000, data));
}

function uidOf(selected: Selected): Uint8Array {
  if (selected.type === 'chip') return selected.card.uid;
  return selected.type === 'storage' ? selected.uid : selected.target.idm;
}
