import {
  businessDay,
  cardCompanyLink,
  type Link,
  defaultLinks,
  differencesOf,
  freshZoneKeys,
  linkKinds,
  netOf,
  onSession,
  openZoneFrame,
  parseLink,
  readItems,
  readTotals,
  readZoneKeys,
  type ReconciliationItem,
  sealZoneFrame,
  type SessionEvent,
  type SessionPlan,
  type SessionState,
  totalsElements,
  totalsOf,
  writeItems,
  writeZoneKeys,
} from '@tsunagu/protocols/acquiring';
import { Secret, unwrap } from '@tsunagu/protocols/kit';
import { whyUnmatched } from '@tsunagu/fleet-server/switch/link/matching';
import { expect, test } from 'vitest';

const plan: SessionPlan = {
  dials: true,
  signOn: 'ours',
  keys: 'ours',
  echoesMissedMax: 2,
  reconnect: { firstMs: 250, factor: 2, mostMs: 30_000 },
};
const listening: SessionPlan = { ...plan, dials: false, signOn: 'theirs' };
const run = (how: SessionPlan, from: SessionState, events: readonly SessionEvent[]) =>
  events.reduce(({ state }, event) => onSession(how, state, event), { state: from, actions: [] } as ReturnType<
    typeof onSession
  >);
const countOf = (state: SessionState): number =>
  'failures' in state ? state.failures : 'echoesMissed' in state ? state.echoesMissed : 0;
const down: SessionState = { phase: 'down', failures: 0 };
const toReady: readonly SessionEvent[] = [
  { type: 'started' },
  { type: 'connected' },
  { type: 'managementAnswered', management: 'signOn', actionCode: '800' },
  { type: 'managementAnswered', management: 'keyExchange', actionCode: '800' },
];

test('the line signs on, exchanges the key, is ready, and dials again with growing pauses', () => {
  const ready = run(plan, down, toReady);
  expect(ready).toEqual({
    state: { phase: 'ready', echoesMissed: 0 },
    actions: [{ type: 'adoptKey' }, { type: 'announceReady' }],
  });
  let state: SessionState = down;
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 12; attempt += 1) {
    const closed = run(plan, state, [{ type: 'pauseEnded' }, { type: 'closed' }]);
    state = closed.state;
    for (const action of closed.actions) if (action.type === 'pause') pauses.push(action.ms);
  }
  expect(pauses.slice(0, 3)).toEqual([500, 1_000, 2_000]);
  expect(pauses.at(-1)).toBe(30_000);
  const deaf = run(plan, ready.state, [
    { type: 'fellSilent' },
    { type: 'managementTimedOut', management: 'echo' },
    { type: 'managementTimedOut', management: 'echo' },
  ]);
  expect(deaf.actions).toContainEqual({ type: 'close' });
});

test('a listening end waits for the sign-on, hands out keys, and a key change or a sign-off leaves the connection', () => {
  const waiting = run(listening, down, [{ type: 'connected' }]);
  expect(waiting.state.phase).toBe('awaiting-sign-on');
  expect(run(listening, waiting.state, [{ type: 'awaitedTooLong' }]).actions).toContainEqual({ type: 'close' });
  const asked = run(listening, waiting.state, [{ type: 'asked', management: 'signOn' }]);
  expect(asked.actions).toEqual([
    { type: 'answer', management: 'signOn', actionCode: '800' },
    { type: 'manage', management: 'keyExchange' },
  ]);
  const ready = run(listening, asked.state, [
    { type: 'managementAnswered', management: 'keyExchange', actionCode: '800' },
  ]).state;
  expect(ready.phase).toBe('ready');
  expect(run(listening, ready, [{ type: 'keyAged' }]).actions).toEqual([{ type: 'manage', management: 'keyExchange' }]);
  const refused = run(listening, ready, [
    { type: 'keyAged' },
    { type: 'managementAnswered', management: 'keyExchange', actionCode: '917' },
  ]);
  expect(refused.state.phase).toBe('ready');
  expect(refused.actions).not.toContainEqual({ type: 'adoptKey' });
  const off = run(listening, ready, [{ type: 'asked', management: 'signOff' }]);
  expect(off.state.phase).toBe('awaiting-sign-on');
  expect(run(listening, off.state, [{ type: 'asked', management: 'signOn' }]).state.phase).toBe('exchanging-key');
});

