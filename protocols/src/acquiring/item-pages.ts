import type { DecodedMessage, FieldValue } from '../iso8583/index.ts';
import { functions } from './message-elements.ts';
import { itemsPerPage, readItems, type ReconciliationItem, writeItems } from './reconciliation.ts';

/** DE39 of a page of items. ISO 8583:1993, A.1. */
const accepted = '600';
/** The most pages that are asked for: 64,000 items. */
const pagesMax = 2_000;

type Elements = { readonly [element: number]: FieldValue };

/** What answers a request for a page of a day's items (1604, DE24 690), out of all of them; a page after the last one is empty. */
export function itemsAnswer(items: readonly ReconciliationItem[], request: Pick<DecodedMessage, 'text'>): Elements {
  const page = Number(request.text(71) ?? '0');
  const shown = items.slice(page * itemsPerPage, (page + 1) * itemsPerPage);
  return { 39: accepted, ...(shown.length > 0 && { 72: writeItems(shown) }) };
}

/**
 * Fetches the far side's items of a day, page by page, until one is not full.
 *
 * @param ask sends a 1604 with these elements, besides those that every request has; undefined where no answer came
 * @returns undefined where it does not give them all
 */
export async function fetchItems(
  day: string,
  ask: (elements: Elements) => Promise<Pick<DecodedMessage, 'text'> | undefined>,
): Promise<readonly ReconciliationItem[] | undefined> {
  const items: ReconciliationItem[] = [];
  for (let page = 0; page < pagesMax; page += 1) {
    const answer = await ask({ 24: functions.items, 28: day, 71: String(page).padStart(8, '0') });
    const read = answer?.text(39) === accepted ? readItems(answer.text(72) ?? '') : undefined;
    if (!read?.ok) return undefined;
    items.push(...read.value);
    if (read.value.length < itemsPerPage) return items;
  }
  return undefined;
}
