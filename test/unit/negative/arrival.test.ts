import { ContainerArrival } from '@tsunagu/firmware-bridge/negative/arrival';
import { unwrap } from '@tsunagu/protocols/kit';
import { encodeContainer, leavesOf, openContainer, stepNodes } from '@tsunagu/protocols/negative';
import { expect, test } from 'vitest';
import { randomExact, randomHashes } from '../../negative/lists.ts';

const beside = { ranges: [{ digits: 6, low: 400_000, high: 400_009, notAfter: 2_000_000_000 }], exceptions: [7] };

/** A container of two steps or more, what proves them, and where its head ends. */
function onItsWay(set: Parameters<typeof encodeContainer>[0]) {
  const bytes = encodeContainer({ ...set, beside });
  const container = unwrap(openContainer(bytes));
  const nodes = stepNodes(leavesOf(container));
  const steps = Array.from({ length: nodes.length / 32 }, (_, at) => nodes.subarray(at * 32, at * 32 + 32));
  expect(steps.length).toBeGreaterThan(1);
  return { bytes, headEnd: container.parts.at(-1)?.end ?? 0, arrival: () => new ContainerArrival(bytes.length, steps) };
}
const kinds = [
  ['keyed hashes', onItsWay(randomHashes(21, 2_300, 36, 2))],
  ['exact cards', onItsWay(randomExact(22, 150, 3, 3))],
] as const;

test.each(kinds)(
  '%s: broken after each of its bytes, a container goes on from what is proven',
  (_, { bytes, arrival }) => {
    let kept = 0;
    for (let cut = 0; cut < bytes.length; cut += 1) {
      const coming = arrival();
      if (!coming.take(bytes.subarray(0, cut))) throw new Error(`the first ${cut} bytes are refused`);
      if (coming.whole) throw new Error(`${cut} bytes are taken for all`);
      const from = coming.resume();
      if (from > cut || from < kept) throw new Error(`after ${cut} bytes it goes on from ${from}`);
      kept = from;
      if (!coming.take(bytes.subarray(from)) || !Buffer.from(coming.whole ?? []).equals(bytes))
        throw new Error(`it is not whole after a break at ${cut}`);
    }
    expect(kept).toBeGreaterThan(0);
  },
);

test.each(kinds)(
  '%s: each bit of its head that is spoilt on the way is refused, and the right bytes still come after it',
  (_, { bytes, headEnd, arrival }) => {
    for (let bit = 0; bit < headEnd * 8; bit += 1) {
      const coming = arrival();
      const spoilt = bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
      if (coming.take(spoilt) && coming.whole) throw new Error(`bit ${bit} is not noticed`);
      const from = coming.resume();
      if (from > 0) throw new Error(`bit ${bit}: ${from} bytes are believed`);
      if (!coming.take(bytes) || !Buffer.from(coming.whole ?? []).equals(bytes)) throw new Error(`bit ${bit} stays`);
    }
  },
);

test('what stands in the place of the length that ends a container changes nothing: it is signed', () => {
  const [, { bytes, arrival }] = kinds[0];
  const coming = arrival();
  expect(coming.take(bytes.with(bytes.length - 2, 0xa5))).toBe(true);
  expect(Buffer.from(coming.whole ?? []).equals(bytes)).toBe(true);
});
