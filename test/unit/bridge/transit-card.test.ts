import { TransitCard } from '@tsunagu/firmware-bridge/cards/index';
import {
  decodeFelicaResponse,
  decodeTransitAttributes,
  decodeTransitEntry,
  encodeFelicaCommand,
  encodeTransitOpen,
  type FelicaCommand,
  type FelicaResponse,
  issuedAccount,
  onOpened,
  onOutcome,
  orderTransfer,
  readTransitOpening,
  type TransitAccount,
  type TransitBooking,
  transitCardKey,
  type TransitTransfer,
} from '@tsunagu/protocols/felica';
import { hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import { type transitCardData, transitCard, transitMasterKey } from '@tsunagu/protocols/test-cards';
import { describe, expect, it } from 'vitest';

const idm = hex('0114545355000001');
const commonIdm = hex('1114545355000001');

const fresh = (): TransitCard => new TransitCard(transitCard('transit'));
const ask = (card: TransitCard, command: FelicaCommand): FelicaResponse =>
  unwrap(decodeFelicaResponse(card.transmit(encodeFelicaCommand(command)) ?? hex('')));
const read = (card: TransitCard, service: number, ...blocks: readonly number[]): FelicaResponse =>
  ask(card, {
    type: 'readWithoutEncryption',
    idm,
    services: [service],
    blocks: blocks.map((block) => ({ service: 0, block })),
  });
const history = (card: TransitCard) => {
  const first = read(card, 0x090f, ...Array.from({ length: 10 }, (_, block) => block));
  const second = read(card, 0x090f, ...Array.from({ length: 10 }, (_, block) => block + 10));
  const data = [first, second].map((answer) => ('data' in answer ? answer.data : hex('')));
  return data
    .flatMap((bytes) => Array.from({ length: 10 }, (_, row) => bytes.subarray(row * 16, row * 16 + 16)))
    .flatMap((row) => unwrap(decodeTransitEntry(row)) ?? []);
};

describe('polling (FeliCa Card User’s Manual, 4.4.2)', () => {
  it.each([
    ['060000030100', '0003', 'its system code'],
    ['0600FFFF0100', '0003', 'any'],
    ['060000FF0100', '0003', 'the low byte any'],
    ['0600FF030100', '0003', 'the high byte any'],
    ['0600FE000100', 'FE00', 'the common area'],
    ['0600FEFF010F', 'FE00', 'sixteen slots'],
    ['0600FFFF0207', '0083', 'communication performance'],
  ])('%s finds %s: %s', (frame, requested) => {
    expect(toHex((fresh().transmit(hex(frame)) ?? hex('')).subarray(18))).toBe(requested);
  });

  it.each([
    ['060012FC0100', 'NDEF, which this card has not'],
    ['0600000301 02', 'a number of slots that there is not'],
    ['060000030300', 'a request that there is not'],
    ['0500000301', 'cut'],
  ])('stays mute to %s: %s', (frame) => {
    expect(fresh().transmit(hex(frame))).toBeUndefined();
  });

  it('gives each system an IDm of its own, and knows no other', () => {
    const poll = ask(fresh(), { type: 'polling', systemCode: 0xfe00, request: 'none', slots: 0 });
    expect(poll.idm).toEqual(commonIdm);
    const stranger = encodeFelicaCommand({ type: 'requestResponse', idm: hex('0114545355000009') });
    expect(fresh().transmit(stranger)).toBeUndefined();
  });
});

describe('services (4.3, 4.4)', () => {
  it('tells systems, services and their key versions', () => {
    const card = fresh();
    expect(ask(card, { type: 'requestSystemCode', idm })).toMatchObject({ systemCodes: [0x0003, 0xfe00] });
    expect(ask(card, { type: 'requestResponse', idm })).toMatchObject({ mode: 0 });
    const nodes = [0x0000, 0x008b, 0x090f, 0x1009];
    expect(ask(card, { type: 'requestService', idm, nodes })).toMatchObject({ keyVersions: [1, 1, 1, 0xffff] });
    const search = (index: number) => ask(card, { type: 'searchServiceCode', idm, index });
    expect([0, 1, 2, 3].map((index) => search(index))).toMatchObject([
      { codes: [0x0000, 0xfffe] },
      { codes: [0x008b] },
      { codes: [0x090f] },
      { codes: [0xffff] },
    ]);
  });

  it('has its service codes little-endian on the wire, and takes block elements of two and three bytes', () => {
    const card = fresh();
    const two = card.transmit(hex('1006 0114545355000001 01 8B00 01 8000'));
    expect(toHex((two ?? hex('')).subarray(0, 13))).toBe('1D0701145453550000010000' + '01');
    expect(unwrap(decodeTransitAttributes((two ?? hex('')).subarray(13)))).toEqual({ balance: 3000, serial: 0 });
    expect(card.transmit(hex('1106 0114545355000001 01 8B00 01 000000'))).toEqual(two);
  });

  it.each([
    ['1006 0114545355000001 01 8C00 01 8000', 'FFA6', 'no such service'],
    ['1006 0114545355000001 01 8B00 01 8001', '01A8', 'no such block'],
    ['1206 0114545355000001 01 8B00 02 80008001', '02A8', 'the second block is the wrong one'],
    ['1006 0114545355000001 01 8B00 01 9000', '01A7', 'cashback access to what is no purse'],
    ['1006 0114545355000001 01 8B00 01 8100', 'FFA3', 'a service that is not in the list'],
    ['0E06 0114545355000001 01 8B00 00', 'FFA2', 'no block'],
    ['0C06 0114545355000001 00 00', 'FFA1', 'no service'],
    ['2008 0114545355000001 01 8B00 01 8000 00000000000000000000000000000000', 'FFA5', 'writing what is read-only'],
    ['2008 0114545355000001 01 0F09 01 8000 00000000000000000000000000000000', 'FFA5', 'writing history'],
    ['2008 0114545355000001 01 0910 01 8000 00000000000000000000000000000000', 'FFA6', 'a service of the other system'],
  ])('%s is refused with %s: %s', (frame, flags) => {
    const card = fresh();
    expect(toHex((card.transmit(hex(frame)) ?? hex('')).subarray(10))).toBe(flags);
    expect(card.balance).toBe(3000);
  });

  it('writes a memo that outlives power, both blocks as one at every cut', () => {
    const memo = (fill: number): Uint8Array =>
      encodeFelicaCommand({
        type: 'writeWithoutEncryption',
        idm: commonIdm,
        services: [0x1009],
        blocks: [
          { service: 0, block: 0 },
          { service: 0, block: 1 },
        ],
        data: new Uint8Array(32).fill(fill),
      });
    const stored = (card: TransitCard): string => {
      const blocks = [0, 1].map((block) => ({ service: 0, block }));
      const answer = ask(card, { type: 'readWithoutEncryption', idm: commonIdm, services: [0x1009], blocks });
      return 'data' in answer ? toHex(answer.data) : '';
    };
    let cuts = 0;
    for (let bytes = 0; ; bytes++) {
      const card = fresh();
      card.transmit(memo(0xaa));
      card.failPowerAfter(bytes);
      const answer = card.transmit(memo(0xbb));
      card.reset();
      if (answer !== undefined) {
        expect(stored(card)).toBe('BB'.repeat(32));
        break;
      }
      cuts++;
      expect(['AA'.repeat(32), 'BB'.repeat(32)]).toContain(stored(card));
    }
    expect(cuts).toBe(2 * 17 + 5 + 32 + 5);
  });
});

/** The centre, and a card that it charges and debits: what is lost on the way is chosen by the test. */
class Centre {
  account: TransitAccount;
  readonly bookings: TransitBooking[] = [];
  #nonce = 0;
  #number = 0;
  readonly #key;
  readonly #idm: Uint8Array;

  constructor(name: (typeof transitCardData)[number]['name'] = 'transit') {
    const data = transitCard(name);
    this.#idm = hex(data.idm);
    this.#key = transitCardKey(transitMasterKey(), this.#idm);
    this.account = issuedAccount(data.balance);
  }

  open(card: TransitCard, lost = false) {
    const nonce = new Uint8Array(8);
    nonce[7] = ++this.#nonce;
    const answer = card.transmit(encodeTransitOpen(this.#idm, nonce));
    if (answer === undefined || lost) return undefined;
    const session = unwrap(readTransitOpening(this.#key, this.#idm, nonce, answer));
    const step = unwrap(onOpened(this.account, session));
    this.account = step.account;
    if (step.booking !== undefined) this.bookings.push(step.booking);
    return session;
  }

  transfer(kind: 'charge' | 'debit', amount: number): TransitTransfer {
    const number = new Uint8Array(8);
    this.#number += 1;
    number.set([this.#number >> 8, this.#number & 0xff], 6);
    const isCharge = kind === 'charge';
    return {
      number,
      kind,
      amount,
      terminal: isCharge ? 0x1f : 0xc7,
      process: isCharge ? 0x02 : 0x46,
      date: { year: 2026, month: 11, day: 25 },
      places: hex('00000000'),
      region: 0,
    };
  }

  /** One transfer from opening to booking; `lose` names the message that never arrives, `cut` the bytes that power lasts for. */
  run(
    card: TransitCard,
    kind: 'charge' | 'debit',
    amount: number,
    { lose, cut }: { readonly lose?: 'opening' | 'order' | 'outcome'; readonly cut?: number } = {},
  ): string {
    const session = this.open(card, lose === 'opening');
    if (session === undefined) return 'lost';
    const transfer = this.transfer(kind, amount);
    const ordered = orderTransfer(this.account, session, transfer);
    if (!ordered.ok) return ordered.fault.code;
    this.account = ordered.value.account;
    if (cut !== undefined) card.failPowerAfter(cut);
    const answer = lose === 'order' ? undefined : card.transmit(ordered.value.frame);
    if (answer === undefined || lose === 'outcome') {
      card.reset();
      return answer === undefined && cut !== undefined ? 'cut' : 'lost';
    }
    if (cut !== undefined) card.reset();
    const step = unwrap(onOutcome(this.account, session, transfer, answer));
    this.account = step.account;
    if (step.booking !== undefined) this.bookings.push(step.booking);
    return step.booking?.outcome ?? '';
  }

  get moved(): number {
    return this.bookings
      .filter(({ outcome }) => outcome === 'done')
      .reduce((sum, { kind, amount }) => sum + (kind === 'charge' ? amount : -amount), 0);
  }
}

describe('charge and debit against the centre (our own session, named so)', () => {
  it('moves the balance, and writes a row of history each', () => {
    const [card, centre] = [fresh(), new Centre()];
    expect(centre.run(card, 'charge', 2_000)).toBe('done');
    expect(centre.run(card, 'debit', 180)).toBe('done');
    expect(card.balance).toBe(4_820);
    expect(centre.account).toEqual({ counter: 2, balance: 4_820 });
    expect(history(card)).toMatchObject([
      { terminal: 0xc7, process: 0x46, balance: 4_820, serial: 2, date: { year: 2026, month: 11, day: 25 } },
      { terminal: 0x1f, process: 0x02, balance: 5_000, serial: 1 },
    ]);
  });

  it('keeps the last twenty rows', () => {
    const [card, centre] = [fresh(), new Centre()];
    for (let count = 0; count < 23; count++) expect(centre.run(card, 'debit', 10)).toBe('done');
    const rows = history(card);
    expect(rows.map(({ serial }) => serial)).toEqual(Array.from({ length: 20 }, (_, row) => 23 - row));
    expect(rows[0]?.balance).toBe(card.balance);
  });

  it.each([
    ['transit-empty', 'debit', 1],
    ['transit-full', 'charge', 1],
    ['transit', 'debit', 3_001],
    ['transit', 'charge', 0],
  ] as const)('%s refuses a %s of %i before it is asked, and by itself', (name, kind, amount) => {
    const card = new TransitCard(transitCard(name));
    const centre = new Centre(name);
    expect(centre.run(card, kind, amount)).toBe('TRANSIT_BALANCE');
    // A centre with wrong books orders it all the same: the card keeps its range.
    centre.account = { ...centre.account, balance: 10_000 };
    const session = new Centre(name).open(card);
    if (session === undefined) throw new Error('mute');
    const transfer = centre.transfer(kind, Math.max(amount, 1));
    const { frame } = unwrap(orderTransfer(centre.account, session, transfer));
    const before = card.balance;
    const answer = card.transmit(frame) ?? hex('');
    if (amount > 0) {
      expect(toHex(answer.subarray(10, 12))).toBe('FF01');
      expect(card.balance).toBe(before);
    }
  });

  it.each(['opening', 'order', 'outcome'] as const)('loses no yen when the %s is lost', (lose) => {
    for (const kind of ['charge', 'debit'] as const) {
      const [card, centre] = [fresh(), new Centre()];
      centre.run(card, kind, 500, { lose });
      centre.open(card);
      expect(centre.account).toEqual({ counter: lose === 'outcome' ? 1 : 0, balance: card.balance });
      expect(card.balance).toBe(3_000 + centre.moved);
      expect(history(card)).toHaveLength(lose === 'outcome' ? 1 : 0);
      expect(centre.run(card, kind, 100), 'the next one goes through').toBe('done');
      expect(card.balance).toBe(3_000 + centre.moved);
    }
  });

  it('has the old balance or the new one, and its row with it, wherever power is cut', () => {
    const seen = new Set<number>();
    let cut = 0;
    for (; ; cut++) {
      const [card, centre] = [fresh(), new Centre()];
      centre.run(card, 'charge', 1_000);
      const outcome = centre.run(card, 'debit', 300, { cut });
      centre.open(card);
      seen.add(card.balance);
      expect([4_000, 3_700]).toContain(card.balance);
      expect(history(card)).toHaveLength(card.balance === 3_700 ? 2 : 1);
      expect(history(card)[0]?.balance).toBe(card.balance);
      expect(centre.account).toEqual({ counter: card.balance === 3_700 ? 2 : 1, balance: card.balance });
      expect(card.balance).toBe(3_000 + centre.moved);
      if (outcome === 'done') break;
    }
    expect(cut).toBe(3 * 17 + 5 + 3 * 16 + 5);
    expect(seen).toEqual(new Set([4_000, 3_700]));
  });

  it('takes an order once, and gives the same answer to the same order again', () => {
    const [card, centre] = [fresh(), new Centre()];
    const session = centre.open(card);
    if (session === undefined) throw new Error('mute');
    const { frame } = unwrap(orderTransfer(centre.account, session, centre.transfer('debit', 100)));
    const first = card.transmit(frame);
    expect(card.transmit(frame)).toEqual(first);
    expect(card.balance).toBe(2_900);
    const other = unwrap(orderTransfer(centre.account, session, centre.transfer('debit', 100)));
    expect(card.transmit(other.frame), 'a second order of one session').toBeUndefined();
    expect(card.balance).toBe(2_900);
  });

  it('stays mute to a replay in another session, to a changed byte, and without a session', () => {
    const [card, centre] = [fresh(), new Centre()];
    const session = centre.open(card);
    if (session === undefined) throw new Error('mute');
    const { frame } = unwrap(orderTransfer(centre.account, session, centre.transfer('charge', 1_000)));
    for (let at = 1; at < frame.length; at++) {
      const changed = Uint8Array.from(frame, (byte, index) => (index === at ? byte ^ 1 : byte));
      new Centre().open(card);
      expect(card.transmit(changed), `byte ${at}`).toBeUndefined();
    }
    card.reset();
    expect(card.transmit(frame), 'no session').toBeUndefined();
    new Centre().open(card);
    expect(card.transmit(frame), 'the nonces are others').toBeUndefined();
    expect(card.balance).toBe(3_000);
  });

  it('finds out a copy that was rolled back, and a card of another centre', () => {
    const [card, centre] = [fresh(), new Centre()];
    const copy = new TransitCard(transitCard('transit'), card.pages);
    centre.run(card, 'debit', 500);
    const nonce = new Uint8Array(8);
    const key = transitCardKey(transitMasterKey(), idm);
    const answer = copy.transmit(encodeTransitOpen(idm, nonce)) ?? hex('');
    const session = unwrap(readTransitOpening(key, idm, nonce, answer));
    expect(onOpened(centre.account, session)).toMatchObject({ fault: { code: 'TRANSIT_OUT_OF_STEP' } });
    const strange = transitCardKey(transitMasterKey(), commonIdm);
    expect(readTransitOpening(strange, idm, nonce, answer)).toMatchObject({ fault: { code: 'TRANSIT_NOT_AUTHENTIC' } });
    const spoiled = Uint8Array.from(answer, (byte, index) => (index === 33 ? byte ^ 1 : byte));
    expect(readTransitOpening(key, idm, nonce, spoiled).ok, 'a balance that was changed on the way').toBe(false);
  });

  it('conserves money over many uses with whatever lost or cut', () => {
    let seed = 7;
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    const [card, centre] = [fresh(), new Centre()];
    for (let count = 0; count < 400; count++) {
      const kind = next(2) === 0 ? 'charge' : 'debit';
      const fate = next(5);
      const amount = 1 + next(900);
      if (fate === 0) centre.run(card, kind, amount, { cut: next(120) });
      else if (fate === 1)
        centre.run(card, kind, amount, { lose: (['opening', 'order', 'outcome'] as const)[next(3)] ?? 'order' });
      else centre.run(card, kind, amount);
    }
    centre.open(card);
    expect(card.balance).toBe(3_000 + centre.moved);
    expect(centre.account.balance).toBe(card.balance);
    expect(new Set(centre.bookings.map(({ number }) => number)).size, 'each booked once').toBe(centre.bookings.length);
    expect(centre.bookings.length).toBeGreaterThan(200);
  });
});
