import {
  fetchItems,
  functions,
  itemsAnswer,
  itemsPerPage,
  readItems,
  type ReconciliationItem,
} from '@tsunagu/protocols/acquiring';
import { expect, test } from 'vitest';

const items = (count: number): readonly ReconciliationItem[] =>
  Array.from({ length: count }, (_, index) => ({
    stan: String(index).padStart(6, '0'),
    localTime: '261127120000',
    kind: 'debit',
    amountMinor: index,
  }));
type Elements = Readonly<Record<number, unknown>>;
const textIn = (elements: Elements) => ({
  text: (element: number) => (elements[element] === undefined ? undefined : String(elements[element])),
});

test.each([0, 1, itemsPerPage - 1, itemsPerPage, itemsPerPage + 1, 3 * itemsPerPage])(
  'a day of %i items is fetched whole, page by page, from who answers by pages',
  async (count) => {
    const asked: unknown[] = [];
    const fetched = await fetchItems('261127', (elements) => {
      asked.push(elements);
      return Promise.resolve(textIn(itemsAnswer(items(count), textIn(elements))));
    });
    expect(fetched).toEqual(items(count));
    expect(asked).toHaveLength(Math.floor(count / itemsPerPage) + 1);
    expect(asked[0]).toEqual({ 24: functions.items, 28: '261127', 71: '00000000' });
    expect(asked.at(-1)).toMatchObject({ 71: String(asked.length - 1).padStart(8, '0') });
  },
);

test('a page is asked for by its number, and the first where none is named', () => {
  const answer = itemsAnswer(items(40), textIn({}));
  expect(readItems(String(answer[72]))).toMatchObject({ ok: true, value: items(itemsPerPage) });
  expect(itemsAnswer(items(40), textIn({ 71: '00000002' }))).toEqual({ 39: '600' });
});

test.each([
  ['no answer', undefined],
  ['a refusal', { 39: '902' }],
  ['what are no items', { 39: '600', 72: 'no items' }],
])('%s in the middle is no list that ends there', async (_, second) => {
  let page = 0;
  const all = items(3 * itemsPerPage);
  const fetched = await fetchItems('261127', (elements) => {
    page += 1;
    return Promise.resolve(page === 2 ? second && textIn(second) : textIn(itemsAnswer(all, textIn(elements))));
  });
  expect(fetched).toBeUndefined();
});

test('who never ends is given up', async () => {
  let pages = 0;
  const full = itemsAnswer(items(itemsPerPage), textIn({}));
  const fetched = await fetchItems('261127', () => {
    pages += 1;
    return Promise.resolve(textIn(full));
  });
  expect([fetched, pages]).toEqual([undefined, 2_000]);
});
