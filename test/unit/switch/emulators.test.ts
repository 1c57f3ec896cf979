import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCardCompany } from '@tsunagu/fleet-server/card-company/card-company';
import { readCredentials } from '@tsunagu/fleet-server/card-company/credentials-file';
import { openIssuerCards } from '@tsunagu/fleet-server/card-company/issuer-cards';
import { Ledger } from '@tsunagu/fleet-server/card-company/ledger';
import { issuerProfile, issuerProfiles, readIssuerProfile } from '@tsunagu/fleet-server/card-company/profile';
import { preparePair } from '@tsunagu/fleet-server/emulation/pair';
import { seeded } from '@tsunagu/fleet-server/emulation/seeded';
import type { Tap, TapSide } from '@tsunagu/fleet-server/emulation/tap';
import { FaultyLine, pickFault, type WireFault } from '@tsunagu/fleet-server/emulation/wire-faults';
import { LedgerOracle } from '@tsunagu/fleet-server/ledger-oracle/oracle';
import { CentreBooks } from '@tsunagu/fleet-server/merchant-centre/books';
import { CentreLine } from '@tsunagu/fleet-server/merchant-centre/centre-line';
import { MerchantCentre, switchAcquirerId } from '@tsunagu/fleet-server/merchant-centre/merchant-centre';
import { centreProfile, centreProfiles } from '@tsunagu/fleet-server/merchant-centre/profile';
import { cardCompanyLink, houseIssuers, type Link } from '@tsunagu/protocols/acquiring';
import type { Message } from '@tsunagu/protocols/iso8583';
import { hex, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { noonInJapan } from '../../noon.ts';
import { until } from '../agent/tiny-server.ts';

type CentreFacts = Parameters<typeof centreProfile.parse>[0];

/** An issuer and a merchant centre on a real line, an oracle that sees both ends. @param hurry how much faster than ours the clock of the centre runs */
async function openPair(
  centre: CentreFacts,
  issuer: object,
  link?: Link,
  Line = CentreLine,
  hurry = 1,
  clock = noonInJapan(),
) {
  const folder = await mkdtemp(join(tmpdir(), 'emulators-'));
  const logs: string[] = [];
  const real = systemWorld((level, event, facts) => logs.push(JSON.stringify({ level, event, ...facts })));
  const paths = await preparePair(real, folder);
  const world = { ...real, clock };
  const oracle = new LedgerOracle();
  const { profile: writing } = link ?? cardCompanyLink;
  const tap = (side: TapSide): Tap => ({
    message: (line, direction, bytes) => oracle.take({ side, line, direction, writing, hex: toHex(bytes) }),
    close: () => undefined,
  });
  const profile = issuerProfile.parse({ name: 'test', delayMs: { least: 0, most: 5 }, ...issuer });
  const credentials = {
    issuer: unwrap(await readCredentials(paths.issuer)),
    acquirer: unwrap(await readCredentials(paths.acquirer)),
  };
  const ledger = unwrap(await Ledger.open(join(folder, 'ledger.jsonl')));
  const company = unwrap(
    await openCardCompany(world, {
      host: '127.0.0.1',
      port: 0,
      credentials: credentials.issuer,
      ledger,
      delayMs: () => 1,
      issuer: { cards: openIssuerCards(profile, Secret.take('key', new Uint8Array(32))), profile, next: seeded(2) },
      faults: profile.faults,
      nextFault: seeded(3),
      ...(link && { link }),
      tap: tap('issuer'),
    }),
  );
  const asked = centreProfile.parse(centre);
  const line = new Line(
    world,
    {
      host: '127.0.0.1',
      port: company.port,
      credentials: credentials.acquirer,
      acquirerId: switchAcquirerId,
      faults: asked.faults,
      nextFault: seeded(4),
      ...(link && { link }),
      tap: tap('acquirer'),
    },
    Secret.take('key', hex(credentials.acquirer.zoneKbpk)),
  );
  const kept = new CentreBooks(world, join(folder, 'centre.jsonl'));
  const hurried = { ...clock, now: () => clock.now(), monotonicMs: () => clock.monotonicMs() * hurry };
  const merchant = new MerchantCentre({ ...world, clock: hurried }, line, asked, switchAcquirerId, seeded(5), kept);
  return { folder, logs, oracle, ledger, company, line, kept, merchant };
}

/** The two of them for so many requests, and what they say of the day. */
async function play(
  centre: CentreFacts,
  issuer: object,
  requests: number,
  link?: Link,
  change: (books: string) => Promise<void> = () => Promise.resolve(),
  Line = CentreLine,
) {
  const { folder, logs, oracle, ledger, company, line, kept, merchant } = await openPair(centre, issuer, link, Line);
  await merchant.run(requests);
  await kept.flushed();
  await change(join(folder, 'centre.jsonl'));
  const days = await merchant.reconcile();
  const again = await merchant.reconcile();
  const { takenMinor } = ledger;
  line.close();
  await company.close();
  const books = await readFile(join(folder, 'ledger.jsonl'), 'utf8');
  const centreBooks = await readFile(join(folder, 'centre.jsonl'), 'utf8').catch(() => '');
  await rm(folder, { recursive: true, force: true });
  return {
    counts: merchant.counts(),
    verdict: oracle.verdict(),
    takenMinor,
    books,
    centreBooks,
    days,
    again,
    logs: logs.join('\n'),
  };
}

test('whatever a line does to messages in both directions, issuer and centre end with the same money', async () => {
  const often = { drop: 0.04, duplicate: 0.04, reorder: 0.04, late: 0.02, wrongMac: 0.03, wrongStan: 0.03 };
  const rates = { ...often, slowDrip: 0.005, halfClose: 0.005, signOff: 0.005 };
  const { wrongStan: _ours, ...centreRates } = rates;
  const { counts, verdict, takenMinor, books, logs } = await play(
    {
      name: 'test',
      ratePerSecond: 500,
      cancelled: 0.1,
      repeated: 0.1,
      timeoutMs: 2_500,
      faults: { rates: centreRates, lateMs: 3_000, dripMs: 1 },
    },
    { faults: { rates, lateMs: 3_000, dripMs: 1 } },
    60,
  );
  expect(counts).toMatchObject({ asked: 60, reversing: 0 });
  expect(counts.unanswered).toBeGreaterThan(0);
  expect(verdict.violations).toEqual([]);
  expect(verdict.acquirer.standingMinor).toBe(verdict.issuer.standingMinor);
  expect(takenMinor).toBe(verdict.issuer.standingMinor);
  for (const pan of ['4761739001010036', '5413330089010012']) {
    expect(books).not.toContain(pan);
    expect(logs).not.toContain(pan);
  }
});

test('a centre that signs off in the middle signs on anew, and takes back what it does not know the end of', async () => {
  const { counts, verdict, logs } = await play(
    {
      name: 'test',
      ratePerSecond: 100,
      timeoutMs: 1_500,
      faults: { rates: { signOff: 0.1, halfClose: 0.05 }, lateMs: 1, dripMs: 1 },
    },
    {},
    40,
  );
  expect(logs.match(/"signedOn"/g)?.length).toBeGreaterThan(2);
  expect(counts).toMatchObject({ asked: 40, reversing: 0 });
  expect(counts.unanswered).toBeGreaterThan(0);
  expect(verdict.violations).toEqual([]);
});

test('a profile decides about cards, limits, refusals and hours', async () => {
  const { counts } = await play(
    {
      name: 'test',
      ratePerSecond: 500,
      amountMinor: { least: 1_000, most: 1_000 },
      cards: { prefix: '476173', count: 20 },
    },
    {
      hasTestCards: false,
      ranges: [{ prefix: '476173' }],
      limits: { saleMax: 5_000, dayMax: 3_000 },
      refusals: [{ prefix: '476173', share: 0.2, actionCode: '100' }],
    },
    100,
  );
  // Twenty cards may spend 3,000 each; a fifth of the requests is refused before anybody looks at that.
  expect(counts.approved).toBeLessThanOrEqual(60);
  expect(counts.declined['116']).toBeGreaterThan(10);
  expect(counts.declined['100']).toBeGreaterThan(5);
  const atNight = await play(
    { name: 'test', ratePerSecond: 500, cards: { names: ['cash-card'] } },
    { hours: { from: '00:00', until: '00:00' } },
    3,
  );
  expect(atNight.counts.declined).toEqual({ '907': 3 });
});

test('a profile refuses advices that look as it says, and takes the others', async () => {
  const offline = async (mix: object) => {
    const { counts } = await play(
      {
        name: 'test',
        ratePerSecond: 500,
        amountMinor: { least: 1_000, most: 1_001 },
        cards: { prefix: '476173', count: 20 },
        mix,
      },
      { hasTestCards: false, ranges: [{ prefix: '476173' }], refusals: [{ amountMinor: 1_001, actionCode: '100' }] },
      40,
    );
    return counts;
  };
  for (const mix of [{ offlineSale: 1 }, { offlineAuthorisation: 1 }]) {
    const counts = await offline(mix);
    expect(counts.declined['100']).toBeGreaterThan(5);
    expect(counts.approved + (counts.declined['100'] ?? 0)).toBe(40);
  }
});

test('each fault has its share of the draws, and writes what it says', async () => {
  const rates = { drop: 0.25, duplicate: 0.25, wrongMac: 0.25 };
  const drawn = [0, 0.249, 0.25, 0.5, 0.75, 0.99].map((value) => pickFault({ rates }, () => value));
  expect(drawn).toEqual(['drop', 'drop', 'duplicate', 'wrongMac', undefined, undefined]);
  const written = (faults: readonly (WireFault | undefined)[]): string[] => {
    const wrote: string[] = [];
    const timers = systemWorld(() => undefined).timers;
    const end = {
      destroyed: false,
      write: (bytes: Uint8Array) => wrote.push(toHex(bytes)),
      end: () => wrote.push('end'),
    };
    const line = new FaultyLine(timers, end, { rates: {}, lateMs: 1, dripMs: 1 });
    faults.forEach((fault, index) => line.send(Uint8Array.of(index, 0xff), fault));
    line.close();
    return wrote;
  };
  expect(written(['drop', undefined])).toEqual(['01FF']);
  expect(written(['duplicate'])).toEqual(['00FF', '00FF']);
  expect(written(['reorder', undefined])).toEqual(['01FF', '00FF']);
  expect(written(['wrongMac'])).toEqual(['00A5']);
  expect(written(['halfClose'])).toEqual(['00FF', 'end']);
  // What comes behind a drip waits for it.
  expect(written(['slowDrip', undefined])).toEqual(['00']);
});

test('profiles that come with the house are sound; a file that is not says where', async () => {
  expect(Object.keys(centreProfiles)).toEqual(
    expect.arrayContaining(['pos', 'ec', 'ticket-window', 'travel', 'load', 'flaky']),
  );
  for (const name of Object.keys(issuerProfiles)) expect((await readIssuerProfile(name)).ok).toBe(true);
  // A request under another trace number would be another request, and nobody's fault but the centre's.
  expect(centreProfile.safeParse({ name: 'x', faults: { rates: { wrongStan: 0.1 } } }).error?.issues[0]?.path).toEqual([
    'faults',
    'rates',
    'wrongStan',
  ]);
  const misspelt = join(await mkdtemp(join(tmpdir(), 'profile-')), 'bank.json');
  for (const [text, field] of [
    [{ name: 'bank', hasTestCard: true }, 'hasTestCard'],
    [{ name: 'bank', hours: { from: '08:00', until: '21:00', till: '21:00' } }, 'hours.till'],
  ] as const) {
    await writeFile(misspelt, JSON.stringify(text));
    expect(await readIssuerProfile(misspelt)).toMatchObject({ fault: { code: 'EMULATOR_PROFILE_INVALID', field } });
  }
  expect(await readIssuerProfile('/nowhere.json')).toMatchObject({ fault: { code: 'EMULATOR_PROFILE_INVALID' } });
});

test('a merchant centre speaks the dialect, the frame and the MAC of whichever issuer it dials', async () => {
  for (const link of houseIssuers.filter(({ id }) => /unionpay|j-debit|gift/.test(id))) {
    const cards = link.kind === 'unionpay' ? centreProfiles.unionpay : { name: 'test' };
    const { counts, verdict } = await play({ ...cards, ratePerSecond: 1_000 }, {}, 8, link);
    expect([link.id, counts.approved, verdict.issuer.approved]).toEqual([link.id, 8, 8]);
    expect(verdict.violations).toEqual([]);
  }
});

test('refunds and what was taken back agree on the business day, though answers were lost; an item that is missing is named', async () => {
  const centre = { name: 'test', ratePerSecond: 500, cancelled: 0.2, refunded: 0.5, inFlightMax: 8, timeoutMs: 5_000 };
  // Few at once: of 64 that begin together on a machine that is busy, most are given up before anybody came to answer them.
  const lossy = { faults: { rates: { drop: 0.1 }, lateMs: 1, dripMs: 1 } };
  const { counts, verdict, takenMinor, days, again, books, centreBooks } = await play(centre, lossy, 80);
  expect(counts.refunded).toBeGreaterThan(5);
  expect(counts.refundedMinor).toBeLessThan(counts.approvedMinor);
  expect(counts.unanswered).toBeGreaterThan(0);
  expect(verdict.violations).toEqual([]);
  expect(takenMinor).toBe(verdict.issuer.standingMinor);
  for (const day of [...days, ...again]) expect(day).toMatchObject({ actionCode: '500', differences: [] });
  const [today] = days;
  expect(today?.ours).toEqual(today?.theirs);
  expect(today?.ours.credits).toBeGreaterThan(0);
  expect(today?.ours.debitReversals).toBeGreaterThan(counts.cancelled);
  expect((today?.ours.debitsMinor ?? 0) - (today?.ours.debitReversalsMinor ?? 0)).toBe(
    takenMinor + (today?.ours.creditsMinor ?? 0) - (today?.ours.creditReversalsMinor ?? 0),
  );
  for (const text of [books, centreBooks]) expect(text).not.toMatch(/4761739001010036|5413330089010012/);

  const torn = await play(centre, {}, 20, undefined, async (path) => {
    const [first = '', ...others] = (await readFile(path, 'utf8')).split('\n');
    await writeFile(path, [...others, first.slice(0, 20)].join('\n'));
  });
  expect(torn.days).toMatchObject([{ actionCode: '501', isFinal: false }]);
  expect(torn.days[0]?.differences).toMatchObject([{ kind: 'debit', oursMinor: null }]);
});

test('a sale whose answer was lost before midnight, and that was taken back after it, is a difference on neither day', async () => {
  const noon = noonInJapan();
  let stepMs = 12 * 3_600_000 - 60_000;
  const clock = { ...noon, now: () => noon.now() + stepMs };
  /** It is midnight when nobody has heard what became of the sale. */
  class DeafLine extends CentreLine {
    override async request(message: Message, timeoutMs: number) {
      const said = await super.request(message, timeoutMs);
      if (message.mti !== '1200') return said;
      stepMs += 120_000;
      return undefined;
    }
  }
  const one = { name: 'test', ratePerSecond: 500 };
  const { folder, company, line, ledger, merchant } = await openPair(one, {}, undefined, DeafLine, 1, clock);
  await merchant.run(1);
  expect([merchant.counts().unanswered, ledger.takenMinor]).toEqual([1, 0]);
  const told = [
    ['500', true, 1, 0],
    ['500', false, 0, 1],
  ];
  // The day that is over is closed then.
  for (const expected of [told, told.slice(1)]) {
    const days = await merchant.reconcile();
    expect(
      days.map(({ actionCode, isFinal, ours }) => [actionCode, isFinal, ours.debits, ours.debitReversals]),
    ).toEqual(expected);
  }
  line.close();
  await company.close();
  await rm(folder, { recursive: true, force: true });
});

/** A line whose reversals do not say what they take back: an issuer refuses them for good. */
class NamelessLine extends CentreLine {
  override request(message: Message, timeoutMs: number) {
    const { 56: _original, ...others } = message.fields;
    return super.request(message.mti[1] === '4' ? { mti: message.mti, fields: others } : message, timeoutMs);
  }
}

test('a reversal that is refused for good ends: it is counted, and named in the log', async () => {
  const centre = { name: 'test', ratePerSecond: 200, cancelled: 1 };
  const { counts, days, logs } = await play(centre, {}, 3, undefined, undefined, NamelessLine);
  expect(counts).toMatchObject({ approved: 3, cancelled: 3, reversed: 0, reversing: 0 });
  expect(counts.reversalsRefused).toEqual({ '904': 3 });
  expect(logs.match(/"reversalRefused","actionCode":"904","original":"1200/g)).toHaveLength(3);
  // Neither side took anything back: their books agree, on three sales.
  expect(days).toMatchObject([{ actionCode: '500', ours: { debits: 3, debitReversals: 0 } }]);
});

test('a centre that is stopped while the far side is away ends: its reversals stay open, and its day was not compared', async () => {
  const lost = { name: 'test', ratePerSecond: 200, timeoutMs: 100, faults: { rates: { drop: 1 } } };
  const { folder, company, line, merchant } = await openPair(lost, {}, undefined, CentreLine, 50);
  const run = merchant.run(2);
  await until(() => merchant.counts().reversing === 2, 'two reversals');
  await company.close();
  merchant.stop();
  await run;
  expect(merchant.counts()).toMatchObject({ asked: 2, unanswered: 2, reversed: 0, reversing: 2 });
  expect(await merchant.reconcile()).toMatchObject([{ actionCode: undefined, theirs: undefined }]);
  line.close();
  await rm(folder, { recursive: true, force: true });
});

test('a centre that was stopped before its line was there compares nothing', async () => {
  const { folder, company, line, merchant } = await openPair({ name: 'test', ratePerSecond: 200 }, {});
  await company.close();
  merchant.stop();
  await merchant.run(2);
  expect(await merchant.reconcile()).toMatchObject([{ actionCode: undefined }]);
  expect(merchant.counts()).toMatchObject({ asked: 0 });
  line.close();
  await rm(folder, { recursive: true, force: true });
});

test('a cash card pays by its PIN and UnionPay by PIN and signature; a wrong one is refused, and in the end for good', async () => {
  const linkOf = (id: string) => houseIssuers.find((link) => link.id === id);
  const bank = { testCardsOf: ['cash'] };
  const debit = { ...centreProfiles['j-debit'], ratePerSecond: 200, cancelled: 0 };
  expect((await play(debit, bank, 6, linkOf('j-debit-1'))).counts.approved).toBe(6);
  // Nobody entered one.
  const signed = await play({ ...debit, verification: 'signature' }, bank, 2, linkOf('j-debit-1'));
  expect(signed.counts.declined).toEqual({ '120': 2 });
  const wrong = await play({ ...debit, wrongPin: 1, inFlightMax: 1 }, bank, 5, linkOf('j-debit-1'));
  expect(wrong.counts.declined).toEqual({ '117': 3, '106': 2 });
  const union = { ...centreProfiles.unionpay, ratePerSecond: 200, wrongPin: 0, repeated: 0, refunded: 0 };
  const { counts, verdict } = await play(union, {}, 6, linkOf('unionpay-1'));
  expect(counts).toMatchObject({ approved: 6 });
  expect(verdict.violations).toEqual([]);
});
