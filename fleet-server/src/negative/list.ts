import { openCards } from './cards.ts';
import { openEvidence } from './evidence.ts';
import { openHeads } from './heads.ts';
import { openIntake } from './intake.ts';
import { openKeysElsewhere } from './keys-elsewhere.ts';
import { openOverview } from './overview.ts';
import type { ListParts, NegativeList } from './ports.ts';
import { openRows, openVersions } from './versions.ts';

const checkMs = 60_000;

/** A list, and what the room needs of it when another one moved. */
export interface OpenList extends NegativeList {
  /** Signs its head anew. */
  renewHead(): Promise<void>;
  /** Makes the version that puts it under the key that is wanted, where it is not and none waits for signatures. */
  retag(): Promise<void>;
}

/** Opens one list. Version 1, without entries, comes into being where there is none; where its list keys lie elsewhere it waits for them. */
export async function openList(parts: ListParts): Promise<OpenList> {
  const { rooms, list, signing, publishing } = parts;
  const { world, store } = rooms;
  const { row, versionRow } = openRows(parts);
  const found = await row(store.db);
  const cards = openCards(parts);
  const heads = openHeads(parts, cards, { list, version: found?.version ?? 0, overlaySeq: found?.overlay_seq ?? 0 });
  const versions = openVersions(parts, heads);
  if ((!found || !(await versionRow(found.version))) && !(await versions.pending())) await versions.publish();

  // The power failed between the word that another key counts and the version that is made with it.
  await versions.retag();

  const later = (work: Promise<unknown>): void => {
    work.catch((cause: unknown) => world.log('error', 'negativePublishFailed', { fault: { code: 'INTERNAL', cause } }));
  };
  const renewing = world.timers.every(checkMs, () => later(versions.renew()));

  return {
    get state() {
      return heads.latest;
    },
    endings: [
      { name: `root-${signing.root.version}`, endsAt: signing.root.notAfter * 1_000 },
      ...signing.root.keys.map(({ role, notAfter }) => ({ name: role, endsAt: notAfter * 1_000 })),
    ],
    ...openIntake(parts, cards, heads, versions),
    ...openOverview(parts, heads),
    ...openEvidence(parts),
    ...openKeysElsewhere(parts, versions),
    publishVersion: (second) => versions.publishBy(second),
    renewHead: () => versions.renewHead(),
    retag: () => versions.retag(),
    diff: versions.diff,
    locate: (name) => publishing.locate(name),
    async root() {
      return (await signing.rootDocument(signing.root.version)) ?? new Uint8Array(0);
    },
    async republish() {
      await versions.renew();
      const known = await row(store.db);
      if (known) rooms.publish(list, Uint8Array.from(Buffer.from(known.head, 'base64')));
    },
    close: () => renewing.cancel(),
  };
}
