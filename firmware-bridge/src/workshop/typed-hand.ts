import { cardNamed } from './cards.ts';
import type { Source } from './source.ts';

/** The hand at an emulated bench, by what somebody types: `insert ID [CARD]`, `remove ID`, `unplug ID`. Anything else moves nothing. */
export function moveCard({ emulated, transport }: Source, line: string): void {
  const [verb, id, name] = line.split(/\s+/, 3);
  const place = emulated.find(({ info }) => info.id === id);
  if (place === undefined) return;
  const card = name === undefined ? undefined : cardNamed(name);
  if (verb === 'remove') place.reader.remove();
  if (verb === 'insert' && card?.ok) place.reader.insert(card.value);
  if (verb === 'insert' && card === undefined) void place.hand?.insert();
  if (verb === 'unplug' && transport !== undefined && 'unplug' in transport && typeof transport.unplug === 'function')
    transport.unplug(place.info.id);
}