test('in every state that can be reached a line is ready only after sign-on and keys, and a stopped one does nothing', () => {
  const managements = ['signOn', 'keyExchange', 'echo', 'signOff'] as const;
  const events: readonly SessionEvent[] = [
    ...(['started', 'connected', 'closed', 'awaitedTooLong', 'fellSilent', 'heard', 'keyAged', 'stopped'] as const).map(
      (type) => ({ type }),
    ),
    ...(['signOffWanted', 'signOnWanted'] as const).map((type) => ({ type })),
    ...managements.flatMap((management): SessionEvent[] => [
      { type: 'managementAnswered', management, actionCode: '800' },
      { type: 'managementAnswered', management, actionCode: '115' },
      { type: 'managementTimedOut', management },
      { type: 'asked', management },
      { type: 'asked', management, hasKeys: true },
    ]),
  ];
  for (const how of [plan, listening, { ...plan, keys: 'theirs' } as const]) {
    // Every state that can be reached, with what led there: a line that is down has lost both.
    type Reached = readonly [state: SessionState, hasSignedOn: boolean, hasKeys: boolean];
    const open: Reached[] = [[down, false, false]];
    const seen = new Set<string>();
    for (let next = open.pop(); next; next = open.pop()) {
      const [state, hasSignedOn, hasKeys] = next;
      if (seen.has(JSON.stringify(next)) || countOf(state) > 3) continue;
      seen.add(JSON.stringify(next));
      if (state.phase === 'ready') expect([hasSignedOn, hasKeys]).toEqual([true, true]);
      for (const event of events) {
        const step = onSession(how, state, event);
        if (state.phase === 'stopped') expect(step).toEqual({ state, actions: [] });
        const isDown = step.state.phase === 'down' || step.state.phase === 'dialling';
        const isSignOn =
          (event.type === 'managementAnswered' && event.management === 'signOn' && event.actionCode === '800') ||
          (event.type === 'asked' && event.management === 'signOn');
        const isKeys = step.actions.some(({ type }) => type === 'adoptKey');
        open.push([step.state, !isDown && (hasSignedOn || isSignOn), !isDown && (hasKeys || isKeys)]);
      }
    }
    expect(seen.size).toBeGreaterThan(8);
  }
});

test('shipped links are sound, one of each kind of centre, and a bad file is refused by the name of its property', () => {
  expect(new Set(defaultLinks.map(({ id }) => id)).size).toBe(defaultLinks.length);
  for (const kind of linkKinds.acquirer) expect(defaultLinks.map((link) => link.kind)).toContain(kind);
  const { codec: _codec, frame: _frame, ...settings } = cardCompanyLink;
  for (const [change, field] of [
    [{ side: 'acquirer' }, 'kind'],
    [{ id: 'UPPER' }, 'id'],
    [{ colour: 'red' }, 'colour'],
    [{ connections: 0 }, 'connections'],
    [{ calendar: { cutover: '24:00' } }, 'calendar.cutover'],
    [{ profile: 'nobody' }, 'profile'],
  ] as const)
    expect([change, parseLink({ ...settings, ...change })]).toMatchObject([change, { ok: false, fault: { field } }]);
  expect(parseLink({ ...settings, profile: 'generic-93' }).ok).toBe(true);
  // A header in front of the MTI would be taken and not be answered.
  const frame = { prefix: 'bin2be', header: 'tpdu', headerBytes: 5 };
  expect(parseLink({ ...settings, profile: { ...settings.profile, frame } })).toMatchObject({
    fault: { code: 'PROFILE_INVALID', field: 'profile.frame.header' },
  });
  expect(parseLink(undefined)).toMatchObject({ ok: false });
});

test('a business day begins at its own hour and has no pause', () => {
  const text = (cutover: string, offsetMinutes = 540): Pick<Link, 'calendar'> => ({
    calendar: { cutover, offsetMinutes, stamped: true, reconcileAfterMinutes: 0 },
  });
  const at = (iso: string): number => Date.parse(iso);
  expect(businessDay(text('00:00'), at('2026-12-31T14:59:59.999Z'))).toBe('261231');
  expect(businessDay(text('00:00'), at('2026-12-31T15:00:00.000Z'))).toBe('270101');
  expect(businessDay(text('02:00'), at('2026-12-31T16:59:59.999Z'))).toBe('261231');
  expect(businessDay(text('02:00'), at('2026-12-31T17:00:00.000Z'))).toBe('270101');
});

const zone = (): Secret<'key'> => Secret.take('key', new Uint8Array(32).fill(7));
let drawn = 0;
const entropy = (lengthBytes: number): Uint8Array => {
  drawn += 1;
  return new Uint8Array(lengthBytes).fill(drawn);
};

