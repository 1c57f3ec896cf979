import { models } from '@tsunagu/protocols/catalogue';
import { expect, test } from 'vitest';
import { planFleet, saleToTry } from '../../../cli/src/house/plan.ts';

test('the first eight terminals are eight models from 1996 to 2016, a parent with two children among them', () => {
  const fleet = planFleet(8, 8880);
  const years = fleet.map((terminal) => models.find((model) => model.id === terminal.model)?.since.year ?? 0);
  expect(new Set(fleet.map((terminal) => terminal.model)).size).toBe(8);
  expect([Math.min(...years), Math.max(...years)]).toEqual([1996, 2016]);
  expect(fleet.filter((terminal) => terminal.parent === 'CT3100-0001').map((terminal) => terminal.relayPort)).toEqual([
    8900, 8900,
  ]);
});

test('a fleet of any size has unique serials, known models, and parents before their children', () => {
  for (const count of [1, 3, 8, 9, 50, 500]) {
    const fleet = planFleet(count, 8880);
    expect(fleet).toHaveLength(count);
    expect(new Set(fleet.map((terminal) => terminal.serial)).size).toBe(count);
    for (const [index, terminal] of fleet.entries()) {
      expect(models.some((model) => model.id === terminal.model)).toBe(true);
      if (terminal.parent) expect(fleet.slice(0, index).some((other) => other.serial === terminal.parent)).toBe(true);
    }
  }
});

test('the sale to try is one that the fleet can make, whatever its size', () => {
  expect(saleToTry(planFleet(8, 8880), [])).toEqual({ serial: 'CT5100-0001', card: 'visa-contactless' });
  expect(saleToTry(planFleet(50, 8880), ['CT5100-0001=usb'])).toEqual({ serial: 'CT5100-0001', card: 'reader' });
  expect(saleToTry(planFleet(1, 8880), ['CATS200-0001=usb'])).toEqual({
    serial: 'CATS200-0001',
    card: 'reader-stripe',
  });
  for (const count of [1, 2, 3, 4, 5, 6, 7]) {
    const fleet = planFleet(count, 8880);
    const sale = saleToTry(fleet, []);
    const model = fleet.find(({ serial }) => serial === sale?.serial)?.model;
    const kind = sale?.card.replace('visa-', '') ?? '';
    expect(models.find(({ id }) => id === model)?.readers).toContain(kind);
  }
});
