import { readFileSync } from 'node:fs';
import { compileFunction } from 'node:vm';
import { formatWithOptions } from 'node:util';
import * as apdu from '@tsunagu/protocols/apdu';
import * as ccid from '@tsunagu/protocols/ccid';
import * as describeRoom from '@tsunagu/protocols/describe';
import * as emv from '@tsunagu/protocols/emv';
import * as felica from '@tsunagu/protocols/felica';
import * as kernelTrace from '@tsunagu/protocols/kernel-trace';
import * as kit from '@tsunagu/protocols/kit';
import * as pcsc from '@tsunagu/protocols/pcsc';
import * as pn532 from '@tsunagu/protocols/pn532';
import * as rcs380 from '@tsunagu/protocols/rcs380';
import * as software from '@tsunagu/protocols/software';
import * as testCards from '@tsunagu/protocols/test-cards';
import * as tlv from '@tsunagu/protocols/tlv';
import { expect, test } from 'vitest';

const rooms: Readonly<Record<string, object>> = {
  apdu,
  ccid,
  describe: describeRoom,
  emv,
  felica,
  'kernel-trace': kernelTrace,
  kit,
  pcsc,
  pn532,
  rcs380,
  software,
  'test-cards': testCards,
  tlv,
};

/** Imports become look-ups in `rooms`; the examples have no types, so that the rest runs as it stands. */
const runnable = (example: string): string =>
  example.replaceAll(/^import (\{[^}]+\}) from '@tsunagu\/protocols\/([a-z0-9-]+)';$/gm, "const $1 = rooms['$2'];");

/** What each `console.log` of an example says that it prints. */
const promised = (example: string): readonly string[] =>
  [...example.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text ?? '');

test.each(Object.keys(rooms).filter((room) => room !== 'kit'))(
  'the example of %s prints what its README says',
  (room) => {
    const readme = readFileSync(new URL(`../../../protocols/src/${room}/README.md`, import.meta.url), 'utf8');
    const examples = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code ?? '');
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const printed: string[] = [];
      const log = (...values: readonly unknown[]): void => {
        printed.push(formatWithOptions({ breakLength: Number.POSITIVE_INFINITY }, ...values));
      };
      compileFunction(runnable(example), ['rooms', 'console'])(rooms, { log });
      expect(promised(example).length).toBeGreaterThan(0);
      expect(printed).toEqual(promised(example));
    }
  },
);
