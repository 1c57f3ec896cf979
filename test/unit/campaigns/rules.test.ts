import { type CampaignView, causesOf, nextTryOf, type Standing } from '@tsunagu/fleet-server/campaigns/rules/causes';
import type { TerminalFacts } from '@tsunagu/fleet-server/campaigns/rules/match';
import { earn, perMinute } from '@tsunagu/fleet-server/campaigns/rules/pace';
import {
  act,
  advance,
  freshRing,
  type Progress,
  type Seen,
  standIn,
} from '@tsunagu/fleet-server/campaigns/rules/progress';
import { placeInOrder, ringBounds, ringOf } from '@tsunagu/fleet-server/campaigns/rules/rings';
import { windowAt } from '@tsunagu/fleet-server/campaigns/rules/windows';
import {
  campaignPace,
  campaignPhases,
  campaignRing,
  campaignVerbs,
  causeCodes,
  causeTexts,
  maintenanceWindow,
  parseQuery,
  ringsAreGrowing,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { describe, expect, it } from 'vitest';

const iso = (at: number | undefined): string => (at === undefined ? '' : new Date(at).toISOString());

describe('a maintenance window', () => {
  const window = (from: string, until: string, days?: readonly string[]) =>
    maintenanceWindow.parse({ from, until, ...(days && { days }) });
  const at = (zone: string, now: string, ...windows: ReturnType<typeof window>[]) => {
    const state = windowAt(windows, zone, Date.parse(now));
    return state.isOpen ? `open until ${iso(state.closesAt)}` : `closed until ${iso(state.opensAt)}`;
  };
  it.each([
    ['Asia/Tokyo', '2026-11-25T16:59:00Z', 'closed until 2026-11-25T17:00:00.000Z'],
    ['Asia/Tokyo', '2026-11-25T17:00:00Z', 'open until 2026-11-25T20:00:00.000Z'],
    ['Asia/Tokyo', '2026-11-25T20:00:00Z', 'closed until 2026-11-26T17:00:00.000Z'],
    ['Europe/Berlin', '2026-11-25T01:30:00Z', 'open until 2026-11-25T04:00:00.000Z'],
    // 29 March 2026: 02:00 does not exist in Berlin, the opening moves to 03:00 (01:00 UTC).
    ['Europe/Berlin', '2026-03-29T00:59:00Z', 'closed until 2026-03-29T01:00:00.000Z'],
    ['Europe/Berlin', '2026-03-29T01:00:00Z', 'open until 2026-03-29T03:00:00.000Z'],
    // 25 October 2026: 02:00 comes twice, the first one (00:00 UTC) opens; the window is an hour longer.
    ['Europe/Berlin', '2026-10-25T00:00:00Z', 'open until 2026-10-25T04:00:00.000Z'],
    ['America/New_York', '2026-11-01T05:30:00Z', 'closed until 2026-11-01T07:00:00.000Z'],
    ['Pacific/Kiritimati', '2026-11-25T12:00:00Z', 'open until 2026-11-25T15:00:00.000Z'],
  ])('02:00-05:00 is on the clock of %s at %s', (zone, now, expected) => {
    expect(at(zone, now, window('02:00', '05:00'))).toBe(expected);
  });
  // New York, 1 November 2026: 01:00-02:00 comes as EDT (05:00Z) and again as EST (06:00Z). 14 March 2027: 02:00-03:00 (07:00Z) does not come.
  it.each([
    ['01:00-02:00', '2026-11-01T05:00:00Z', 'open until 2026-11-01T07:00:00.000Z'],
    ['01:30-02:00', '2026-11-01T05:29:00Z', 'closed until 2026-11-01T05:30:00.000Z'],
    ['01:30-02:00', '2026-11-01T05:59:00Z', 'open until 2026-11-01T06:00:00.000Z'],
    // Its clock shows 01:10, the second time.
    ['01:30-02:00', '2026-11-01T06:10:00Z', 'closed until 2026-11-01T06:30:00.000Z'],
    ['01:30-02:00', '2026-11-01T06:59:00Z', 'open until 2026-11-01T07:00:00.000Z'],
    ['01:30-02:00', '2026-11-01T07:00:00Z', 'closed until 2026-11-02T06:30:00.000Z'],
    ['00:30-01:30', '2026-11-01T05:29:00Z', 'open until 2026-11-01T05:30:00.000Z'],
    ['00:30-01:30', '2026-11-01T05:45:00Z', 'closed until 2026-11-01T06:00:00.000Z'],
    ['00:30-01:30', '2026-11-01T06:29:00Z', 'open until 2026-11-01T06:30:00.000Z'],
    ['22:00-06:00', '2026-11-01T02:00:00Z', 'open until 2026-11-01T11:00:00.000Z'],
    ['02:00-05:00', '2027-03-14T06:59:00Z', 'closed until 2027-03-14T07:00:00.000Z'],
    ['02:00-05:00', '2027-03-14T07:00:00Z', 'open until 2027-03-14T09:00:00.000Z'],
    // The half that there is, 03:00 to 03:15: not an hour later, when its clock is past the end.
    ['02:30-03:15', '2027-03-14T06:59:00Z', 'closed until 2027-03-14T07:00:00.000Z'],
    ['02:30-03:15', '2027-03-14T07:14:00Z', 'open until 2027-03-14T07:15:00.000Z'],
    ['02:30-03:15', '2027-03-14T07:30:00Z', 'closed until 2027-03-15T06:30:00.000Z'],
    // Nothing of it is there: 03:30 is no 02:30.
    ['02:30-02:45', '2027-03-14T06:59:00Z', 'closed until 2027-03-15T06:30:00.000Z'],
    ['02:30-02:45', '2027-03-14T07:35:00Z', 'closed until 2027-03-15T06:30:00.000Z'],
    ['01:30-02:30', '2027-03-14T06:31:00Z', 'open until 2027-03-14T07:00:00.000Z'],
    ['22:00-06:00', '2027-03-14T03:00:00Z', 'open until 2027-03-14T10:00:00.000Z'],
    ['00:00-00:00', '2027-03-14T07:00:00Z', 'open until '],
  ])(
    '%s is open in New York while its clock shows such a time, also on the days of a change: %s',
    (span, now, expected) => {
      expect(at('America/New_York', now, window(span.slice(0, 5), span.slice(6)))).toBe(expected);
    },
  );
  it('never has a shop changed at another time than its own clock shows, wherever and whenever that is', () => {
    const zones = ['America/New_York', 'Australia/Lord_Howe', 'Asia/Tokyo', 'Africa/Casablanca', 'Europe/London'];
    const spans = [
      ['01:15', '02:05'],
      ['02:10', '03:20'],
      ['23:40', '01:50'],
    ] as const;
    for (const zone of zones) {
      const clockOf = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, hour: '2-digit', minute: '2-digit' });
      for (const begin of ['2026-10-03T12:00Z', '2026-10-24T12:00Z', '2026-10-31T12:00Z', '2027-03-13T12:00Z'])
        for (const [from, until] of spans)
          for (let now = Date.parse(begin); now < Date.parse(begin) + 36 * 3_600_000; now += 20 * 60_000) {
            const clock = clockOf.format(now);
            const isIn = from < until ? from <= clock && clock < until : from <= clock || clock < until;
            expect(windowAt([window(from, until)], zone, now).isOpen, `${zone} ${iso(now)} ${from}`).toBe(isIn);
          }
    }
  });
  it('that touches another is one with it', () => {
    expect(at('UTC', '2026-11-25T03:00:00Z', window('02:00', '04:00'), window('04:00', '06:00'))).toBe(
      'open until 2026-11-25T06:00:00.000Z',
    );
  });
  it('goes over midnight on the day on which it opens', () => {
    const night = window('23:00', '02:00', ['sat']);
    expect(at('Asia/Tokyo', '2026-11-28T16:00:00Z', night)).toBe('open until 2026-11-28T17:00:00.000Z');
    expect(at('Asia/Tokyo', '2026-11-29T16:00:00Z', night)).toBe('closed until 2026-12-05T14:00:00.000Z');
  });
  it('joins with others, and none is always', () => {
    expect(at('UTC', '2026-11-25T03:00:00Z', window('02:00', '04:00'), window('03:00', '06:00'))).toBe(
      'open until 2026-11-25T06:00:00.000Z',
    );
    expect(at('UTC', '2026-11-25T03:00:00Z')).toBe('open until ');
  });
});

