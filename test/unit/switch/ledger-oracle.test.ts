import { LedgerOracle, type Violation } from '@tsunagu/fleet-server/ledger-oracle/oracle';
import type { Tapped } from '@tsunagu/fleet-server/emulation/tap';
import { cardCompanyLink, defaultLinks, type Link } from '@tsunagu/protocols/acquiring';
import { formatOriginalData, type Message } from '@tsunagu/protocols/iso8583';
import { secretPan, toHex, unwrap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';

const localTime = '261126120000';
const acquirers = { acquirer: '39200070001', issuer: '39200012345' };

/** Both sides of a switch, played by hand. */
class Play {
  readonly oracle = new LedgerOracle();
  readonly #links: Readonly<Record<Tapped['side'], Link>>;
  #stan = 0;
  constructor(issuer: Link = cardCompanyLink) {
    this.#links = { acquirer: cardCompanyLink, issuer };
  }
  #show(side: Tapped['side'], isRequest: boolean, message: Message): void {
    const direction = (side === 'acquirer') === isRequest ? 'out' : 'in';
    const { codec, profile } = this.#links[side];
    this.oracle.take({ side, line: side, direction, writing: profile, hex: toHex(unwrap(codec.encode(message))) });
  }
  request(side: Tapped['side'], amountMinor: number, mti = '1200', stan = this.nextStan()): string {
    this.#show(side, true, {
      mti,
      fields: {
        2: secretPan('4761739001010010'),
        3: '000000',
        4: String(amountMinor).padStart(12, '0'),
        7: '1126030000',
        11: stan,
        12: localTime,
        24: '200',
        32: acquirers[side],
        41: 'C0000001',
        42: 'CENTRE         ',
        49: '392',
      },
    });
    return stan;
  }
  answer(side: Tapped['side'], stan: string, actionCode: string, mti = '1210'): void {
    this.#show(side, false, {
      mti,
      fields: { 7: '1126030000', 11: stan, 12: localTime, 32: acquirers[side], 39: actionCode, 41: 'C0000001' },
    });
  }
  reverse(side: Tapped['side'], original: string, actionCode: string | undefined): void {
    const stan = this.nextStan();
    const common = { 7: '1126030000', 11: stan, 12: localTime, 32: acquirers[side], 41: 'C0000001' };
    const data = unwrap(formatOriginalData({ mti: '1200', stan: original, localTime, acquirer: acquirers[side] }));
    this.#show(side, true, { mti: '1420', fields: { ...common, 24: '400', 56: data } });
    if (actionCode !== undefined) this.#show(side, false, { mti: '1430', fields: { ...common, 39: actionCode } });
  }
  nextStan(): string {
    this.#stan += 1;
    return String(this.#stan).padStart(6, '0');
  }
  get codes(): readonly Violation['code'][] {
    return [...new Set(this.oracle.verdict().violations.map(({ code }) => code))];
  }
}

/** A sale that goes through. */
function sale(play: Play, amountMinor: number): { ours: string; theirs: string } {
  const ours = play.request('acquirer', amountMinor);
  const theirs = play.request('issuer', amountMinor);
  play.answer('issuer', theirs, '000');
  play.answer('acquirer', ours, '000');
  return { ours, theirs };
}

test('approved, declined, reversed on both sides, repeated with the same answer, taken as an advice: nothing to say', () => {
  const play = new Play();
  sale(play, 1_000);
  const declined = [play.request('acquirer', 2_000), play.request('issuer', 2_000)] as const;
  play.answer('issuer', declined[1], '116');
  play.answer('acquirer', declined[0], '116');
  const back = sale(play, 3_000);
  play.reverse('acquirer', back.ours, '400');
  play.reverse('issuer', back.theirs, '400');
  const repeated = sale(play, 4_000);
  play.request('acquirer', 4_000, '1201', repeated.ours);
  play.answer('acquirer', repeated.ours, '000');
  const stoodIn = play.request('acquirer', 5_000);
  play.answer('acquirer', stoodIn, '000');
  play.answer('issuer', play.request('issuer', 5_000, '1220'), '900', '1230');
  // The issuer never hears of this one.
  play.answer('acquirer', play.request('acquirer', 6_000), '912');
  const verdict = play.oracle.verdict();
  expect(verdict).toMatchObject({ violated: 0, unread: 0 });
  expect(verdict.acquirer.standingMinor).toBe(10_000);
  expect(verdict.issuer.standingMinor).toBe(10_000);
});

test.each<[string, Violation['code'], (play: Play) => void]>([
  [
    'an approval without the issuer',
    'APPROVED_WITHOUT_ISSUER',
    (play) => play.answer('acquirer', play.request('acquirer', 1_000), '000'),
  ],
  [
    'an approval of what the issuer declined',
    'APPROVED_WITHOUT_ISSUER',
    (play) => {
      const ours = play.request('acquirer', 1_000);
      play.answer('issuer', play.request('issuer', 1_000), '116');
      play.answer('acquirer', ours, '000');
    },
  ],
  [
    'one sale that is posted twice',
    'POSTED_TWICE',
    (play) => {
      sale(play, 1_000);
      play.answer('issuer', play.request('issuer', 1_000), '000');
    },
  ],
  [
    'a reversal that never reaches the issuer',
    'REVERSED_BUT_STANDING',
    (play) => play.reverse('acquirer', sale(play, 1_000).ours, '400'),
  ],
  [
    'an approval that the acquirer was never told of, and that stands',
    'REVERSED_BUT_STANDING',
    (play) => {
      const ours = play.request('acquirer', 1_000);
      play.answer('issuer', play.request('issuer', 1_000), '000');
      play.answer('acquirer', ours, '911');
    },
  ],
  [
    'two answers to one request',
    'ANSWERS_DIFFER',
    (play) => {
      const { ours } = sale(play, 1_000);
      play.request('acquirer', 1_000, '1201', ours);
      play.answer('acquirer', ours, '116');
    },
  ],
  [
    'a sale at the issuer that nobody asked for',
    'ASKED_WITHOUT_ACQUIRER',
    (play) => play.answer('issuer', play.request('issuer', 1_000), '000'),
  ],
  [
    'a sale that the issuer took back on its own account',
    'MONEY_NOT_CONSERVED',
    (play) => play.reverse('issuer', sale(play, 1_000).theirs, '400'),
  ],
])('notices %s', (_, code, act) => {
  const play = new Play();
  sale(play, 7_000);
  expect(play.codes).toEqual([]);
  act(play);
  expect(play.codes).toContain(code);
});

test('a cancellation that was refused leaves the sale as it is, and bytes that are no message are counted', () => {
  const play = new Play();
  play.reverse('acquirer', sale(play, 1_000).ours, '902');
  play.oracle.take({ side: 'issuer', line: 'x', direction: 'in', writing: cardCompanyLink.profile, hex: '31FF' });
  expect(play.oracle.verdict()).toMatchObject({ violated: 0, unread: 1 });
});

test.each(defaultLinks.map((link) => [link.id, link] as const))('reads how %s writes its messages', (_, link) => {
  const play = new Play(link);
  const { ours, theirs } = sale(play, 1_000);
  play.reverse('acquirer', ours, '400');
  sale(play, 2_000);
  expect(play.codes).toContain('REVERSED_BUT_STANDING');
  play.reverse('issuer', theirs, '400');
  expect(play.oracle.verdict()).toMatchObject({ violated: 0, unread: 0, issuer: { standingMinor: 2_000 } });
});
