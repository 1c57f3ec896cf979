import { caKeyHash } from '@tsunagu/protocols/emv';
import { toHex } from '@tsunagu/protocols/kit';
import { testCaKeys } from '@tsunagu/protocols/test-cards';
import { type Console, type ExitCode, exit, layOut } from '../console/index.ts';

/** A public key of the test CA as a terminal is loaded with it. */
interface Shown {
  readonly rid: string;
  readonly index: string;
  readonly modulus: string;
  readonly exponent: string;
  /** YYYY-MM-DD. */
  readonly expiry: string;
  /** SHA-1 over RID, index, modulus and exponent. EMV 4.3 Book 2, 11.2.2. */
  readonly hash: string;
}

/** `tsunagu emulate capk`: the test CA's public keys, hexadecimal; never for a terminal that takes real cards. */
export function listCaKeys(console: Console, json: boolean): ExitCode {
  const keys = testCaKeys().map(
    (key): Shown => ({
      rid: key.rid,
      index: key.index.toString(16).toUpperCase().padStart(2, '0'),
      modulus: toHex(key.modulus),
      exponent: key.exponent === 3 ? '03' : key.exponent.toString(16).toUpperCase().padStart(6, '0'),
      expiry: key.expiry,
      hash: toHex(caKeyHash(key)),
    }),
  );
  if (json) {
    console.out(JSON.stringify(keys));
    return exit.ok;
  }
  const heads = console.texts.workshop.columnsOfKeys;
  const rows = layOut(
    [
      { head: heads.rid, cell: (key: Shown) => key.rid },
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