describe('rings', () => {
  const rings = [{ percent: 1 }, { percent: 10 }, { percent: 100 }];
  it('have their share to the terminal, the same each time, and another campaign another order', () => {
    const serials = Array.from({ length: 1_000 }, (_, index) => `T-${index}`);
    const split = (campaign: string) => {
      const places = serials.map((serial) => placeInOrder(campaign, serial));
      const bounds = ringBounds(places, rings);
      return places.map((place) => ringOf(place, bounds));
    };
    const of = (list: readonly number[]) => [0, 1, 2].map((ring) => list.filter((one) => one === ring).length);
    expect(of(split('a'))).toEqual([10, 90, 900]);
    expect(split('a')).toEqual(split('a'));
    expect(split('a')).not.toEqual(split('b'));
  });
  it('are not empty while there are terminals for them', () => {
    const bounds = ringBounds([0.9, 0.2, 0.5], rings);
    expect([0.2, 0.5, 0.9].map((place) => ringOf(place, bounds))).toEqual([0, 1, 2]);
  });
  it('spread evenly over places', () => {
    const places = Array.from({ length: 20_000 }, (_, index) => placeInOrder('campaign', `CT5100-${index}`));
    for (let tenth = 0; tenth < 10; tenth++) {
      const inside = places.filter((place) => Math.floor(place * 10) === tenth).length;
      expect(Math.abs(inside - 2_000)).toBeLessThan(200);
    }
  });
  it('have to grow to the whole', () => {
    expect(ringsAreGrowing(rings)).toBe(true);
    for (const bad of [[10, 5, 100], [10, 10, 100], [10, 50], []])
      expect(ringsAreGrowing(bad.map((percent) => ({ percent })))).toBe(false);
  });
});

