import { aids } from '@tsunagu/protocols/emv';
import { ok, type Result, toHex, hex } from '@tsunagu/protocols/kit';
import { explainAtr, parseAtr } from '@tsunagu/protocols/pcsc';
import { findTlvDeep, type Tlv } from '@tsunagu/protocols/tlv';
import type { ApplicationSeen, CardSeen } from '@tsunagu/protocols/workshop';
import type { ChipReader } from '../readers/port.ts';
import { ask, objectsOf } from './exchange.ts';

/** Records of a directory, and applications of a card. */
const recordsMax = 10;
const applicationsMax = 20;

const directoryNames = { contact: '1PAY.SYS.DDF01', contactless: '2PAY.SYS.DDF01' } as const;

/**
 * Powers the card and lists what is on it: the ATR explained, and the applications of its directory, or else those of our list that
 * let themselves be selected. No record of an application is read, so nothing of the account is seen.
 */
export async function inspectCard(reader: ChipReader): Promise<Result<CardSeen>> {
  const powered = await reader.powerOn();
  if (!powered.ok) return powered;
  const applications = await applicationsOf(reader);
  if (!applications.ok) return applications;
  const atr = parseAtr(powered.value);
  return ok({
    atr: toHex(powered.value),
    explained: atr.ok ? explainAtr(atr.value).map((line) => ({ ...line })) : [],
    applications: [...applications.value],
  });
}

/** The applications of a powered card, without anything of the account. */
export async function applicationsOf(reader: ChipReader): Promise<Result<readonly ApplicationSeen[]>> {
  const name = Buffer.from(directoryNames[reader.kind], 'latin1');
  const directory = await ask(reader, 0x00, 0xa4, 0x04, 0x00, name);
  if (!directory.ok) return directory;
  const objects = objectsOf(directory.value);
  const listed = objects.ok ? await listedIn(reader, objects.value) : ok([]);
  if (!listed.ok || listed.value.length > 0) return listed;
  return selectable(reader);
}

async function listedIn(reader: ChipReader, objects: readonly Tlv[]): Promise<Result<readonly ApplicationSeen[]>> {
  // With contacts the directory is a file of records, without it is in the answer itself. EMV Book 1, 12.2.3; Book B, 3.3.
  const sfi = findTlvDeep(objects, 0x88)?.value[0];
  if (sfi === undefined) return ok(entriesOf(objects));
  const found: ApplicationSeen[] = [];
  for (let record = 1; record <= recordsMax; record++) {
    const read = await ask(reader, 0x00, 0xb2, record, (sfi << 3) | 4);
    if (!read.ok) return read;
    const inside = objectsOf(read.value);
    if (!inside.ok) break;
    found.push(...entriesOf(inside.value));
  }
  return ok(found.slice(0, applicationsMax));
}

/** Entries (61) of a directory, wherever they stand. EMV 4.3 Book 1, table 47. */
function entriesOf(objects: readonly Tlv[]): readonly ApplicationSeen[] {
  return objects.flatMap((object): readonly ApplicationSeen[] => {
    if (object.tag !== 0x61) return entriesOf(object.children);
    const aid = findTlvDeep(object.children, 0x4f)?.value;
    if (aid === undefined) return [];
    return [seen(aid, findTlvDeep(object.children, 0x50)?.value, findTlvDeep(object.children, 0x87)?.value[0])];
  });
}

/** Tries the identifiers of our list one by one. EMV 4.3 Book 1, 12.3.3. */
async function selectable(reader: ChipReader): Promise<Result<readonly ApplicationSeen[]>> {
  const found: ApplicationSeen[] = [];
  for (const { aid } of aids) {
    const selected = await ask(reader, 0x00, 0xa4, 0x04, 0x00, hex(aid));
    if (!selected.ok) return selected;
    const objects = objectsOf(selected.value);
    if (!objects.ok) continue;
    const name = findTlvDeep(objects.value, 0x84)?.value ?? hex(aid);
    found.push(seen(name, findTlvDeep(objects.value, 0x50)?.value, findTlvDeep(objects.value, 0x87)?.value[0]));
  }
  return ok(found.slice(0, applicationsMax));
}

function seen(aid: Uint8Array, label: Uint8Array | undefined, priority: number | undefined): ApplicationSeen {
  const text = toHex(aid);
  const known = aids.find((entry) => text.startsWith(entry.aid));
  // A label is letters and spaces; whatever else a card puts there is not shown.
  const shown = label === undefined ? undefined : Buffer.from(label.subarray(0, 16)).toString('latin1');
  return {
    aid: text,
    ...(shown === undefined || !/^[ -~]*$/.test(shown) ? {} : { label: shown }),
    ...(known === undefined ? {} : { name: { en: known.en, ja: known.ja } }),
    ...(priority === undefined ? {} : { priority: priority & 0x0f }),
  };
}