test('keys go through DE96 and come out; what is torn, foreign or lacking is refused', () => {
  const link = defaultLinks.find(({ session }) => session.encrypt) ?? cardCompanyLink;
  const keys = freshZoneKeys(link, entropy) ?? {};
  const blocks = writeZoneKeys(link, zone(), keys, entropy);
  const read = unwrap(readZoneKeys(link, zone(), blocks));
  expect(read.mac?.use((bytes) => bytes[0])).toBe(keys.mac?.use((bytes) => bytes[0]));
  expect(read.data?.use((bytes) => bytes[0])).toBe(keys.data?.use((bytes) => bytes[0]));
  for (const bad of [blocks.slice(1), blocks.slice(0, -1), blocks.slice(0, blocks.length / 2), new Uint8Array(0)])
    expect(readZoneKeys(link, zone(), bad)).toMatchObject({ ok: false, fault: { code: 'LINK_KEYS_INVALID' } });
  const other = Secret.take('key', new Uint8Array(32).fill(8));
  expect(readZoneKeys(link, other, blocks).ok).toBe(false);
});

test('an enciphered message opens under its key alone, and not when one bit is another', () => {
  const key = Secret.take('key', new Uint8Array(16).fill(1));
  const sealed = sealZoneFrame(key, new Uint8Array(12).fill(2), Buffer.from('1200 a message'));
  expect(Buffer.from(unwrap(openZoneFrame(key, sealed))).toString()).toBe('1200 a message');
  for (let at = 0; at < sealed.length; at += 1) {
    const bad = Uint8Array.from(sealed);
    bad[at] = (bad[at] ?? 0) ^ 1;
    expect([at, openZoneFrame(key, bad).ok]).toEqual([at, false]);
    expect(openZoneFrame(key, sealed.subarray(0, at)).ok).toBe(false);
  }
});

test('totals go through their elements under either rule of the net, and one that does not add up is named', () => {
  const items: readonly ReconciliationItem[] = [
    { stan: '000001', localTime: '261126000001', kind: 'debit', amountMinor: 1_000 },
    { stan: '000002', localTime: '261126000002', kind: 'debit', amountMinor: 500 },
    { stan: '000002', localTime: '261126000002', kind: 'debit-reversal', amountMinor: 500 },
    { stan: '000003', localTime: '261126000003', kind: 'credit', amountMinor: 300 },
  ];
  const totals = totalsOf(items);
  expect(netOf(totals)).toBe(-700);
  for (const rule of ['own-side', 'cancelled'] as const) {
    const fields = totalsElements(totals, rule, '392');
    expect(fields[97]).toBe('D0000000000000700');
    expect(unwrap(readTotals({ mti: '1520', fields }, rule))).toEqual(totals);
    expect(readTotals({ mti: '1520', fields: { ...fields, 97: 'D0000000000000701' } }, rule)).toMatchObject({
      fault: { field: 97 },
    });
  }
  expect(unwrap(readItems(writeItems(items)))).toEqual(items);
  expect(readItems(`${writeItems(items)}1`).ok).toBe(false);
});

test('days are compared item by item: missing on either side, another amount, and nothing else', () => {
  const item = (stan: string, amountMinor: number, kind: ReconciliationItem['kind'] = 'debit'): ReconciliationItem => ({
    stan,
    localTime: '261126000000',
    kind,
    amountMinor,
  });
  const ours = [item('000001', 1), item('000002', 2), item('000003', 3), item('000003', 3, 'debit-reversal')];
  const theirs = [item('000003', 3), item('000002', 20), item('000004', 4)];
  expect(
    differencesOf(ours, theirs).map(({ stan, kind, oursMinor, theirsMinor }) => [stan, kind, oursMinor, theirsMinor]),
  ).toEqual([
    ['000001', 'debit', 1, null],
    ['000002', 'debit', 2, 20],
    ['000003', 'debit-reversal', 3, null],
    ['000004', 'debit', null, 4],
  ]);
  expect(differencesOf(ours, [...ours].reverse())).toEqual([]);
});

test('an answer that matches nothing says which request is nearest, and where they differ', () => {
  const link = cardCompanyLink;
  const message = (mti: string, stan: string, time: string) => ({ mti, fields: { 11: stan, 12: time, 32: '1' } });
  const keys = ['2/000001/261126000000/1', '2/000002/261126000000/1', '4/000009/261126000000/1'];
  expect(whyUnmatched(link, message('1210', '000001', '261126000001'), keys)).toEqual({ waiting: 3, differs: [12] });
  expect(whyUnmatched(link, message('1430', '000001', '261126000000'), keys)).toEqual({ waiting: 3, differs: [0] });
  expect(whyUnmatched(link, message('1210', '000001', '261126000001'), [])).toEqual({ waiting: 0, differs: [] });
});
