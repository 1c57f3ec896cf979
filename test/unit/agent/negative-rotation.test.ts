import { expect, test } from 'vitest';
import {
  answers,
  bad,
  first,
  hold,
  lists,
  logged,
  oneTerminal,
  open,
  second,
  server,
  settled,
  versionOf,
  worse,
} from './negative-terminal.ts';

oneTerminal();

/** A version of the next epoch, made under the second key. */
const rekeyed = (cards: Parameters<Awaited<ReturnType<typeof open>>['take']>[1]['cards']) => ({
  cards,
  under: second.key,
  manifest: { epoch: 2 },
  head: { epoch: 2 },
  listSigners: [lists.keys.list, lists.keys.second],
});

test('a listed card is refused before its key gives way, while both are here, and after the old one is gone', async () => {
  const terminal = await open();
  terminal.take(1, { cards: [bad] });
  await settled(terminal, 1);
  expect(answers(terminal)).toEqual(['clear', 'listed', 'clear']);
  expect(terminal.file.needsKey(first.kcv)).toBe(true);
  hold(first, second);
  expect(answers(terminal)).toEqual(['clear', 'listed', 'clear']);
  expect(terminal.file.needsKey(first.kcv)).toBe(true);
  terminal.take(2, rekeyed([bad, worse]));
  await settled(terminal, 2);
  expect(answers(terminal)).toEqual(['clear', 'listed', 'listed']);
  expect(terminal.file.needsKey(second.kcv)).toBe(true);
  expect(terminal.file.needsKey(first.kcv)).toBe(false);
  hold(second);
  expect(answers(terminal)).toEqual(['clear', 'listed', 'listed']);
  expect(terminal.file.allowance().freshness).toBe('fresh');
  terminal.stop.abort();
  const again = await open(terminal.files.afterPowerLoss(false));
  expect(answers(again)).toEqual(['clear', 'listed', 'listed']);
  again.stop.abort();
});

test('while the list of the next epoch does not come, emergency entries under its key are refused beside the old list', async () => {
  const terminal = await open();
  terminal.take(1, { cards: [bad] });
  await settled(terminal, 1);
  hold(first, second);
  const head = { ...rekeyed([bad]), seq: 1, overlay: [worse] };
  server.onArtefact = (_bytes, request, response) => {
    if (!request.url?.endsWith('.steps')) return false;
    response.writeHead(404).end();
    return true;
  };
  terminal.take(2, head);
  // Under which key they are, the manifest says; before it is here nobody knows whether a card is among them.
  expect(answers(terminal)).toEqual(['unknown-key', 'listed', 'listed']);
  await terminal.file.idle();
  expect(versionOf(terminal)).toBe(1);
  expect(answers(terminal)).toEqual(['clear', 'listed', 'listed']);
  expect(terminal.file.needsKey(first.kcv)).toBe(true);
  terminal.stop.abort();
});

test('a terminal that was away keeps its list until it holds the next key, and approves nothing while a card may be under that', async () => {
  const terminal = await open();
  terminal.take(1, { cards: [bad] });
  await settled(terminal, 1);
  terminal.take(2, rekeyed([bad]));
  await terminal.file.idle();
  expect(logged('KEY_SLOT_EMPTY')).toBe(true);
  // Nothing came that it could not see: it goes by its list, as one that hears of no newer one.
  expect(versionOf(terminal)).toBe(1);
  expect(answers(terminal)).toEqual(['clear', 'listed', 'clear']);
  terminal.take(2, { ...rekeyed([bad]), seq: 1, overlay: [worse] });
  await terminal.file.idle();
  expect(answers(terminal)).toEqual(['unknown-key', 'listed', 'unknown-key']);
  expect(terminal.file.allowance()).toEqual({ freshness: 'hard', amountLeftMinor: 0 });
  // Over a restart it is no other: what came is on its medium.
  terminal.stop.abort();
  const again = await open(terminal.files.afterPowerLoss(false));
  expect(answers(again)).toEqual(['unknown-key', 'listed', 'unknown-key']);
  hold(first, second);
  again.file.wake();
  await settled(again, 2);
  expect(answers(again)).toEqual(['clear', 'listed', 'listed']);
  again.stop.abort();
});
