import { readCardAuthorities } from '@tsunagu/firmware-bridge/secure/index';
import { unwrap } from '@tsunagu/protocols/kit';
import { listTestCaKeys } from '@tsunagu/protocols/test-cards';
import { expect, it } from 'vitest';
import { MemoryFiles } from '../agent/memory-files.ts';
import { Centre } from './centre.ts';
import { boot } from './terminal.ts';

const keys = listTestCaKeys();
const ownActionCodes = { visa: { denial: 'FFFFFFFFFF', online: '0000000000', default: '0000000000' } };

const read = (content: unknown) =>
  readCardAuthorities(
    new MemoryFiles(
      new Map([
        ['card-authorities.json', Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))],
      ]),
    ),
  );

/** A sale of a card with CDA at a terminal with these authorities, and what its TVR (95) was. */
async function sell(content: unknown) {
  const authorities = content === undefined ? undefined : unwrap(await read(content));
  const booted = await boot({ acquirer: () => new Centre().line(() => true), authorities });
  const result = await booted.side.run({ kind: 'sale', amountMinor: 500, card: 'visa-cda' });
  const document = unwrap(booted.side.traceOf({}));
  await booted.side.close();
  const trace = Buffer.from(document.base64, 'base64').toString();
  return { result, isAuthentic: /"method":"CDA","isPassed":true/.test(trace) };
}

it('believes cards of the test CA, or of those whose keys are in its file and in date', async () => {
  expect((await sell(undefined)).isAuthentic).toBe(true);
  expect((await sell({ v: 1, keys })).isAuthentic).toBe(true);
  expect((await sell({ v: 1, keys: [] })).isAuthentic).toBe(false);
  // In an emulated house it is later than 2001.
  const expired = keys.map((key) => ({ ...key, expiry: '2001-12-31' }));
  const old = expired.map((key, at) => ({ ...key, hash: keys[at]?.hash }));
  expect((await sell({ v: 1, keys: old })).isAuthentic).toBe(false);
});

it('takes an acquirer’s action codes', async () => {
  expect((await sell({ v: 1, keys })).result.outcome).toBe('approved');
  expect((await sell({ v: 1, keys: [], actionCodes: ownActionCodes })).result.outcome).toBe('refused');
});

it.each([
  ['no JSON', '{', 'CARD_AUTHORITIES_INVALID'],
  ['a short modulus', { v: 1, keys: [{ ...keys[0], modulus: 'AB' }] }, 'CARD_AUTHORITIES_INVALID'],
  ['a property that nobody knows', { v: 1, keys: [], more: true }, 'CARD_AUTHORITIES_INVALID'],
  ['a checksum that is not the key’s', { v: 1, keys: [{ ...keys[0], hash: '00'.repeat(20) }] }, 'EMV_KEY_INVALID'],
  ['a key twice', { v: 1, keys: [keys[0], keys[0]] }, 'EMV_KEY_INVALID'],
])('refuses a file with %s', async (_name, content, code) => {
  expect(await read(content)).toMatchObject({ fault: { code } });
});
