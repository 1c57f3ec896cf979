import { saleId } from '@tsunagu/fleet-server/switch/journal/sale-id';
import { expect, test } from 'vitest';

test('the id of a sale is a UUID of version 7: it says when, and grows with time', () => {
  const uuid = '9f1c2d3e-4a5b-4c6d-8e7f-001122334455';
  // RFC 9562, A.6: the time of the example.
  expect(saleId(0x017f22e279b0, uuid)).toBe('017f22e2-79b0-7c6d-8e7f-001122334455');
  expect(saleId(1_000, uuid) < saleId(1_001, uuid)).toBe(true);
});
