import { isNewer } from '@tsunagu/fleet-server/twin/index';
import { configuration, configurationHash, type TwinReport } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serial, twinOnDisk } from '../unit/twin/store.ts';

let made: Awaited<ReturnType<typeof twinOnDisk>>;
const names = Array.from({ length: 40 }, (_, index) => serial(`PROP-${index}`));
beforeAll(async () => {
  made = await twinOnDisk(names.map((one) => ({ serial: one })));
});
afterAll(() => made.close());

/** What a terminal said, and how it arrives: late, again, out of order, or never. */
const message = fc.record({
  boot: fc.integer({ min: 1, max: 3 }),
  seq: fc.integer({ min: 1, max: 6 }),
  isHello: fc.boolean(),
});
const schedule = fc
  .array(message, { minLength: 1, maxLength: 14 })
  .chain((said) => fc.shuffledSubarray([...said, ...said], { minLength: 1 }));

/** Said at one moment of a terminal it is always the same. */
const valuesAt = ({ boot, seq }: { boot: number; seq: number }) => configuration.parse({ taxPercent: boot * 10 + seq });

test('whatever order reports and hellos arrive in, the newest that was said is what is known of a terminal', async () => {
  const { reports } = made.twin;
  let turn = 0;
  await fc.assert(
    fc.asyncProperty(schedule, async (arrivals) => {
      const one = names[turn++ % names.length] ?? expect.fail();
      // An enrolment begins to count anew, whatever was said before it.
      await made.store.db.deleteFrom('reported_configurations').where('serial', '=', one).execute();
      let newest: (typeof arrivals)[number] | undefined;
      for (const said of arrivals) {
        const values = valuesAt(said);
        const hash = configurationHash(values);
        const isNews = isNewer(said, newest);
        if (isNews) newest = said;
        if (said.isHello) await made.store.write((tx) => reports.observe(tx, one, said, { version: said.seq, hash }));
        else {
          const body: TwinReport = { base: 1, answers: '', version: said.seq, hash, values };
          const taken = await made.store.write((tx) => reports.report(tx, one, said, body));
          expect(taken.ok).toBe(isNews);
        }
        const row = await made.store.db
          .selectFrom('reported_configurations')
          .selectAll()
          .where('serial', '=', one)
          .executeTakeFirstOrThrow();
        if (!newest) expect.fail();
        const known = configurationHash(valuesAt(newest));
        expect([row.boot_seq, row.seq, row.hash]).toEqual([newest.boot, newest.seq, known]);
        // Values are never those of another moment than the hash: unknown, or its own.
        if (row.value !== null) expect(configurationHash(JSON.parse(row.value))).toBe(known);
      }
    }),
    { numRuns: 150 },
  );
}, 120_000);

test('a terminal that was enrolled anew is believed from its first boot on, and values that are not those of their hash are not', async () => {
  const one = names[0] ?? expect.fail();
  const { reports } = made.twin;
  const values = valuesAt({ boot: 1, seq: 1 });
  const body: TwinReport = { base: 1, answers: '', version: 9, hash: configurationHash(values), values };
  const say = (said: { boot: number; seq: number }, more: Partial<TwinReport> = {}) =>
    made.store.write((tx) => reports.report(tx, one, said, { ...body, ...more }));
  unwrap(await say({ boot: 900, seq: 5 }));
  expect(await say({ boot: 1, seq: 1 })).toMatchObject({ fault: { code: 'MESSAGE_STALE' } });
  await made.store.write((tx) => reports.enrolled(tx, one));
  unwrap(await say({ boot: 1, seq: 1 }));
  expect(await say({ boot: 1, seq: 2 }, { values: { taxPercent: 1 } })).toMatchObject({
    fault: { code: 'INPUT_INVALID', field: 'hash' },
  });
});
