import { type TlvInput, encodeTlv } from '@tsunagu/protocols/tlv';
import { CardObjects, sentOfCard } from './card-objects.ts';
import { type Knowledge, valueOf } from './terminal-objects.ts';

/**
 * Objects that the issuer needs to check a cryptogram and to know how it came about, in the order in which they are sent in DE55.
 * EMV 4.3 Book 4, table 10 (authorisation request); account data travel in DE2, DE14, DE23 and DE35 instead.
 */
const requestTags = [
  0x9f26, 0x9f27, 0x9f10, 0x9f37, 0x9f36, 0x95, 0x9a, 0x9c, 0x9f02, 0x5f2a, 0x82, 0x9f1a, 0x9f03, 0x9f33, 0x9f34,
  0x9f35, 0x9f1e, 0x84, 0x9f09, 0x9f6c, 0x9f66,
] as const;

/** What an advice has besides: the response code that the terminal made, status information, script results. Book 4, table 11. */
const adviceTags = [...requestTags, 0x9b, 0x8a, 0x9f5b] as const;

/** A card that gives what is the terminal's to tell (8A, 9F5B, 9F66) is not believed. */
const silentCard = new CardObjects();

const objectsOf = (knowledge: Knowledge, tags: readonly number[]): Uint8Array => {
  const objects: TlvInput[] = [];
  const own = { ...knowledge, card: silentCard };
  for (const tag of tags) {
    const value = valueOf(sentOfCard.has(tag) ? knowledge : own, tag);
    if (value !== undefined && value.length > 0) objects.push({ tag, value });
  }
  return encodeTlv(objects);
};

/** DE55 of a request: what of these objects the transaction has. */
export const requestObjects = (knowledge: Knowledge): Uint8Array => objectsOf(knowledge, requestTags);

/** DE55 of an advice, and what a slip and a trace may show. */
export const adviceObjects = (knowledge: Knowledge): Uint8Array => objectsOf(knowledge, adviceTags);
