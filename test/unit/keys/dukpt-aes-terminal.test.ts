import {
  type AesDukptState,
  aesInitialKey,
  deriveAesInitialKey,
  deriveAesTransactionKey,
  formatAesKsn,
  initialiseAesTerminal,
  parseAesKsn,
  parseAesTerminal,
  serialiseAesTerminal,
  takeAesTransactionKey,
} from '@tsunagu/protocols/dukpt';
import { hex, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';

const id = hex('1234567890123456');
const bdk = (): Secret<'key'> => Secret.take('key', hex('FEDCBA9876543210F1F1F1F1F1F1F1F1'));
const initialKey = unwrap(deriveAesInitialKey(bdk(), id));

test('the terminal walks the same keys as the host from its first transaction on', () => {
  let state = initialiseAesTerminal(initialKey);
  for (let counter = 1; counter <= 300; counter += 1) {
    const { transactionKey, next } = unwrap(takeAesTransactionKey(state));
    expect(transactionKey.ksn.counter).toBe(counter);
    const host = unwrap(deriveAesTransactionKey(initialKey, counter));
    expect(transactionKey.derivationKey.use(toHex)).toBe(host.derivationKey.use(toHex));
    state = next;
  }
});

test('a state that was stored and read again goes on where it was', () => {
  let state = initialiseAesTerminal(initialKey);
  for (let step = 0; step < 40; step += 1) {
    state = unwrap(takeAesTransactionKey(unwrap(parseAesTerminal(serialiseAesTerminal(state))))).next;
  }
  expect(state.counter).toBe(41);
  const taken = unwrap(takeAesTransactionKey(state));
  const host = unwrap(deriveAesTransactionKey(initialKey, 41));
  expect(taken.transactionKey.derivationKey.use(toHex)).toBe(host.derivationKey.use(toHex));
});

test('taking a key changes nothing in the state it was taken from', () => {
  const state = initialiseAesTerminal(initialKey);
  const before = serialiseAesTerminal(state).use(toHex);
  unwrap(takeAesTransactionKey(state));
  expect(serialiseAesTerminal(state).use(toHex)).toBe(before);
});

test('a spent key and everything before it can no longer be derived from the state', () => {
  let state = initialiseAesTerminal(initialKey);
  const spent: string[] = [initialKey.key.use(toHex)];
  for (let step = 0; step < 70; step += 1) {
    const { transactionKey, next } = unwrap(takeAesTransactionKey(state));
    spent.push(transactionKey.derivationKey.use(toHex));
    state = next;
  }
  const held = [...state.futureKeys.values()].map((key) => key.use(toHex));
  expect(held.filter((key) => spent.includes(key))).toEqual([]);
});

test('the counter skips what has more than sixteen one-bits, and ends after FFFF0000', () => {
  const near = (counter: number): AesDukptState => {
    const full = initialiseAesTerminal(initialKey);
    // The registers of a late counter, from the host's side: each zero bit above the lowest one-bit that may still be set.
    const registers = new Map<number, Secret<'key'>>();
    let ones = 0;
    const own = 31 - Math.clz32(counter & -counter);
    for (let bit = 31; bit >= own; bit -= 1) {
      const isSet = ((counter >>> bit) & 1) === 1;
      if (isSet && bit !== own) ones += 1;
      else if (ones < 16) {
        const above = bit === 31 ? 0 : (counter >>> (bit + 1)) * 2 ** (bit + 1);
        registers.set(bit, unwrap(deriveAesTransactionKey(initialKey, above + 2 ** bit)).derivationKey);
      }
    }
    return { ...full, counter, futureKeys: registers };
  };
  const walk = (start: number, steps: number): number[] => {
    let state = near(start);
    const counters: number[] = [];
    for (let step = 0; step < steps && state.counter !== undefined; step += 1) {
      const { transactionKey, next } = unwrap(takeAesTransactionKey(state));
      const host = unwrap(deriveAesTransactionKey(initialKey, transactionKey.ksn.counter));
      expect(transactionKey.derivationKey.use(toHex)).toBe(host.derivationKey.use(toHex));
      counters.push(transactionKey.ksn.counter);
      state = unwrap(parseAesTerminal(serialiseAesTerminal(next)));
    }
    return counters;
  };
  expect(walk(0x0000fffe, 4)).toEqual([0x0000fffe, 0x0000ffff, 0x00010000, 0x00010001]);
  expect(walk(0x0001fffe, 3)).toEqual([0x0001fffe, 0x00020000, 0x00020001]);
  expect(walk(0xfffe8000, 5)).toEqual([0xfffe8000, 0xffff0000]);
});

test('an exhausted terminal says so, before and after storing', () => {
  const spent: AesDukptState = { ...initialiseAesTerminal(initialKey), counter: undefined, futureKeys: new Map() };
  for (const state of [spent, unwrap(parseAesTerminal(serialiseAesTerminal(spent)))]) {
    const taken = takeAesTransactionKey(state);
    expect(taken.ok ? '' : taken.fault.code).toBe('DUKPT_COUNTER_EXHAUSTED');
  }
});

test('a stored state that lost or gained bytes is refused', () => {
  const stored = serialiseAesTerminal(initialiseAesTerminal(initialKey)).use((bytes) => Uint8Array.from(bytes));
  for (const length of [0, 1, 13, 14, stored.length - 1]) {
    const read = parseAesTerminal(Secret.copy('key', stored.subarray(0, length)));
    expect(read.ok ? '' : read.fault.code).toBe('DUKPT_STATE_INVALID');
  }
  expect(parseAesTerminal(Secret.take('key', Uint8Array.from([...stored, 0]))).ok).toBe(false);
});

test('an initial key with an id of another length is refused', () => {
  const labelled = aesInitialKey(bdk(), hex('123456789012'));
  expect(labelled.ok ? '' : labelled.fault.code).toBe('KSN_LENGTH_INVALID');
});

test('a KSN that is part of a larger buffer is read where it stands, and keeps its own copy of the id', () => {
  const message = Buffer.from('0012345678901234560000000AFF', 'hex');
  const ksn = unwrap(parseAesKsn(message.subarray(1, 13)));
  message.fill(0);
  expect(toHex(formatAesKsn(ksn))).toBe('12345678901234560000000A');
});
