import { readFile } from 'node:fs/promises';
import { connect, type TLSSocket } from 'node:tls';
import { linkCredentials, linkCredentialsPath } from '@tsunagu/fleet-server/switch/index';
import { Exchange } from '@tsunagu/fleet-server/switch/link/exchange';
import { Line } from '@tsunagu/fleet-server/switch/link/line';
import {
  defaultLinks,
  functions,
  itemsPerPage,
  type Link,
  localTransactionTime,
  readItems,
  type ReconciliationItem,
  totalsElements,
  totalsOf,
  transmissionTime,
} from '@tsunagu/protocols/acquiring';
import { type DecodedMessage, type FieldValue, formatOriginalData, type Message } from '@tsunagu/protocols/iso8583';
import { hex, Secret, unwrap } from '@tsunagu/protocols/kit';
import { encipherPin } from '@tsunagu/protocols/pinblock';
import { type TestCardName, testCard } from '@tsunagu/protocols/test-cards';
import { systemWorld } from '@tsunagu/protocols/world';
import { until } from './small-house.ts';

export const linkNamed = (id: string): Link => {
  const link = defaultLinks.find((each) => each.id === id);
  if (!link) throw new Error(`no link ${id}`);
  return link;
};

/** The far end of W8: a merchant centre that signs on and asks. All bytes of its wire are kept. */
export class SmallCentre {
  readonly link: Link;
  readonly wire: Buffer[] = [];
  readonly #line: Line;
  #socket: TLSSocket | undefined;
  #pinKey: Secret<'key'> | undefined;
  #stan = Date.now() % 900_000;

  private constructor(link: Link, line: (centre: SmallCentre) => Line) {
    this.link = link;
    this.#line = line(this);
  }

  static async open(folder: string, port: number, id: string, ours = linkNamed(id)): Promise<SmallCentre> {
    const handed = linkCredentials.parse(JSON.parse(await readFile(linkCredentialsPath(folder, id), 'utf8')));
    // The same link from the other end.
    const link: Link = {
      ...ours,
      parties: { ...ours.parties, own: ours.parties.far, far: ours.parties.own },
      session: { ...ours.session, signOn: 'ours', keys: 'theirs' },
    };
    const world = systemWorld(() => undefined);
    const zone = (centre: SmallCentre) => ({
      kbpk: Secret.take('key', hex(handed.zoneKbpk)),
      pinKeyBlock: () => '',
      takePinKey(key: Secret<'key'>) {
        centre.#pinKey = key;
      },
    });
    const numbers = { next: () => Promise.resolve(centre.nextStan()) };
    const listener = {
      ready: () => undefined,
      changed: () => undefined,
      asked: () => Promise.resolve(),
      lenient: () => undefined,
      unmatched: () => undefined,
      refused: () => undefined,
    };
    const dial = (): TLSSocket => {
      const socket = connect({
        host: '127.0.0.1',
        port,
        servername: 'localhost',
        cert: handed.certificate,
        key: handed.privateKey,
        ca: handed.ca,
      });
      socket.on('data', (chunk: Buffer) => centre.wire.push(chunk));
      centre.#socket = socket;
      return socket;
    };
    const centre: SmallCentre = new SmallCentre(
      link,
      (self) => new Line(world, link, zone(self), numbers, new Exchange(world, link), listener, dial),
    );
    centre.#line.start();
    await until(() => centre.isReady);
    return centre;
  }

  get isReady(): boolean {
    return this.#line.isReady;
  }

