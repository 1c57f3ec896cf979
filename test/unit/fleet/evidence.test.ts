import {
  type Evidence,
  evidence,
  evidenceItems,
  freshStanding,
  type KnownEvidence,
  lackingEvidence,
  lifecycleEdges,
  needsSecondWord,
  standingOf,
} from '@tsunagu/protocols/fleet';
import { describe, expect, test } from 'vitest';

const photo = 'a'.repeat(64);
const job = '00000000-0000-4000-8000-000000000001';
const all: Evidence = evidence.parse({
  bagNumber: 'BAG-0001',
  photo,
  seals: ['S-1001', 'S-1002'],
  connections: 2,
  keyCheckValues: [{ slot: 'dukpt', kcv: 'ABCDEF1234' }],
  wipeProof: { by: 'job', job },
  nothingOwed: { by: 'job', job },
  tests: { by: 'job', job },
  recycling: { recycler: 'Eco', receipt: 'R-1', batteryGrams: 60 },
});
const now = Date.parse('2026-06-01T00:00:00Z');
const ago = (hours: number): string => new Date(now - hours * 3_600_000).toISOString();
const unheard = { isConnected: false, at: null, waiting: 0 };
const known: KnownEvidence = {
  now,
  heard: unheard,
  massGrams: 1_000,
  isBagUsed: false,
  keys: [{ slot: 'dukpt', kcv: 'abcdef1234' }],
  suspectSlots: [],
  liveKeys: 0,
  isWipeProven: true,
  isReportClear: true,
  isTestPassed: true,
  isInvestigated: true,
};

test('check values of a key below a suspect one prove nothing, and that is said before they are used', () => {
  const edge = lifecycleEdges.find(({ from, to }) => from === 'warehouse' && to === 'keyed');
  if (!edge) throw new Error('no such edge');
  const keyCheckValues = [{ slot: 'dukpt' as const, kcv: 'ABCDEF1234' }];
  const of = (more: Partial<KnownEvidence>) =>
    lackingEvidence(edge, { keyCheckValues }, freshStanding, { ...known, ...more }).find(
      ({ item }) => item === 'keyCheckValues',
    );
  expect(of({})).toBeUndefined();
  expect(of({ suspectSlots: ['dukpt'] })).toMatchObject({ why: 'suspect', facts: { slot: 'dukpt' } });
});

describe.each(lifecycleEdges.map((edge) => [`${edge.from} → ${edge.to}`, edge] as const))('%s', (_name, edge) => {
  const lacks = (given: Evidence, more: Partial<KnownEvidence> = {}, standing = freshStanding) =>
    lackingEvidence(edge, given, standing, { ...known, ...more });
  test('is taken with what it asks for, and without any item of it is not', () => {
    expect(lacks(all)).toEqual([]);
    for (const item of edge.evidence) {
      expect(evidenceItems[item].clause).not.toBe('');
      if (item === 'secondPerson') continue;
      expect(lacks({ ...all, [item]: undefined })).toEqual([{ item, why: 'missing' }]);
    }
    // An edge that opens or closes a bag asks for its number.
    if (edge.bag === 'opened') expect(edge.evidence).toContain('bagNumber');
  });

  test('does not take evidence that differs from what is known, or that proves nothing', () => {
    const asks = (item: string) => edge.evidence.some((one) => one === item);
    const expectLack = (item: keyof typeof evidenceItems, why: string, found: ReturnType<typeof lacks>) =>
      expect(found).toEqual(asks(item) ? [{ item, why }] : []);
    const standing = { bag: 'BAG-0001', seals: ['S-1002', 'S-1001'], connections: 2 };
    expect(lacks(all, {}, standing)).toEqual([]);
    if (edge.bag === 'opened') {
      expectLack('bagNumber', 'differs', lacks({ ...all, bagNumber: 'BAG-0002' }, {}, standing));
      expectLack('seals', 'differs', lacks({ ...all, seals: ['S-1001', 'S-9999'] }, {}, standing));
    }
    if (edge.bag === 'closed') expectLack('bagNumber', 'differs', lacks(all, { isBagUsed: true }));
    expectLack('connections', 'differs', lacks({ ...all, connections: 3 }, {}, standing));
    expectLack('keyCheckValues', 'unproven', lacks(all, { keys: [] }));
    expectLack('keyCheckValues', 'differs', lacks(all, { keys: [{ slot: 'dukpt', kcv: '0000000000' }] }));
    expectLack('wipeProof', 'unproven', lacks(all, { isWipeProven: false }));
    expectLack('nothingOwed', 'unproven', lacks(all, { isReportClear: false }));
    expectLack('tests', 'unproven', lacks(all, { isTestPassed: false }));
    const expectFacts = (
      item: 'wipeProof' | 'nothingOwed' | 'recycling',
      why: string,
      found: ReturnType<typeof lacks>,
    ) => expect(found).toMatchObject(asks(item) ? [{ item, why }] : []);
    expectFacts('wipeProof', 'keyed', lacks(all, { liveKeys: 2 }));
    expectFacts('nothingOwed', 'owes', lacks(all, { heard: { ...unheard, waiting: 2 } }));
    // A diagnosis that counts what waits: the number is what a person wants to know.
    expectFacts('nothingOwed', 'owes', lacks(all, { heard: { ...unheard, waiting: 2 }, isReportClear: false }));
    const heavy = {
      ...all,
      recycling: { recycler: 'Eco', receipt: 'R-1', batteryGrams: 100, materialGrams: { other: 1_100 } },
    };
    expectFacts('recycling', 'heavy', lacks(heavy));
    expect(lacks({ ...heavy, recycling: { ...heavy.recycling, batteryGrams: 50 } })).toEqual([]);
    expect(lacks(heavy, { massGrams: null })).toEqual([]);
  });

  test('believes what it heard of a terminal before what two persons declare of it', () => {
    if (!edge.evidence.includes('nothingOwed')) return;
    const words = 'the board is burnt';
    const declared = (more: object) =>
      ({ ...all, nothingOwed: { by: 'declaration', words, silentSince: ago(100), ...more } }) as const;
    const whyOf = (given: Evidence, heard: Partial<KnownEvidence['heard']> = {}) => {
      const [lack] = lacks(given, { isReportClear: false, heard: { ...unheard, ...heard } });
      expect(lack === undefined || lack.item === 'nothingOwed').toBe(true);
      return lack?.why;
    };
    const at = (hours: number) => ({ at: now - hours * 3_600_000 });
    expect(whyOf(declared({}))).toBeUndefined();
    expect(whyOf(declared({}), at(101))).toBeUndefined();
    expect(whyOf(declared({ silentSince: undefined }))).toBe('missing');
    expect(whyOf(declared({ silentSince: ago(-1) }))).toBe('differs');
    expect(whyOf(declared({}), { isConnected: true })).toBe('speaks');
    expect(whyOf(declared({}), at(99))).toBe('speaks');
    // Silent since an hour: enough to send it in, and too little to bury it.
    expect(whyOf(declared({ silentSince: ago(1) }), at(2))).toBe(edge.ends ? 'speaks' : undefined);
    const heard = { ...at(101), waiting: 3 };
    expect(whyOf(declared({}), heard)).toBe('owes');
    expect(whyOf(declared({ waiting: 2, became: 'entered from its receipts' }), heard)).toBe('owes');
    expect(whyOf(declared({ waiting: 3 }), heard)).toBe('owes');
    expect(whyOf(declared({ waiting: 3, became: 'entered from its receipts' }), heard)).toBeUndefined();
    expect(whyOf(declared({ waiting: 3, became: 'entered from its receipts' }))).toBe('owes');
  });

  test('takes a destruction for the end of a life only, of what has been silent for a day', () => {
    if (!edge.evidence.includes('wipeProof')) return;
    const destroyed = (at: string | undefined) =>
      ({ ...all, wipeProof: { by: 'destruction', method: 'shredded', photo, at } }) as const;
    const whyOf = (at: string | undefined, heard: Partial<KnownEvidence['heard']> = {}) =>
      lacks(destroyed(at), { liveKeys: 2, heard: { ...unheard, ...heard } })[0]?.why;
    expect(whyOf(ago(30))).toBe(edge.ends ? undefined : 'differs');
    if (!edge.ends) return;
    expect(whyOf(undefined)).toBe('missing');
    expect(whyOf(ago(-1))).toBe('differs');
    expect(whyOf(ago(30), { isConnected: true })).toBe('speaks');
    expect(whyOf(ago(30), { at: now - 29 * 3_600_000 })).toBe('speaks');
    expect(whyOf(ago(0), { at: now - 23 * 3_600_000 })).toBe('speaks');
    expect(whyOf(ago(0), { at: now - 25 * 3_600_000 })).toBeUndefined();
  });
});