describe('the pace', () => {
  it('is constant, or grows by steps up to its bound', () => {
    const steady = campaignPace.parse({ perMinute: 60 });
    expect([0, 1_000_000].map((done) => perMinute(steady, done))).toEqual([60, 60]);
    const growing = campaignPace.parse({ perMinute: 10, growth: 2, every: 100, perMinuteMax: 50 });
    expect([0, 99, 100, 200, 300, 1_000].map((done) => perMinute(growing, done))).toEqual([10, 10, 20, 40, 50, 50]);
  });
  it('gives each its order at the second of the plan', () => {
    // One at once; 6 a minute are one in 10 s, after two that are done 12 (one in 5 s), after four 24 and no more (one in 2.5 s).
    const pace = campaignPace.parse({ perMinute: 6, growth: 2, every: 2, perMinuteMax: 24 });
    let credit: ReturnType<typeof earn> | undefined;
    const ordered: number[] = [];
    for (let second = 0; second <= 33; second++) {
      // Each is done by the next look.
      credit = earn(pace, credit, ordered.length, second * 1_000);
      const now = Math.floor(credit.orders + 1e-9);
      for (let index = 0; index < now; index++) ordered.push(second);
      credit = { ...credit, orders: credit.orders - now };
    }
    expect(ordered).toEqual([0, 10, 15, 20, 23, 25, 28, 30, 33]);
  });
  it('saves up no more than a minute, and a clock that goes back brings nothing', () => {
    const pace = campaignPace.parse({ perMinute: 60 });
    expect(earn(pace, { orders: 0, at: 0 }, 0, 10_000).orders).toBe(10);
    expect(earn(pace, { orders: 0, at: 0 }, 0, 3_600_000).orders).toBe(60);
    expect(earn(pace, { orders: 3, at: 10_000 }, 0, 0).orders).toBe(3);
  });
});

