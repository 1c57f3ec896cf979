import { describeBytes, type Description, describeText } from '@tsunagu/protocols/describe';
import { dialectNames } from '@tsunagu/protocols/iso8583';
import { hex } from '@tsunagu/protocols/kit';
import { messagesIn, vectors } from '../seeds.ts';
import { expectOurs, must, sizeOf, type Target, text } from '../target.ts';

const pan = '4929777766665555';

/** A sample of each thing that is told apart. */
const samples = (): readonly Uint8Array[] => [
  ...dialectNames.flatMap((dialect) => messagesIn(dialect).slice(0, 2)),
  hex('6F050000000003000000 00B2011400'),
  hex('80140000000002000000 3B6500002063CB68003B6500002063CB68001122'),
  hex('00A4040007A000000003101000'),
  hex('770E82021C00940808010100100103019000'),
  hex(`70 0A 5A08${pan}`),
  hex('9F2701809F360200019F26081122334455667788'),
];

const mostly = { work: { base: 400_000, perByte: 12_000 }, memory: { base: 1 << 20, perByte: 65_536 } } as const;

function expectDescription({ lines, lengthBytes, fault }: Description, lengthMax: number): void {
  must(lines.length <= 64 + 8 * lengthMax, 'more lines than bytes');
  must(sizeOf(lines) <= 65_536 + 4_096 * lengthMax, 'lines without end');
  for (const { from, to } of lines) must(from >= 0 && from <= to && to <= lengthBytes, 'a line leaves the bytes');
  if (fault) expectOurs(fault, lengthMax + 4);
}

export const targets: readonly Target[] = [
  {
    ...mostly,
    name: 'describe-bytes',
    seeds: samples,
    lengthMax: 1_024,
    run(input) {
      const description = describeBytes(input);
      expectDescription(description, input.length);
      must(!JSON.stringify(description.lines).includes(pan), 'a card number is shown');
      return description.kind !== 'unknown';
    },
  },
  {
    ...mostly,
    name: 'describe-text',
    seeds: () => [
      ...samples().map((sample) => text(Buffer.from(sample).toString('hex'))),
      ...vectors('tr31')
        .slice(0, 8)
        .map(({ keyBlock }) => text(String(keyBlock))),
      text('0x00 A4:04-00'),
    ],
    tokens: ['0x', ' ', ':', '-', 'D0112P0AE00E0000', '5A08'].map(text),
    lengthMax: 1_024,
    run(input) {
      const read = describeText(Buffer.from(input).toString('latin1'), { reveal: (input[0] ?? 0) % 2 === 0 });
      if (read.ok) expectDescription(read.value, input.length);
      else expectOurs(read.fault, input.length);
      return read.ok && read.value.kind !== 'unknown';
    },
  },
];
