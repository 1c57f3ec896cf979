import type { ResponseApdu } from '@tsunagu/protocols/apdu';
import {
  dolFitOf,
  issuerAuthenticationData,
  panFromCn,
  parseAfl,
  parseTrack2,
  verifyCryptogram,
} from '@tsunagu/protocols/emv';
import { fail, hex, ok, type Result, type Secret } from '@tsunagu/protocols/kit';
import { cardKeysOf, findTestCard, type TestCard } from '@tsunagu/protocols/test-cards';
import { buildDol, parseDol, type Tlv, tlv } from '@tsunagu/protocols/tlv';
import type { ChipReader } from '../readers/port.ts';
import { ask, objectsOf } from './exchange.ts';

type Objects = Map<number, Uint8Array>;

/**
 * What the rehearsing terminal says. All of it is constant, the unpredictable number too: nothing is bought, and the same card
 * gives the same dialogue, so that traces can be compared.
 */
const terminalObjects: readonly (readonly [number, string])[] = [
  [0x9f02, '000000001280'],
  [0x9f03, '000000000000'],
  [0x9f1a, '0392'],
  [0x5f2a, '0392'],
  [0x95, '0000008000'],
  [0x9a, '270401'],
  [0x9c, '00'],
  [0x9f21, '120000'],
  [0x9f37, '54535547'],
  [0x9f35, '22'],
  [0x9f33, 'E0F8C8'],
  [0x9f40, '6000F0F001'],
  [0x9f34, '1F0302'],
  [0x9f45, '0000'],
  [0x9f4c, '0000000000000000'],
  [0x9f66, '36004000'],
  [0x8a, '3030'],
];

/** Records of one card, at most. */
const recordsMax = 64;
const arqcAsked = 0x80;
const tcAsked = 0x40;

/**
 * A whole transaction with a fictional card, as a terminal and its issuer would hold it: selection, GET PROCESSING OPTIONS, records,
 * cryptogram (checked with the issuer's keys), and with contacts the issuer's answer and the second cryptogram. A card whose
 * issuer is not ours is CARD_UNKNOWN after its records; nothing of them is kept.
 *
 * @see EMV 4.3 Book 3, 6.5 and 10; Book 2, 8
 */
export async function rehearse(reader: ChipReader, aid: Uint8Array): Promise<Result<void>> {
  const objects: Objects = new Map(terminalObjects.map(([tag, value]) => [tag, hex(value)]));
  try {
    return await transaction(reader, aid, objects);
  } finally {
    for (const value of objects.values()) value.fill(0);
  }
}

async function transaction(reader: ChipReader, aid: Uint8Array, objects: Objects): Promise<Result<void>> {
  const started = await start(reader, aid, objects);
  if (!started.ok) return started;
  const card = cardOf(objects);
  if (card === undefined) return fail('CARD_UNKNOWN');
  if (!objects.has(0x9f26)) {
    const made = await generate(reader, objects, arqcAsked, 0x8c);
    if (!made.ok) return made;
  }
  const arqc = objects.get(0x9f26) ?? new Uint8Array(8);
  const valueOf = (tag: number): Uint8Array | undefined => objects.get(tag);
  const genuine = verifyCryptogram(card.profile, cardKeysOf(card), valueOf, arqc);
  if (!genuine.ok || card.isContactless) return genuine.ok ? ok(undefined) : genuine;
  const answer = issuerAuthenticationData(card.profile, cardKeysOf(card), valueOf, arqc, { responseCode: hex('3030') });
  if (!answer.ok) return answer;
  objects.set(0x91, answer.value);
  if (((objects.get(0x82)?.[0] ?? 0) & 0x04) !== 0) {
    const authenticated = await ask(reader, 0x00, 0x82, 0x00, 0x00, answer.value);
    if (!authenticated.ok) return authenticated;
    if (authenticated.value.sw !== 0x9000) return refused('82', authenticated.value.sw);
  }
  const second = await generate(reader, objects, tcAsked, 0x8d);
  if (!second.ok) return second;
  return (objects.get(0x9f27)?.[0] ?? 0) >> 6 === 1 ? ok(undefined) : fail('CARD_WITHDREW');
}

/**
 * Selects an application, starts a transaction, and reads the first record that its file locator names: the answer as it came. Undefined
 * where it names none. EMV 4.3 Book 3, 10.1 and 10.2.
 */
export async function firstRecord(
  reader: ChipReader,
  aid: Uint8Array,
): Promise<Result<Result<ResponseApdu> | undefined>> {
  const objects: Objects = new Map(terminalObjects.map(([tag, value]) => [tag, hex(value)]));
  const begun = await begin(reader, aid, objects);
  if (!begun.ok) return begun;
  const files = parseAfl(objects.get(0x94) ?? new Uint8Array(0));
  const [file] = files.ok ? files.value : [];
  return ok(file && (await ask(reader, 0x00, 0xb2, file.first, (file.sfi << 3) | 4)));
}

