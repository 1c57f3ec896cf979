import { readFileSync } from 'node:fs';
import { compileProfile, type Message } from '@tsunagu/protocols/iso8583';
import { type BareMessage, bareDecode, bareEncode } from './iso8583-bare.ts';
import { raceWithIso8583 } from './iso8583-peers.ts';
import type { BenchReport } from './report.ts';

/** Keeps results alive, so that no loop is optimised away. */
let sink = 0;

/** Runs contenders in turns, so that a busy machine slows all of them alike; the median round counts. */
function race(contenders: Record<string, () => unknown>, roundMs = 40, rounds = 11): Record<string, number> {
  const rates = new Map<string, number[]>();
  for (let round = -3; round < rounds; round++)
    for (const [name, work] of Object.entries(contenders)) {
      const rate = timed(work, roundMs);
      if (round >= 0) rates.set(name, [...(rates.get(name) ?? []), rate]);
    }
  return Object.fromEntries([...rates].map(([name, all]) => [name, Math.round(median(all))]));
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

function timed(work: () => unknown, forMs: number): number {
  const start = process.hrtime.bigint();
  const end = start + BigInt(forMs * 1_000_000);
  let count = 0;
  let now = start;
  while (now < end) {
    for (let index = 0; index < 200; index++) if (work() !== undefined) sink++;
    count += 200;
    now = process.hrtime.bigint();
  }
  return (count * 1e9) / Number(now - start);
}

const reference = 'auth request repeat 1101 [iso93-bcdL-binbm]';

export default async function run(): Promise<BenchReport> {
  const file: { messages: { name: string; mti: string; hex: string; fields: Record<string, string> }[] } = JSON.parse(
    readFileSync(new URL('../vectors/iso8583-messages.json', import.meta.url), 'utf8'),
  );
  const vector = file.messages.find(({ name }) => name === reference);
  if (!vector) throw new Error(`the vector is gone: ${reference}`);
  const bytes = Buffer.from(vector.hex, 'hex');
  const codec = compileProfile({ dialect: 'iso93-bcdL-binbm' });
  const decoded = codec.decode(bytes);
  if (!decoded.ok) throw new Error(decoded.fault.code);
  const message: Message = { mti: decoded.value.mti, fields: { ...decoded.value.fields } };
  const bare: BareMessage = bareDecode(bytes);
  if (!bareEncode(bare).equals(bytes)) throw new Error('the yardstick is wrong');
  const readAll = (how: 'values' | 'fields') => () => {
    const result = codec.decode(bytes);
    return result.ok ? result.value[how] : undefined;
  };
  const figures = {
    ...race({
      decode: () => codec.decode(bytes),
      decodeToValues: readAll('values'),
      decodeToObject: readAll('fields'),
      bareDecode: () => bareDecode(bytes),
    }),
    ...race({ encode: () => codec.encode(message), bareEncode: () => bareEncode(bare) }),
    ...race({ ...raceWithIso8583(vector.mti, vector.fields) }),
  };
  const of = (name: string): number => figures[name] ?? Number.NaN;
  return {
    name: 'iso8583: reference 1100, 23 fields, 350 bytes, packed digits',
    figures,
    ratios: {
      'decode / bare loop': of('decode') / of('bareDecode'),
      'decode and read every value / bare loop': of('decodeToValues') / of('bareDecode'),
      'decode to an object by element / bare loop': of('decodeToObject') / of('bareDecode'),
      'encode / bare loop': of('encode') / of('bareEncode'),
      'decode / iso_8583': of('oursDecode') / of('peerDecode'),
      'decode and read every value / iso_8583': of('oursDecodeToValues') / of('peerDecode'),
      'decode to an object by element / iso_8583': of('oursDecodeToObject') / of('peerDecode'),
      'encode / iso_8583': of('oursEncode') / of('peerEncode'),
      'no codec: the strings alone / iso_8583': of('stringsAlone') / of('peerDecode'),
    },
    goals: {
      'decode and read every value / bare loop': 0.9,
      'encode / bare loop': 0.9,
      'decode and read every value / iso_8583': 8,
      'encode / iso_8583': 8,
    },
    peers: {
      'bare loop': 'hand-written for this one dialect; checks nothing',
      'iso_8583 2.6.7':
        'the same bytes on both sides: text, binary bitmap, DE55 as hexadecimal text, no backslash; it writes an empty second bitmap always, reads no packed digits, EBCDIC or variable binary, and checks no content as it reads',
      'no codec':
        'a bound: each value as a string of its own, from places known beforehand, nothing looked at and no secret kept apart; a codec that makes its strings one by one ends below it',
      sink: String(sink > 0),
    },
  };
}