test('a case that truly changed leaves quarantine with an investigation, for the workshop, and for nothing else', () => {
  const standing = { bag: null, seals: ['S-0001'], connections: 4 };
  const settled: Evidence = {
    ...all,
    investigation: { inspection: job, words: 'a new door was fitted, and the seal with it' },
  };
  for (const edge of lifecycleEdges.filter(({ evidence: items }) => items.includes('connections'))) {
    const lacks = (given: Evidence, isInvestigated = true) =>
      lackingEvidence(
        edge,
        given,
        { ...standing, bag: edge.bag === 'opened' ? 'BAG-0001' : null },
        { ...known, isInvestigated },
      );
    const changed = [
      { item: 'seals', why: 'differs' },
      { item: 'connections', why: 'differs' },
    ];
    expect(lacks(all)).toEqual(changed);
    const isWayOut = edge.from === 'quarantined' && edge.to === 'inspected';
    expect(lacks(settled), edge.to).toEqual(isWayOut ? [] : changed);
    if (!isWayOut) continue;
    expect(edge.evidence).toContain('secondPerson');
    expect(lacks(settled, false)).toEqual([{ item: 'investigation', why: 'unproven' }]);
    expect(lacks({ ...settled, photo: undefined })).toEqual([{ item: 'photo', why: 'missing' }]);
  }
});

test('a person’s word alone needs a second person', () => {
  expect(needsSecondWord(all)).toBe(false);
  expect(needsSecondWord({ nothingOwed: { by: 'declaration', words: 'the board is burnt' } })).toBe(true);
  expect(needsSecondWord({ wipeProof: { by: 'destruction', method: 'shredded', photo } })).toBe(true);
});

test('what is known of a terminal is the fold of its steps: the bag it is in, its seals, its connections', () => {
  const step = (from: 'keyed' | 'in-transit' | 'deployed', to: 'in-transit' | 'deployed' | 'swap', given: Evidence) =>
    ({ from, to, evidence: given }) as const;
  const sent = step('keyed', 'in-transit', { bagNumber: 'BAG-0007', seals: ['S-1001'] });
  expect(standingOf([sent])).toEqual({ bag: 'BAG-0007', seals: ['S-1001'], connections: null });
  const arrived = step('in-transit', 'deployed', { bagNumber: 'BAG-0007', photo, seals: ['S-1001'], connections: 3 });
  expect(standingOf([sent, arrived])).toEqual({ bag: null, seals: ['S-1001'], connections: 3 });
  expect(standingOf([sent, arrived, step('deployed', 'swap', {})])).toEqual({
    bag: null,
    seals: ['S-1001'],
    connections: 3,
  });
});
