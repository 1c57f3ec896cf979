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
const known: KnownEvidence = {
  isBagUsed: false,
  keys: [{ slot: 'dukpt', kcv: 'abcdef1234' }],
  hasLiveKeys: false,
  isWipeProven: true,
  isReportClear: true,
  isKnownToOwe: false,
  isTestPassed: true,
  isInvestigated: true,
};

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
    expectLack('wipeProof', 'unproven', lacks(all, { hasLiveKeys: true }));
    expectLack('nothingOwed', 'unproven', lacks(all, { isReportClear: false }));
    expectLack('tests', 'unproven', lacks(all, { isTestPassed: false }));
    const declared = { ...all, nothingOwed: { by: 'declaration', words: 'the board is burnt' } } as const;
    expect(lacks(declared, { isReportClear: false })).toEqual([]);
    expectLack('nothingOwed', 'differs', lacks(declared, { isKnownToOwe: true }));
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
