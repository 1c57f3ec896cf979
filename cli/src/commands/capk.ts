import { type ListedCaKey, listTestCaKeys } from '@tsunagu/protocols/test-cards';
import { type Console, type ExitCode, exit, layOut } from '../console/index.ts';

/** `tsunagu emulate capk`: the test CA's public keys, hexadecimal; never for a terminal that takes real cards. */
export function listCaKeys(console: Console, json: boolean): ExitCode {
  const keys = listTestCaKeys();
  if (json) {
    console.out(JSON.stringify(keys));
    return exit.ok;
  }
  const heads = console.texts.workshop.columnsOfKeys;
  const rows = layOut(
    [
      { head: heads.rid, cell: (key: ListedCaKey) => key.rid },
      { head: heads.index, cell: (key) => key.index },
      { head: heads.bits, cell: (key) => String(key.modulus.length * 4), right: true },
      { head: heads.exponent, cell: (key) => key.exponent, right: true },
      { head: heads.expiry, cell: (key) => key.expiry },
      { head: heads.hash, cell: (key) => key.hash },
    ],
    keys,
  );
  for (const row of rows) console.out(row);
  return exit.ok;
}
