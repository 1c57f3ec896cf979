import { fail, ok } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';
import { checkReaders } from '../../../cli/src/house/readers.ts';

const terminals = [
  { serial: 'CT5100-0001', model: 'CT-5100' },
  { serial: 'CATS200-0001', model: 'CATS200' },
];
const listed = () => Promise.resolve(ok(['ACS ACR122U PICC Interface 00 00', 'Virtual PCD 00 00']));
const never = () => Promise.reject(new Error('nobody is asked'));

test.each([
  [['CT5100-0001=foo'], 'READERS_OPTION_INVALID'],
  [['CT5100-0001'], 'READERS_OPTION_INVALID'],
  [['=usb'], 'READERS_OPTION_INVALID'],
  [['CT5100-0001=pcsc:'], 'READERS_OPTION_INVALID'],
  [['CT5100-0001=usb:1'], 'READERS_OPTION_INVALID'],
  [['NOBODY-0001=usb'], 'READERS_TERMINAL_UNKNOWN'],
  [['CT5100-0001=usb', 'CT5100-0001=pcsc'], 'READERS_OPTION_INVALID'],
  [['CATS200-0001=pcsc'], 'READERS_PLACE_UNFIT'],
  [['CATS200-0001=pcsc:Virtual PCD 00 00'], 'READERS_PLACE_UNFIT'],
] as const)('refuses --readers %s before anything is asked', async (readers, code) => {
  expect(await checkReaders(readers, terminals, never)).toMatchObject({ fault: { code, field: '--readers' } });
});

test('takes what it can, and asks pcscd only for a reader by its name', async () => {
  expect(await checkReaders([], terminals, never)).toEqual(ok(undefined));
  expect(await checkReaders(['CT5100-0001=pcsc', 'CATS200-0001=usb'], terminals, never)).toEqual(ok(undefined));
  expect(await checkReaders(['CT5100-0001=pcsc:Virtual PCD 00 00'], terminals, listed)).toEqual(ok(undefined));
});

test('a name that matches no reader is refused with the names that there are; so is one where no pcscd runs', async () => {
  expect(await checkReaders(['CT5100-0001=pcsc:Virtual PCD'], terminals, listed)).toMatchObject({
    fault: {
      code: 'READERS_NAME_UNKNOWN',
      facts: { readers: 'ACS ACR122U PICC Interface 00 00, Virtual PCD 00 00' },
    },
  });
  const none = () => Promise.resolve(fail('PCSC_UNAVAILABLE'));
  expect(await checkReaders(['CT5100-0001=pcsc:A'], terminals, none)).toMatchObject({
    fault: { code: 'PCSC_UNAVAILABLE' },
  });
});
