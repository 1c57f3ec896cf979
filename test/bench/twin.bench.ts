import { performance } from 'node:perf_hooks';
import { effectiveOf, type Layer } from '@tsunagu/fleet-server/twin/index';
import { modelOf, models } from '@tsunagu/protocols/catalogue';
import { configurationHash, type LayerRef } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { by, serial, twinOnDisk } from '../unit/twin/store.ts';

const fleet = 100_000;
const merchants = 200;
const shopsOf = 25;
/** Shops and terminals with a layer of their own. */
const ownShops = 40;
const ownTerminals = 100;
const able = models.filter(({ offline }) => offline).map(({ id }) => id);

/**
 * A change of the defaults of 100,000 terminals, on a real store: what comes out is computed once for all terminals below the same
 * layers. The bound is the merge alone, once for each terminal, in memory, without any store.
 */
export default async function run() {
  const made = await twinOnDisk();
  try {
    const { twin, store } = made;
    await made.place(
      Array.from({ length: fleet }, (_, index) => ({
        serial: `BENCH-${String(index).padStart(6, '0')}`,
        model: able[index % able.length] ?? 'CT-5100',
        merchant: `M${index % merchants}`,
        shop: `S${Math.floor(index / merchants) % shopsOf}`,
      })),
    );
    const set = async (ref: LayerRef, taxPercent: number) => {
      const { version } = unwrap(await twin.documents.layer(ref));
      return unwrap(await twin.documents.change(ref, version, { taxPercent }, by));
    };
    for (let index = 0; index < ownShops; index++)
      await set({ layer: 'shop', merchant: `M${index}`, shop: `S${index % shopsOf}` }, index % 20);
    for (let index = 0; index < ownTerminals; index++)
      await set({ layer: 'terminal', serial: serial(`BENCH-${String(index * 7).padStart(6, '0')}`) }, index % 30);
    await set({ layer: 'defaults' }, 40);

    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      const startedMs = performance.now();
      await set({ layer: 'defaults' }, 41 + round);
      times.push(performance.now() - startedMs);
    }
    const changeMs = times.sort((a, b) => a - b)[2] ?? Number.NaN;

    const layer = (values: Layer['values']): Layer => ({
      kind: 'defaults',
      version: 1,
      revision: 1,
      hash: configurationHash(values),
      values,
    });
    const layers = [layer({ taxPercent: 8 }), layer({ taxPercent: 9 })];
    const one = modelOf('CT-5100');
    if (!one) throw new Error('no such model');
    const mergedAt = performance.now();
    for (let index = 0; index < fleet / 10; index++) effectiveOf(one, layers);
    const eachMs = (performance.now() - mergedAt) * 10;

    const toldAt = performance.now();
    await twin.told();
    const toldMs = performance.now() - toldAt;
    const summedAt = performance.now();
    await twin.drift.summary();
    const summaryMs = performance.now() - summedAt;
    const listedAt = performance.now();
    unwrap(await twin.drift.list({ limit: 500 }));
    const listMs = performance.now() - listedAt;
    const { paths } = await store.db
      .selectFrom('configuration_paths')
      .select((all) => all.fn.countAll<number>().as('paths'))
      .executeTakeFirstOrThrow();
    return {
      name: `configuration in layers, ${fleet} terminals`,
      figures: {
        'paths through the layers': Number(paths),
        'a change of the defaults, median ms': changeMs,
        'until everybody connected is told, ms': toldMs,
        'summary of the drift, ms': summaryMs,
        'first 500 of the drift, ms': listMs,
        'bound: merging once for each terminal, ms': eachMs,
      },
      ratios: { 'a change of the defaults to the bound': eachMs / changeMs },
      goals: { 'a change of the defaults to the bound': 1 },
      peers: { bound: 'the same merge, once for each of the terminals, in memory; a tenth of them was measured' },
    };
  } finally {
    await made.close();
  }
}