/** Selection, GET PROCESSING OPTIONS, records. */
async function start(reader: ChipReader, aid: Uint8Array, objects: Objects): Promise<Result<void>> {
  const begun = await begin(reader, aid, objects);
  if (!begun.ok) return begun;
  const locator = objects.get(0x94);
  if (locator === undefined || locator.length === 0) return ok(undefined);
  const files = parseAfl(locator);
  if (!files.ok) return files;
  let records = 0;
  for (const { sfi, first, last } of files.value)
    for (let record = first; record <= last && records < recordsMax; record++, records++) {
      const read = await ask(reader, 0x00, 0xb2, record, (sfi << 3) | 4);
      if (!read.ok) return read;
      const inside = objectsOf(read.value);
      if (!inside.ok) return inside;
      learn(objects, inside.value);
    }
  return ok(undefined);
}

/** Selection and GET PROCESSING OPTIONS. */
async function begin(reader: ChipReader, aid: Uint8Array, objects: Objects): Promise<Result<void>> {
  const selected = await ask(reader, 0x00, 0xa4, 0x04, 0x00, aid);
  if (!selected.ok) return selected;
  const fci = objectsOf(selected.value);
  if (!fci.ok) return fci;
  learn(objects, fci.value);
  const options = await ask(reader, 0x80, 0xa8, 0x00, 0x00, tlv(0x83, list(objects, 0x9f38)));
  if (!options.ok) return options;
  const answer = objectsOf(options.value);
  if (!answer.ok) return answer;
  const plain = answer.value.find(({ tag }) => tag === 0x80)?.value;
  if (plain === undefined) learn(objects, answer.value);
  else {
    // Format 1: interchange profile and file locator. EMV 4.3 Book 3, 6.5.8.4.
    objects.set(0x82, Uint8Array.from(plain.subarray(0, 2)));
    objects.set(0x94, Uint8Array.from(plain.subarray(2)));
  }
  return ok(undefined);
}

/** GENERATE AC: the answer's objects replace those of the one before. EMV 4.3 Book 3, 6.5.5. */
async function generate(reader: ChipReader, objects: Objects, asked: number, listTag: number): Promise<Result<void>> {
  if (!objects.has(listTag)) return fail('EMV_DATA_MISSING', { field: listTag.toString(16).toUpperCase() });
  const made = await ask(reader, 0x80, 0xae, asked, 0x00, list(objects, listTag));
  if (!made.ok) return made;
  const answer = objectsOf(made.value);
  if (!answer.ok) return answer;
  const plain = answer.value.find(({ tag }) => tag === 0x80)?.value;
  if (plain === undefined) learn(objects, answer.value);
  else {
    const parts = [
      [0x9f27, 0, 1],
      [0x9f36, 1, 3],
      [0x9f26, 3, 11],
      [0x9f10, 11, plain.length],
    ] as const;
    for (const [tag, from, to] of parts) objects.set(tag, Uint8Array.from(plain.subarray(from, to)));
  }
  return objects.has(0x9f26) && objects.has(0x9f27) ? ok(undefined) : fail('CARD_ANSWER_WRONG', { field: '9F26' });
}

/** The values that a list of the card asks for; nothing when it has none. */
function list(objects: Objects, tag: number): Uint8Array {
  const entries = parseDol(objects.get(tag) ?? new Uint8Array(0));
  return entries.ok ? buildDol(entries.value, (one) => objects.get(one), dolFitOf) : new Uint8Array(0);
}

/** Takes over what the card says, templates taken apart. */
function learn(objects: Objects, said: readonly Tlv[]): void {
  for (const object of said)
    if (object.children.length > 0) learn(objects, object.children);
    else objects.set(object.tag, Uint8Array.from(object.value));
}

/** The fictional card whose PAN this is. */
function cardOf(objects: Objects): TestCard | undefined {
  const pan = panOf(objects);
  if (pan === undefined) return undefined;
  const card = findTestCard(pan);
  pan.wipe();
  return card;
}

function panOf(objects: Objects): Secret<'pan'> | undefined {
  const plain = objects.get(0x5a);
  if (plain !== undefined) {
    const pan = panFromCn(plain);
    return pan.ok ? pan.value : undefined;
  }
  const track = parseTrack2(objects.get(0x57) ?? new Uint8Array(0));
  return track.ok ? track.value.pan : undefined;
}

const refused = (field: string, sw: number): Result<never, 'CARD_REFUSED_COMMAND'> =>
  fail('CARD_REFUSED_COMMAND', { field, facts: { sw: sw.toString(16).toUpperCase() } });
