import { decodeCommand, decodeResponse } from '@tsunagu/protocols/apdu';
import { decodeBulkIn, decodeBulkOut } from '@tsunagu/protocols/ccid';
import { hex } from '@tsunagu/protocols/kit';
import { decodeTlv } from '@tsunagu/protocols/tlv';
import type { BenchReport } from './report.ts';

/** Small messages a second that each decoder has to reach. */
const bound = 1_000_000;

/** Small messages as they come: each contender walks through its own set, so that no single shape is learnt by heart. */
const contenders: Readonly<
  Record<
    string,
    { readonly decode: (bytes: Uint8Array) => { readonly ok: boolean }; readonly messages: readonly Uint8Array[] }
  >
> = {
  // The answer to GET PROCESSING OPTIONS, to GENERATE AC, PIN tries, and a short directory entry.
  'TLV decode': {
    decode: (bytes) => decodeTlv(bytes),
    messages: [
      hex('770E82021C0094080801010010010301'),
      hex('9F2701809F360200019F26081122334455667788'),
      hex('9F170103'),
      hex('700E61 0C4F07A0000000031010870101'),
    ],
  },
  'APDU decode, command': {
    decode: decodeCommand,
    messages: [
      hex('00A4040007A000000003101000'),
      hex('00B2011400'),
      hex('80A8000002830000'),
      hex('80AE80001D000000001000000000000000039200000000000392261123001122334400'),
    ],
  },
  'APDU decode, answer': {
    decode: decodeResponse,
    messages: [hex('9000'), hex('6A82'), hex('770E82021C00940808010100100103019000'), hex('9F1701039000')],
  },
  'CCID decode, to reader': {
    decode: decodeBulkOut,
    messages: [
      hex('65000000000001000000'),
      hex('62000000000002000000'),
      hex('6F050000000003000000 00B2011400'),
      hex('6F0D0000000004000000 00A4040007A000000003101000'),
    ],
  },
  'CCID decode, from reader': {
    decode: decodeBulkIn,
    messages: [
      hex('81000000000001000000'),
      hex('80140000000002000000 3B6500002063CB68003B6500002063CB68001122'),
      hex('80020000000003000000 9000'),
      hex('80000000000004800100'),
    ],
  },
};

/** Every result is put here, so that none is optimised away unmade. */
let last: unknown;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

function rateOf(
  decode: (bytes: Uint8Array) => { readonly ok: boolean },
  messages: readonly Uint8Array[],
  forMs: number,
): number {
  const start = process.hrtime.bigint();
  const end = start + BigInt(forMs * 1_000_000);
  let count = 0;
  let now = start;
  while (now < end) {
    for (let turn = 0; turn < 50; turn++)
      for (const message of messages) {
        const read = decode(message);
        if (!read.ok) throw new Error('a message of the bench is wrong');
        last = read;
      }
    count += 50 * messages.length;
    now = process.hrtime.bigint();
  }
  return (count * 1e9) / Number(now - start);
}

export default async function run(): Promise<BenchReport> {
  const rates = new Map<string, number[]>();
  // In turns, so that a busy machine slows all of them alike; the first rounds warm up, the median of the others counts.
  for (let round = -4; round < 11; round++)
    for (const [name, { decode, messages }] of Object.entries(contenders)) {
      const rate = rateOf(decode, messages, 40);
      if (round >= 0) rates.set(name, [...(rates.get(name) ?? []), rate]);
    }
  const figures = Object.fromEntries([...rates].map(([name, all]) => [name, Math.round(median(all))]));
  return {
    name: 'emv: small messages of cards and readers, decoded one after another',
    figures,
    ratios: Object.fromEntries(Object.entries(figures).map(([name, rate]) => [`${name} / bound`, rate / bound])),
    goals: Object.fromEntries(Object.keys(figures).map((name) => [`${name} / bound`, 1])),
    peers: {
      bound: `${bound.toLocaleString('en-US')} small messages a second on one core ${last === undefined ? ' (nothing ran)' : ''}`,
    },
  };
}