const now = Date.UTC(2026, 10, 25, 12);
const idleSince = now - 60_000;
const facts: TerminalFacts = {
  ordinal: 1,
  serial: 'CT5100-0001',
  model: 'CT-5100',
  merchant: 'm',
  shop: 's',
  lane: '',
  parent: undefined,
  lifecycle: 'deployed',
  link: 'ready',
  linkSince: now - 60_000,
  drift: undefined,
  version: '1.0.0',
  enrolled: true,
  tampered: false,
  idleSince,
  battery: 80,
  baseKey: 'bdk/1',
  hello: {},
  reported: undefined,
  desired: {},
  desiredVersion: 1,
  isAsDesired: false,
};
const standing: Standing = {
  isInCohort: true,
  isDone: false,
  isBack: false,
  ring: 0,
  order: undefined,
  exception: undefined,
};
const query = (text: string) => unwrap(parseQuery(text));
const view: CampaignView = {
  id: 'c',
  name: 'release',
  phase: 'running',
  reason: null,
  by: null,
  startAt: now - 1,
  endAt: now + 86_400_000,
  target: query(''),
  requires: query(''),
  ringOpen: 0,
  actionCause: () => undefined,
  held: undefined,
  isHad: () => false,
  window: () => ({ isOpen: true, closesAt: undefined }),
  rival: () => undefined,
  paceAt: undefined,
};
type Case = {
  readonly view?: Partial<CampaignView>;
  readonly standing?: Partial<Standing>;
  readonly facts?: Partial<TerminalFacts>;
  readonly mayConnect?: boolean;
};
const later = now + 3_600_000;

// One row a cause; each alone gives its code, and with all rows below it still gives its own first.
const table: readonly (readonly [code: string, made: Case, next: number | null])[] = [
  ['NOT_IN_COHORT', { standing: { isInCohort: false }, view: { target: query('model = X') } }, null],
  ['LIFECYCLE', { mayConnect: false, facts: { lifecycle: 'quarantined' } }, null],
  ['TAMPERED', { facts: { tampered: true } }, null],
  ['NEVER_ENROLLED', { facts: { enrolled: false } }, null],
  ['CAMPAIGN_REJECTED', { view: { phase: 'rejected' } }, null],
  ['CAMPAIGN_PROPOSED', { view: { phase: 'proposed' } }, null],
  ['GATE_FAILED', { view: { phase: 'aborted', reason: 'CAMPAIGN_GATE_FAILED' } }, null],
  ['CAMPAIGN_ABORTED', { view: { phase: 'aborted' } }, null],
  ['CAMPAIGN_ENDED', { view: { endAt: now } }, null],
  [
    'FAILED',
    { standing: { exception: { state: 'failed', attempts: 3, fault: 'SOFTWARE_REVERTED', nextAt: null } } },
    null,
  ],
  ['MODEL_CANNOT', { view: { actionCause: () => ({ code: 'MODEL_CANNOT', facts: {} }) } }, null],
  ['MODEL_WITHOUT_IMAGE', { view: { actionCause: () => ({ code: 'MODEL_WITHOUT_IMAGE', facts: {} }) } }, null],
  ['ALREADY_NEWER', { view: { actionCause: () => ({ code: 'ALREADY_NEWER', facts: {} }) } }, null],
  ['SOFTWARE_EXPIRED', { view: { held: { code: 'SOFTWARE_EXPIRED', facts: {} } } }, null],
  ['KEY_SLOT_EMPTY', { view: { actionCause: () => ({ code: 'KEY_SLOT_EMPTY', facts: {} }) } }, null],
  ['CAMPAIGN_PAUSED', { view: { phase: 'paused', by: 'ai', reason: 'lunch' } }, null],
  ['CAMPAIGN_NOT_STARTED', { view: { startAt: later } }, later],
  ['GOES_BACK', { view: { phase: 'rollingBack' } }, null],
  ['OTHER_CAMPAIGN_FIRST', { view: { rival: () => 'newer' } }, null],
  ['PREREQUISITE', { view: { requires: query('version >= 1.5.0') } }, null],
  ['BATTERY_LOW', { view: { requires: query('battery >= 90') } }, null],
  ['NOT_IDLE', { view: { requires: query('idleMinutes > 10') } }, idleSince + 600_001],
  ['RING_NOT_OPEN', { standing: { ring: 2 } }, null],
  ['OFFLINE', { facts: { link: 'lost', linkSince: now - 7_200_000 } }, null],
  ['JOB_OPEN', { standing: { order: { job: 'j', at: now, attempts: 1, fault: null, notBefore: 0 } } }, null],
  ['RETRY', { standing: { order: { job: 'j', at: now, attempts: 1, fault: 'LINK_DOWN', notBefore: later } } }, later],
  ['RETRY', { standing: { exception: { state: 'retrying', attempts: 1, fault: 'LINK_DOWN', nextAt: later } } }, later],
  ['WINDOW_CLOSED', { view: { window: () => ({ isOpen: false, opensAt: later }) } }, later],
  ['PACE', { view: { paceAt: now + 1_000 } }, now + 1_000],
  ['NEXT', {}, now],
];
const merged = (cases: readonly Case[]): Required<Case> =>
  cases.reduceRight<Required<Case>>(
    (all, one) => ({
      view: { ...all.view, ...one.view },
      standing: { ...all.standing, ...one.standing },
      facts: { ...all.facts, ...one.facts },
      mayConnect: (one.mayConnect ?? true) && all.mayConnect,
    }),
    { view: {}, standing: {}, facts: {}, mayConnect: true },
  );
