import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  type PcscdReader,
  pcscdConnect,
  pcscdDisconnect,
  pcscdReconnect,
  pcscdSocket,
  pcscdTransmit,
  pcscResultName,
} from '@tsunagu/protocols/pcsc';
import type { World } from '@tsunagu/protocols/world';
import type { ChipReader, ReaderCode, SlotState } from '../port.ts';
import { Turns } from '../turns.ts';
import { PcscConnection } from './connection.ts';
import { waitForCard } from '../wait-for-card.ts';

const pollMs = 250;
/** Resetting a card, and carrying a command out, waiting time extensions included. */
const resetMs = 10_000;
const commandMs = 30_000;

interface Card {
  readonly handle: number;
  readonly protocol: number;
}

/** Names of the readers that the PC/SC daemon of this machine knows. */
export async function listPcscReaders(
  world: World,
  path: string = pcscdSocket,
): Promise<Result<readonly string[], ReaderCode>> {
  const connection = await PcscConnection.open(world, path);
  if (!connection.ok) return connection;
  const readers = await connection.value.readers();
  connection.value.close();
  return readers.ok ? ok(readers.value.map(({ name }) => name)) : readers;
}

/** Opens a reader of the daemon by its name; READER_UNKNOWN when there is none of that name. */
export async function openPcscReader(
  world: World,
  name: string,
  path: string = pcscdSocket,
): Promise<Result<PcscReader, ReaderCode>> {
  const names = await listPcscReaders(world, path);
  if (!names.ok) return names;
  return names.value.includes(name) ? ok(new PcscReader(world, name, path)) : fail('READER_UNKNOWN');
}

/** A reader that pcscd drives: its cards, for this program alone. The connection is made when it is needed, and again after it broke. */
export class PcscReader implements ChipReader {
  readonly kind: 'contact' | 'contactless';
  readonly name: string;
  readonly #world: World;
  readonly #readerName: string;
  readonly #path: string;
  readonly #turns = new Turns();
  #connection: PcscConnection | undefined;
  #card: Card | undefined;
  #isClosed = false;

  constructor(world: World, readerName: string, path: string) {
    this.#world = world;
    this.#readerName = readerName;
    this.#path = path;
    this.name = `PC/SC ${readerName}`;
    // Names are all that the daemon tells; those of antennas say so.
    this.kind = /contactless|PICC|NFC|RC-S3|\bCL\b/i.test(readerName) ? 'contactless' : 'contact';
  }

  state(): Promise<Result<SlotState, ReaderCode>> {
    return this.#turns.take(() => this.#state());
  }

