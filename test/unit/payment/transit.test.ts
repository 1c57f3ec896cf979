import type { TransitCard } from '@tsunagu/firmware-bridge/cards/index';
import type { PaymentOrder } from '@tsunagu/protocols/fleet';
import { hex } from '@tsunagu/protocols/kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TransitHouse } from './transit-house.ts';

const sale: PaymentOrder = { kind: 'sale', amountMinor: 100, card: 'transit' };
const charge: PaymentOrder = { kind: 'charge', amountMinor: 150, card: 'transit' };

let house: TransitHouse;
beforeAll(async () => {
  house = await TransitHouse.open();
});
afterAll(() => house.close());

describe('a transit card at a terminal, switch and centre behind their wires', () => {
  it('is debited, charged and read', async () => {
    expect(await house.run(charge)).toMatchObject({
      kind: 'charge',
      outcome: 'approved',
      amountMinor: 150,
      balanceMinor: 3_150,
      scheme: 'transit',
      lastFour: '2113',
      entry: 'contactless',
    });
    expect(house.sent).toEqual(['transitOpen', 'charge', 'transitConfirm']);
    expect(await house.run(sale)).toMatchObject({ kind: 'sale', outcome: 'approved', balanceMinor: 3_050 });
    expect(await house.run({ kind: 'balance', card: 'transit' })).toMatchObject({ balanceMinor: 3_050 });
    const read = await house.run({ kind: 'history', card: 'transit' });
    expect(read?.history).toMatchObject([
      { process: 0x46, terminal: 0xc7, balanceMinor: 3_050, serial: 2 },
      { process: 0x49, terminal: 0xc7, balanceMinor: 3_150, serial: 1 },
    ]);
    expect(await house.settled('transit', 'quiet')).toBe(50);
  });
});
void hex;
export type { TransitCard };