const found = (one: Case) =>
  causesOf(
    { ...view, ...one.view },
    { ...standing, ...one.standing },
    { ...facts, ...one.facts },
    one.mayConnect ?? true,
    now,
  );

describe('"why not?"', () => {
  it.each(table)('%s alone', (code, one, next) => {
    const causes = found(one);
    expect(causes.map((cause) => cause.code)).toEqual([code]);
    expect(nextTryOf(causes)).toBe(next === null ? null : iso(next));
  });

  it.each(table.map(([code], index) => [code, index] as const))(
    '%s goes before all that stand below it',
    (code, index) => {
      const causes = found(merged(table.slice(index).map(([, one]) => one)));
      expect(causes[0]?.code).toBe(code);
      const places = causes.map((cause) => causeCodes.indexOf(cause.code));
      expect(places).toEqual(places.toSorted((a, b) => a - b));
    },
  );

  it('names the parent of a child that is away where the parent is away too', () => {
    const child = { link: 'lost', parent: 'CT3100-0001' } as const;
    expect(found({ facts: { ...child, parentLink: 'lost' } })[0]?.facts).toMatchObject({ parent: 'CT3100-0001' });
    expect(found({ facts: { ...child, parentLink: 'ready' } })[0]?.facts).not.toHaveProperty('parent');
    const told = found({ facts: { ...child, parentLink: 'lost' } })[0]?.facts ?? {};
    expect(causeTexts.OFFLINE.en(told)).toContain('and so is its parent CT3100-0001.');
    expect(causeTexts.OFFLINE.ja(told)).toContain('親機CT3100-0001もオフラインです。');
  });

  it('tells when all that passes by itself has passed', () => {
    const both = merged([
      { view: { window: () => ({ isOpen: false, opensAt: later }) } },
      { standing: { exception: { state: 'retrying', attempts: 1, fault: null, nextAt: later + 5 } } },
    ]);
    expect(nextTryOf(found(both))).toBe(iso(later + 5));
  });

  it.each([
    ['battery >= 90 or shop = X', 'PREREQUISITE'],
    ['battery >= 90 or battery = 5', 'BATTERY_LOW'],
    ['not battery < 90', 'BATTERY_LOW'],
    ['not (battery = 80 or model = CT-5100)', 'PREREQUISITE'],
    ['battery <= 50', 'PREREQUISITE'],
    ['idleMinutes > 10 or battery >= 90', 'PREREQUISITE'],
    ['idleMinutes < 1', 'PREREQUISITE'],
    ['version >= 1.0.0 and battery >= 90', 'BATTERY_LOW'],
  ])('says of "%s" what it is about: %s', (requires, code) => {
    const causes = found({ view: { requires: query(requires) } });
    expect(causes.map((cause) => cause.code)).toEqual([code]);
  });

  it.each([
    ['idleMinutes >= 10', 600_000],
    ['idleMinutes >= 10 and idleMinutes > 12', 720_001],
    ['not idleMinutes <= 10', 600_001],
    ['idleMinutes >= 10 and version >= 1.0.0', 600_000],
  ])('says of "%s" when the terminal will have been idle for so long', (requires, afterMs) => {
    const causes = found({ view: { requires: query(requires) } });
    expect(causes.map(({ code, until }) => [code, until])).toEqual([['NOT_IDLE', iso(idleSince + afterMs)]]);
    expect(nextTryOf(causes)).toBe(iso(idleSince + afterMs));
  });

  it('says of a terminal that does not tell its battery that the test does not hold, and not that it is low', () => {
    const causes = found({ view: { requires: query('battery >= 90') }, facts: { battery: undefined } });
    expect(causes.map((cause) => cause.code)).toEqual(['PREREQUISITE']);
  });

  it('says DONE alone, whatever else holds', () => {
    expect(found({ standing: { isDone: true }, facts: { link: 'lost' } }).map(({ code }) => code)).toEqual(['DONE']);
  });
});

