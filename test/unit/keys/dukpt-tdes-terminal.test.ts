import {
  deriveTdesInitialKey,
  deriveTdesTransactionKey,
  initialiseTdesTerminal,
  padShortKsn,
  parseTdesKsn,
  parseTdesTerminal,
  serialiseTdesTerminal,
  type TdesDukptState,
  takeTdesTransactionKey,
} from '@tsunagu/protocols/dukpt';
import { hex, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';

const ksn = unwrap(parseTdesKsn(hex('FFFF9876543210E00000')));
const bdk = Secret.take('key', hex('0123456789ABCDEFFEDCBA9876543210'));
const initialKey = unwrap(deriveTdesInitialKey(bdk, ksn));

test('the terminal walks the same keys as the host, stored and read again at each step', () => {
  let state = initialiseTdesTerminal(initialKey);
  for (let counter = 1; counter <= 2047; counter += 1) {
    const { transactionKey, next } = unwrap(takeTdesTransactionKey(state));
    // 11 one-bits: 2047 is skipped, and 2048 is next.
    if (counter === 2047) {
      expect(transactionKey.ksn.counter).toBe(2048);
      break;
    }
    expect(transactionKey.ksn.counter).toBe(counter);
    const host = unwrap(deriveTdesTransactionKey(initialKey, counter));
    expect(transactionKey.key.use(toHex)).toBe(host.key.use(toHex));
    state = counter % 64 === 0 ? unwrap(parseTdesTerminal(serialiseTdesTerminal(next))) : next;
  }
});

test('the last key is that of counter 1FF800, and then the terminal is exhausted', () => {
  const last = unwrap(deriveTdesTransactionKey(initialKey, 0x1ff800)).key;
  const state: TdesDukptState = { initialKsn: ksn.initialKsn, counter: 0x1ff800, futureKeys: new Map([[11, last]]) };
  const stored = unwrap(parseTdesTerminal(serialiseTdesTerminal(state)));
  const taken = unwrap(takeTdesTransactionKey(stored));
  expect(taken.transactionKey.key.use(toHex)).toBe(last.use(toHex));
  expect(taken.next).toMatchObject({ counter: undefined });
  const after = takeTdesTransactionKey(unwrap(parseTdesTerminal(serialiseTdesTerminal(taken.next))));
  expect(after.ok ? '' : after.fault.code).toBe('DUKPT_COUNTER_EXHAUSTED');
});

test('a stored state that lost or gained bytes is refused', () => {
  const stored = serialiseTdesTerminal(initialiseTdesTerminal(initialKey)).use((bytes) => Uint8Array.from(bytes));
  for (let length = 0; length < stored.length; length += 1) {
    expect(parseTdesTerminal(Secret.copy('key', stored.subarray(0, length))).ok).toBe(false);
  }
});

test('a KSN of 16 hexadecimal digits is filled up with FF on the left', () => {
  expect(toHex(padShortKsn(hex('9876543210E00001')))).toBe('FFFF9876543210E00001');
});

test('a KSN that is part of a larger buffer is read where it stands, and left as it is', () => {
  const message = Buffer.from('00FFFF9876543210E00003FF', 'hex');
  const read = unwrap(parseTdesKsn(message.subarray(1, 11)));
  expect(read.counter).toBe(3);
  expect(toHex(read.initialKsn)).toBe('FFFF9876543210E00000');
  expect(toHex(message)).toBe('00FFFF9876543210E00003FF');
});
