import { RoaringBitmap32, roaringLibraryInitialize } from 'roaring-wasm';
import type { Queryable } from '../store/index.ts';
import type { SetName } from './tables.ts';

/** The library's code has to be there before the first set is made. */
export const prepareSets = (): Promise<unknown> => roaringLibraryInitialize();

/**
 * The sets of a campaign: who is in it (`cohort`), in which ring, who is done, who had it before (`had`, part of `done`), who failed for
 * good, who was brought back. A change is made on copies (`draft`); when they are on disk they take the place of what is in memory.
 */
export class CampaignSets {
  readonly #sets: Map<SetName, RoaringBitmap32>;
  readonly rings: number;

  constructor(rings: number, sets = new Map<SetName, RoaringBitmap32>()) {
    this.rings = rings;
    this.#sets = sets;
  }

  static async read(on: Queryable, campaign: string, rings: number): Promise<CampaignSets> {
    const rows = await on.selectFrom('campaign_sets').selectAll().where('campaign', '=', campaign).execute();
    return new CampaignSets(
      rings,
      new Map(rows.map(({ name, bytes }) => [name, RoaringBitmap32.deserialize('portable', Uint8Array.from(bytes))])),
    );
  }

  get(name: SetName): RoaringBitmap32 {
    let set = this.#sets.get(name);
    if (!set) this.#sets.set(name, (set = new RoaringBitmap32()));
    return set;
  }

  has(name: SetName, ordinal: number): boolean {
    return this.#sets.get(name)?.has(ordinal) ?? false;
  }

  size(name: SetName): number {
    return this.#sets.get(name)?.size ?? 0;
  }

  /** In how many of one set the other has a part. */
  common(one: SetName, other: SetName): number {
    return this.get(one).andCardinality(this.get(other));
  }

  /** The ring of a terminal of the cohort; -1 for a stranger. */
  ringOf(ordinal: number): number {
    for (let ring = 0; ring < this.rings; ring++) if (this.has(`ring${ring}`, ordinal)) return ring;
    return -1;
  }

  /** Who is not through on the way to the new, in rings up to this one, rising. */
  waiting(ringOpen: number): Uint32Array {
    const wanted = new RoaringBitmap32();
    for (let ring = 0; ring <= ringOpen; ring++) wanted.orInPlace(this.get(`ring${ring}`));
    wanted.andNotInPlace(this.get('done'));
    wanted.andNotInPlace(this.get('failed'));
    return taken(wanted);
  }

  /** Who was changed and is not back; and who failed, since the new may have come there all the same. */
  changed(): Uint32Array {
    const wanted = this.get('done').clone();
    wanted.orInPlace(this.get('failed'));
    wanted.andNotInPlace(this.get('had'));
    wanted.andNotInPlace(this.get('back'));
    return taken(wanted);
  }

  /** How many were changed and are not back. */
  get changedCount(): number {
    return this.size('done') - this.size('had') - this.common('done', 'back');
  }

  draft(): SetDraft {
    return new SetDraft(this);
  }

  /** Puts a copy in the place of a set. */
  swap(name: SetName, set: RoaringBitmap32): void {
    this.#sets.get(name)?.dispose();
    this.#sets.set(name, set);
  }

  close(): void {
    for (const set of this.#sets.values()) set.dispose();
    this.#sets.clear();
  }
}

function taken(set: RoaringBitmap32): Uint32Array {
  const values = set.toUint32Array();
  set.dispose();
  return values;
}

/** Changes of sets that are not on disk yet. */
export class SetDraft {
  readonly #sets: CampaignSets;
  readonly #added = new Map<SetName, number[]>();
  readonly #changed = new Map<SetName, RoaringBitmap32>();

  constructor(sets: CampaignSets) {
    this.#sets = sets;
  }

  add(name: SetName, ordinal: number): void {
    const list = this.#added.get(name);
    if (list) list.push(ordinal);
    else this.#added.set(name, [ordinal]);
  }

  /** Writes what changed; only the sets that did. */
  async write(on: Queryable, campaign: string): Promise<void> {
    for (const [name, ordinals] of this.#added) {
      const set = this.#sets.get(name).clone();
      set.addMany(ordinals);
      set.runOptimize();
      this.#changed.set(name, set);
      const bytes = Uint8Array.from(set.serialize('portable'));
      await on
        .insertInto('campaign_sets')
        .values({ campaign, name, bytes })
        .onConflict((conflict) => conflict.columns(['campaign', 'name']).doUpdateSet({ bytes }))
        .execute();
    }
  }

  /** What was written is on disk: it is in force. */
  commit(): void {
    for (const [name, set] of this.#changed) this.#sets.swap(name, set);
    this.#changed.clear();
  }

  /** What was written is not on disk. */
  drop(): void {
    for (const set of this.#changed.values()) set.dispose();
    this.#changed.clear();
  }
}
