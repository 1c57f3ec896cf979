import { expect, test } from 'vitest';
import { examplesOf, printedBy, promisedBy } from '../docs/examples.ts';

test('the example in the README of cards prints what it says', async () => {
  const examples = examplesOf(new URL('../../../firmware-bridge/src/cards/README.md', import.meta.url));
  expect(examples.length).toBeGreaterThan(0);
  for (const example of examples) expect(await printedBy(example)).toEqual(promisedBy(example));
});