  powerOn(): Promise<Result<Uint8Array, ReaderCode>> {
    return this.#turns.take(async () => {
      const found = await this.#look();
      if (!found.ok) return found;
      if (!found.value.hasCard) {
        await this.#letGo();
        return fail('READER_CARD_ABSENT');
      }
      const connected = await this.#connect(found.value.name);
      if (!connected.ok) return connected;
      const powered = await this.#look();
      if (!powered.ok) return powered;
      return powered.value.atr.length >= 2 ? ok(powered.value.atr) : fail('READER_CARD_MUTE');
    });
  }

  powerOff(): Promise<Result<void, ReaderCode>> {
    return this.#turns.take(() => this.#letGo());
  }

  transmit(apdu: Uint8Array): Promise<Result<Uint8Array, ReaderCode>> {
    return this.#turns.take(async () => {
      const card = this.#card;
      const connection = this.#connection;
      if (card === undefined || connection === undefined || connection.isOver) {
        const state = await this.#state();
        if (!state.ok) return state;
        return state.value === 'absent'
          ? fail('READER_CARD_ABSENT')
          : fail('READER_REFUSED', { facts: { error: 'NOT_POWERED' } });
      }
      const sent = await connection.transmit(pcscdTransmit(card.handle, card.protocol, apdu), commandMs);
      if (!sent.ok) {
        this.#card = undefined;
        return sent;
      }
      const { answer, response } = sent.value;
      if (answer.result === 0 && response.length >= 2) return ok(response);
      await this.#letGo();
      // What was more than an answer has ended the connection.
      if (answer.result === 0 && connection.isOver) return fail('PCSC_PROTOCOL', { field: 'pcbRecvLength' });
      const state = await this.#state();
      if (state.ok && state.value === 'absent') return fail('READER_CARD_ABSENT');
      if (answer.result !== 0) return refusalOf(answer.result);
      // Some drivers hand on an empty answer where the card gave none: it is mute, or on its way out of the slot.
      return response.length === 0 ? fail('READER_CARD_MUTE') : fail('PCSC_PROTOCOL', { field: 'pcbRecvLength' });
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
    await this.#turns.take(() => this.#letGo());
    this.#connection?.close();
  }

  async #state(): Promise<Result<SlotState, ReaderCode>> {
    const found = await this.#look();
    if (!found.ok) return found;
    if (!found.value.hasCard) {
      // A card that was taken away takes its handle along.
      if (this.#card !== undefined) await this.#letGo();
      return ok('absent');
    }
    return ok(this.#card === undefined ? 'present' : 'active');
  }

  /** Our reader in the daemon's table; USB_UNPLUGGED when it has gone. */
  async #look(): Promise<Result<PcscdReader, ReaderCode>> {
    const connection = await this.#connected();
    if (!connection.ok) return connection;
    const readers = await connection.value.readers();
    if (!readers.ok) return readers;
    const found = readers.value.find(({ name }) => name === this.#readerName);
    return found === undefined ? fail('USB_UNPLUGGED') : ok(found);
  }

  async #connect(name: string): Promise<Result<void, ReaderCode>> {
    const connection = await this.#connected();
    if (!connection.ok) return connection;
    if (this.#card !== undefined) {
      const again = await connection.value.request('reconnect', pcscdReconnect(this.#card.handle), resetMs);
      if (!again.ok) return again;
      if (again.value.result === 0) {
        this.#card = { handle: this.#card.handle, protocol: again.value.protocol };
        return ok(undefined);
      }
      // Another card than before: its handle is of no use any more.
      await this.#letGo();
    }
    const request = pcscdConnect(connection.value.context, name);
    if (!request.ok) return request;
    const connected = await connection.value.request('connect', request.value, resetMs);
    if (!connected.ok) return connected;
    if (connected.value.result !== 0) return refusalOf(connected.value.result);
    this.#card = { handle: connected.value.value, protocol: connected.value.protocol };
    // It may have been powered before, by the daemon or another program: it begins anew with us.
    const reset = await connection.value.request('reconnect', pcscdReconnect(this.#card.handle), resetMs);
    if (!reset.ok) return reset;
    if (reset.value.result !== 0) {
      await this.#letGo();
      return refusalOf(reset.value.result);
    }
    this.#card = { handle: this.#card.handle, protocol: reset.value.protocol };
    return ok(undefined);
  }

  /** Takes the card's power away. That it fails because the card has gone is no failure. */
  async #letGo(): Promise<Result<void, ReaderCode>> {
    const card = this.#card;
    this.#card = undefined;
    const connection = this.#connection;
    if (card === undefined || connection === undefined || connection.isOver) return ok(undefined);
    const gone = await connection.request('disconnect', pcscdDisconnect(card.handle), resetMs);
    return gone.ok ? ok(undefined) : gone;
  }

  async #connected(): Promise<Result<PcscConnection, ReaderCode>> {
    if (this.#connection !== undefined && !this.#connection.isOver) return ok(this.#connection);
    this.#card = undefined;
    const opened = await PcscConnection.open(this.#world, this.#path);
    if (opened.ok) this.#connection = opened.value;
    return opened;
  }
}

const meanings: Readonly<Record<string, ReaderCode>> = {
  NO_SMARTCARD: 'READER_CARD_ABSENT',
  REMOVED_CARD: 'READER_CARD_ABSENT',
  UNRESPONSIVE_CARD: 'READER_CARD_MUTE',
  NOT_TRANSACTED: 'READER_CARD_MUTE',
  UNKNOWN_READER: 'USB_UNPLUGGED',
  READER_UNAVAILABLE: 'USB_UNPLUGGED',
  SHARING_VIOLATION: 'USB_BUSY',
  NO_SERVICE: 'PCSC_UNAVAILABLE',
  TIMEOUT: 'READER_TIMEOUT',
};

function refusalOf(result: number): Result<never, ReaderCode> {
  const name = pcscResultName(result);
  return fail(meanings[name] ?? 'PCSC_REFUSED', { facts: { result: name } });
}