describe('a campaign in its phases', () => {
  const progress = (phase: Progress['phase'], rings = [freshRing, freshRing]): Progress => ({
    phase,
    reason: null,
    by: null,
    rings,
  });
  const rules = {
    rings: [campaignRing.parse({ percent: 10, soakMs: 100 }), campaignRing.parse({ percent: 100 })],
    isDynamic: false,
    canGoBack: true,
    startAt: 0,
  };
  const seen = (more: Partial<Seen> = {}): Seen => ({
    now: 1_000,
    rings: [
      { size: 1, done: 0, failed: 0 },
      { size: 9, done: 0, failed: 0 },
    ],
    openOrders: 0,
    gateFailed: undefined,
    isGateFed: true,
    endAt: 1e9,
    toBringBack: 0,
    ...more,
  });
  const whole = (first: number, second: number, failed = 0): Seen['rings'] => [
    { size: 1, done: first, failed: 0 },
    { size: 9, done: second, failed },
  ];

  it('opens a ring, lets it soak, opens the next and is completed', () => {
    const first = advance(rules, progress('running'), seen()).progress;
    expect(first.rings.map(({ openedAt }) => openedAt)).toEqual([1_000, null]);
    const through = advance(rules, first, seen({ now: 2_000, rings: whole(1, 0) })).progress;
    expect(through.rings[1]?.openedAt).toBeNull();
    const next = advance(rules, through, seen({ now: 2_100, rings: whole(1, 0) })).progress;
    expect(next.rings[1]?.openedAt).toBe(2_100);
    expect(advance(rules, next, seen({ now: 3_000, rings: whole(1, 9), openOrders: 1 })).progress.phase).toBe(
      'running',
    );
    expect(advance(rules, next, seen({ now: 3_000, rings: whole(1, 9) })).progress.phase).toBe('completed');
  });

  it('waits for sales, and for a person where the ring wants one, until that person promotes it', () => {
    const opened = advance(rules, progress('running'), seen({ rings: whole(1, 0) })).progress;
    const unfed = seen({ now: 5_000, rings: whole(1, 0), isGateFed: false });
    expect(advance(rules, opened, unfed).progress.rings[1]?.openedAt).toBeNull();
    const promoted = unwrap(act(opened, 'promote', 'ai', '', []));
    expect(advance(rules, promoted, unfed).progress.rings[1]?.openedAt).toBe(5_000);
    const held = {
      ...rules,
      rings: [campaignRing.parse({ percent: 10, promotion: 'person' }), campaignRing.parse({ percent: 100 })],
    };
    expect(advance(held, opened, seen({ now: 5_000, rings: whole(1, 0) })).progress.rings[1]?.openedAt).toBeNull();
  });

  it('pauses at a threshold, and only at new failures after a person went on', () => {
    const open = progress('running', [
      { ...freshRing, openedAt: 1, throughAt: 1, passedAt: 1 },
      { ...freshRing, openedAt: 1 },
    ]);
    const bad = seen({ rings: whole(1, 4, 5) });
    expect(advance({ ...rules, rings: rules.rings }, open, seen({ rings: whole(1, 6, 2) })).progress.phase).toBe(
      'running',
    );
    const strict = {
      ...rules,
      rings: [rules.rings[0], campaignRing.parse({ percent: 100, failures: { count: 3 } })].flatMap(
        (ring) => ring ?? [],
      ),
    };
    const paused = advance(strict, open, bad).progress;
    expect(paused).toMatchObject({ phase: 'paused', reason: 'CAMPAIGN_THRESHOLD_REACHED' });
    const resumed = unwrap(act(paused, 'resume', 'ai', '', [0, 5]));
    expect(advance(strict, resumed, seen({ rings: whole(1, 3, 5) })).progress.phase).toBe('running');
    expect(advance(strict, resumed, seen({ rings: whole(1, 3, 6) })).progress.phase).toBe('paused');
  });

  it('pauses when a ring that is smaller than the count for per cent failed, as soon as it is through', () => {
    const open = progress('running', [{ ...freshRing, openedAt: 1 }, freshRing]);
    const first = (size: number, done: number, failed: number) =>
      advance(rules, open, seen({ rings: [{ size, done, failed }, whole(0, 0)[1] ?? { size: 9, done: 0, failed: 0 }] }))
        .progress;
    expect(first(1, 0, 1)).toMatchObject({ phase: 'paused', reason: 'CAMPAIGN_THRESHOLD_REACHED' });
    expect(first(5, 0, 5).phase).toBe('paused');
    // Not before: one of five may be the only one.
    expect(first(5, 0, 1).phase).toBe('running');
    expect(first(20, 19, 1).phase).toBe('running');
    const paused = first(5, 4, 1);
    expect(paused.phase).toBe('paused');
    expect(unwrap(act(paused, 'resume', 'ai', '', [1, 0])).rings[0]?.pardoned).toBe(1);
  });

  it.each([
    ['running', 'open'],
    ['paused', 'paused'],
    ['aborted', 'stopped'],
    ['rollingBack', 'stopped'],
    ['rolledBack', 'stopped'],
  ] as const)('that is %s has a ring that is %s where one had begun', (phase, state) => {
    const ring = campaignRing.parse({ percent: 100 });
    expect(standIn(phase, ring, { ...freshRing, openedAt: 1 }, false, 5)).toBe(state);
    expect(standIn(phase, ring, { ...freshRing, openedAt: 1, throughAt: 2, passedAt: 3 }, false, 5)).toBe('passed');
    expect(standIn(phase, ring, freshRing, false, 5)).toBe('waiting');
  });

  it('goes back when a gate failed, and ends without a way back', () => {
    const gate = seen({ gateFailed: 'reversed' });
    for (const phase of ['running', 'paused'] as const) {
      expect(advance(rules, progress(phase), gate).progress.phase).toBe('rollingBack');
      expect(advance({ ...rules, canGoBack: false }, progress(phase), gate).progress.phase).toBe('aborted');
    }
    expect(advance(rules, progress('rollingBack'), seen({ toBringBack: 1 })).progress.phase).toBe('rollingBack');
    expect(advance(rules, progress('rollingBack'), seen({ openOrders: 1 })).progress.phase).toBe('rollingBack');
    expect(advance(rules, progress('rollingBack'), seen()).progress.phase).toBe('rolledBack');
  });

  const allowed: Readonly<Record<string, string>> = {
    'proposed approve': 'running',
    'proposed reject': 'rejected',
    'proposed abort': 'aborted',
    'running pause': 'paused',
    'running promote': 'running',
    'running abort': 'aborted',
    'running rollback': 'rollingBack',
    'paused resume': 'running',
    'paused abort': 'aborted',
    'paused rollback': 'rollingBack',
    'rollingBack abort': 'aborted',
    'aborted rollback': 'rollingBack',
    'completed rollback': 'rollingBack',
  };
  it.each(campaignPhases.flatMap((phase) => campaignVerbs.map((verb) => [phase, verb] as const)))(
    '%s, %s',
    (phase, verb) => {
      const acted = act(progress(phase, [{ ...freshRing, openedAt: 1 }]), verb, 'ai', '', []);
      expect(acted.ok ? acted.value.phase : acted.fault.code).toBe(
        allowed[`${phase} ${verb}`] ?? 'CAMPAIGN_VERB_NOT_NOW',
      );
    },
  );
});
