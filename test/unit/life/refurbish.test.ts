import {
  addEntry,
  figuresOf,
  type FinishedWork,
  freshOrder,
  type WorkEntry,
  type WorkOrder,
} from '@tsunagu/protocols/refurbish';
import { unwrap } from '@tsunagu/protocols/kit';
import { expect, it } from 'vitest';

const test: WorkEntry = { kind: 'bench-test', attestation: '' };
const fit: WorkEntry = { kind: 'part-fitted', part: 'HEAD-58', costYen: 2_400, from: null };
const close = (outcome: 'repaired' | 'no-fault-found' | 'beyond-repair', grade: 'A' | null): WorkEntry => ({
  kind: 'closed',
  outcome,
  grade,
});
const after = (...entries: readonly WorkEntry[]): WorkOrder =>
  entries.reduce((order, entry) => unwrap(addEntry(order, entry, entry.kind === 'bench-test')), freshOrder);
const refusal = (order: WorkOrder, entry: WorkEntry) => {
  const next = addEntry(order, entry);
  return next.ok ? 'taken' : [next.fault.code, next.fault.facts?.['wants']].filter(Boolean).join(' ');
};
const found: WorkEntry = { kind: 'diagnosed', fault: 'PR-HEAD' };

it('closes an order only with a diagnosis, and what goes out good only after a test of what it is now', () => {
  expect(refusal(freshOrder, close('repaired', 'A'))).toBe('WORK_NOT_READY diagnosed bench-test');
  expect(refusal(freshOrder, close('repaired', null))).toBe('WORK_NOT_READY diagnosed bench-test grade');
  expect(refusal(after(found, fit), close('repaired', 'A'))).toBe('WORK_NOT_READY bench-test');
  expect(refusal(after(found, test, fit), close('repaired', 'A'))).toBe('WORK_NOT_READY bench-test');
  expect(refusal(after(found, fit, test), close('repaired', null))).toBe('WORK_NOT_READY grade');
  expect(refusal(after(found, fit, test), close('no-fault-found', 'A'))).toBe('WORK_NOT_READY diagnosed');
  expect(refusal(after(found, fit, test), close('repaired', 'A'))).toBe('taken');
  expect(refusal(after(found), close('beyond-repair', null))).toBe('taken');
  expect(refusal(after(found, close('beyond-repair', null)), fit)).toBe('WORK_CLOSED');
});

it('harvests from what is beyond repair only, and does not work on what is at the vendor', () => {
  const harvest: WorkEntry = { kind: 'part-harvested', part: 'HEAD-58' };
  expect(refusal(after(found), harvest)).toBe('WORK_NOT_READY closed:beyond-repair');
  expect(after(found, close('beyond-repair', null), harvest).harvested).toEqual(['HEAD-58']);
  const away: WorkEntry = { kind: 'rma-out', vendor: 'Omron', number: 'R-1' };
  const back: WorkEntry = { kind: 'rma-in', outcome: 'repaired', costYen: 9_000 };
  expect(refusal(after(found, away), fit)).toBe('WORK_AT_VENDOR');
  expect(refusal(after(found), back)).toBe('WORK_NOT_READY rma-out');
  expect(after(found, away, back)).toMatchObject({ costYen: 9_000, isAtVendor: false });
});

it('reckons the figures of a workshop, and says nothing where there is nothing to reckon', () => {
  expect(figuresOf([])).toMatchObject({
    finished: 0,
    reuseRate: null,
    costYenPerRedeployment: null,
    wasteAvoidedKg: 0,
  });
  const good = after(found, fit, test, close('repaired', 'A'));
  const dead = after(found, close('beyond-repair', null));
  const fine = after({ kind: 'diagnosed', fault: null }, test, close('no-fault-found', 'A'));
  const of = (order: WorkOrder, cameOf: FinishedWork['cameOf']) => ({ order, days: 6, massGrams: 1_500, cameOf });
  expect(
    figuresOf([of(good, 'redeployed'), of(dead, 'scrapped'), of(fine, 'redeployed'), of(dead, 'scrapped')]),
  ).toEqual({
    finished: 4,
    reuseRate: 0.5,
    noFaultFoundRate: 0.25,
    repairYield: [{ fault: 'PR-HEAD', tried: 3, repaired: 1 }],
    costYenPerRedeployment: 1_200,
    daysPerRedeployment: 6,
    wasteAvoidedKg: 3,
    co2AvoidedKg: 120,
  });
});