  get socket(): TLSSocket {
    if (!this.#socket) throw new Error('not connected');
    return this.#socket;
  }

  nextStan(): string {
    this.#stan += 1;
    return String(this.#stan).padStart(6, '0');
  }

  order(type: 'keyAged' | 'signOffWanted' | 'signOnWanted' | 'fellSilent'): void {
    this.#line.tell({ type });
  }

  /** Sends a message that no answer is waited for. */
  say(message: Message): void {
    this.#line.send(message);
  }

  /** Asks, and waits for the answer. */
  async ask(message: Message): Promise<DecodedMessage> {
    const answer = await this.#line.request(message, 20_000);
    if (answer.type !== 'answered') throw new Error(answer.type);
    return answer.message;
  }

  /** A sale of an order over the net: the number was typed in, no card was read. */
  sale(card: TestCardName, amountMinor: number, change: { readonly [element: number]: FieldValue } = {}): Message {
    const now = Date.now();
    return {
      mti: '1200',
      fields: {
        2: testCard(card).pan.use((digits) => Secret.copy('pan', digits)),
        3: '000000',
        4: String(amountMinor).padStart(12, '0'),
        7: transmissionTime(now),
        11: this.nextStan(),
        12: localTransactionTime(now),
        14: testCard(card).expiry.slice(0, 4),
        22: '100050S00000',
        24: '200',
        32: this.link.parties.own,
        41: 'EC000001',
        42: 'SHOP00000000001',
        49: '392',
        ...change,
      },
    };
  }

  reversal(sale: Message, reason = '4000'): Message {
    const { 3: code = '', 4: amount = '', 11: stan, 12: localTime, 2: pan } = sale.fields;
    return {
      mti: '1420',
      fields: {
        ...(pan && { 2: pan }),
        3: code,
        4: amount,
        7: transmissionTime(Date.now()),
        11: this.nextStan(),
        12: String(localTime),
        22: '100050S00000',
        24: '400',
        25: reason,
        30: `${String(amount)}000000000000`,
        32: this.link.parties.own,
        41: 'EC000001',
        42: 'SHOP00000000001',
        49: '392',
        56: unwrap(
          formatOriginalData({
            mti: '1200',
            stan: String(stan),
            localTime: String(localTime),
            acquirer: this.link.parties.own,
          }),
        ),
      },
    };
  }

  /** The sale with a PIN under the zone's PIN key. */
  withPin(sale: Message, digits: string): Message {
    const pan = sale.fields[2];
    if (!(pan instanceof Secret) || pan.kind !== 'pan' || !this.#pinKey) throw new Error('no card or no key');
    const block = encipherPin({
      format: 4,
      key: this.#pinKey,
      pin: Secret.take('pin', Uint8Array.from(Buffer.from(digits))),
      pan: pan as Secret<'pan'>,
      entropy: (lengthBytes) => new Uint8Array(lengthBytes).fill(9),
    });
    return { mti: sale.mti, fields: { ...sale.fields, 52: Secret.take('pin', unwrap(block)) } };
  }

  /** Its totals of a day, compared with the switch's. */
  reconcile(day: string, items: readonly ReconciliationItem[], isFinal: boolean): Promise<DecodedMessage> {
    const now = Date.now();
    return this.ask({
      mti: '1520',
      fields: {
        7: transmissionTime(now),
        11: this.nextStan(),
        12: localTransactionTime(now),
        24: isFinal ? functions.reconciliation : functions.checkpoint,
        28: day,
        32: this.link.parties.own,
        ...totalsElements(totalsOf(items), this.link.profile.reconciliation.netRule, '392'),
      },
    });
  }

  /** The switch's items of a day. */
  async items(day: string): Promise<readonly ReconciliationItem[]> {
    const all: ReconciliationItem[] = [];
    for (let page = 0; ; page += 1) {
      const now = Date.now();
      const answer = await this.ask({
        mti: '1604',
        fields: {
          7: transmissionTime(now),
          11: this.nextStan(),
          12: localTransactionTime(now),
          24: functions.items,
          28: day,
          32: this.link.parties.own,
          71: String(page).padStart(8, '0'),
        },
      });
      const read = unwrap(readItems(answer.text(72) ?? ''));
      all.push(...read);
      if (read.length < itemsPerPage) return all;
    }
  }

  close(): Promise<void> {
    return this.#line.stop();
  }
}
