import { modelOf } from '@tsunagu/protocols/catalogue';
import {
  type DeviceListEntry,
  type InspectionPlan,
  parseJson,
  type Serial,
  serialSchema,
  type SignedDocument,
  standingOf,
} from '@tsunagu/protocols/fleet';
import {
  dueAt,
  findingsOf,
  inspection as inspectionSchema,
  type InspectionFinding,
  openInspection,
} from '@tsunagu/protocols/inspection';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { sql } from 'kysely';
import type { World } from '@tsunagu/protocols/world';
import type { Actor } from '../audit/index.ts';
import { isRegistered, type Note, stepsOfLife, stepsOfLives } from '../estate/index.ts';
import {
  isoTime,
  type Page,
  type PageRequest,
  type Queryable,
  type Store,
  inAlphabet,
  pageOn,
} from '../store/index.ts';

export interface InspectionRooms {
  readonly world: Pick<World, 'clock' | 'log'>;
  readonly store: Store;
  readonly note: Note;
  readonly announce: (serial: Serial) => void;
}

/** As many shops as are named to whoever wrote another. */
const nearMax = 8;

type DeliverFault = 'INSPECTION_INVALID' | 'TERMINAL_UNKNOWN' | 'CUSTODY_HOLDER_REVOKED';

/** The list of devices, how often each is looked at, and what was found. PCI DSS 4.0.1, 9.5.1.1 and 9.5.1.2. */
export interface Inspections {
  plans(): Promise<readonly InspectionPlan[]>;
  /** Plans the rounds of a shop; done again it changes how often. SHOP_UNKNOWN: no terminal was ever placed there. */
  plan(
    plan: { readonly merchant: string; readonly shop: string; readonly everyDays: number },
    by: Actor,
  ): Promise<Result<void, 'SHOP_UNKNOWN'>>;
  /** Takes a report; delivered again it changes nothing. What it found is on the timeline as an alarm. */
  deliver(document: SignedDocument, by: Actor): Promise<Result<readonly InspectionFinding[], DeliverFault>>;
  /** The list of 9.5.1.1, by serial. */
  list(page: PageRequest & { readonly overdue?: boolean }): Promise<Result<Page<DeviceListEntry>, 'INPUT_INVALID'>>;
}

export function openInspections({ world, store, note, announce }: InspectionRooms): Inspections {
  function entryOf(
    row: {
      serial: string;
      model: string;
      merchant: string;
      shop: string;
      lane: string;
      lifecycle: DeviceListEntry['state'];
      lifecycle_since: number;
      every_days: number | null;
      planned_at: number | null;
      hello: string | null;
    },
    last: { readonly at: number; readonly findings: string; readonly surface: string } | undefined,
    steps: Awaited<ReturnType<typeof stepsOfLife>>,
  ): DeviceListEntry {
    const serial = serialSchema.parse(row.serial);
    const { seals, connections } = standingOf(steps);
    const due =
      row.lifecycle === 'deployed' && row.every_days !== null
        ? dueAt(last?.at ?? null, Math.max(row.planned_at ?? 0, row.lifecycle_since), row.every_days)
        : null;
    const software = row.hello === null ? null : /"version":"([^"]{0,32})"/.exec(row.hello)?.[1];
    return {
      serial,
      make: modelOf(row.model)?.maker ?? '',
      model: row.model,
      place: { merchant: row.merchant, shop: row.shop, lane: row.lane },
      state: row.lifecycle,
      software: software ?? null,
      seals: seals && [...seals],
      connections,
      lastInspection: last
        ? { at: isoTime(last.at), surface: last.surface, findings: JSON.parse(last.findings) as string[] }
        : null,
      dueAt: due === null ? null : isoTime(due),
      isOverdue: due !== null && due < world.clock.now(),
      isPlanned: row.every_days !== null,
    };
  }

  /** The last inspection of each. */
  async function lastOf(on: Queryable, serials: readonly string[]) {
    if (serials.length === 0) return new Map<string, never>();
    const found = await on
      .selectFrom('inspections')
      .select(['serial', 'at', 'findings', 'surface'])
      .where('serial', 'in', serials)
      .where(
        sql<boolean>`(serial, at) in (select serial, max(at) from inspections where serial in (${sql.join(serials)}) group by serial)`,
      )
      .execute();
    return new Map(found.map((row) => [row.serial, row]));
  }

  const rows = (on: Queryable) =>
    on
      .selectFrom('terminals')
      .leftJoin('presence', 'presence.serial', 'terminals.serial')
      .leftJoin('inspection_plans', (join) =>
        join
          .onRef('inspection_plans.merchant', '=', 'terminals.merchant')
          .onRef('inspection_plans.shop', '=', 'terminals.shop'),
      )
      .select([
        'terminals.serial',
        'terminals.model',
        'terminals.merchant',
        'terminals.shop',
        'terminals.lane',
        'terminals.lifecycle',
        'terminals.lifecycle_since',
        'inspection_plans.every_days',
        'inspection_plans.planned_at',
        'presence.hello',
      ]);

  return {
    async plans() {
      const found = await store.db
        .selectFrom('inspection_plans')
        .selectAll()
        .orderBy('merchant')
        .orderBy('shop')
        .execute();
      return found.map(({ merchant, shop, every_days, planned_at, planned_by }) => ({
        merchant,
        shop,
        everyDays: every_days,
        plannedAt: isoTime(planned_at),
        plannedBy: planned_by,
      }));
    },
    async plan({ merchant, shop, everyDays }, by) {
      const row = { every_days: everyDays, planned_by: by.subject };
      return await store.write(async (tx): Promise<Result<void, 'SHOP_UNKNOWN'>> => {
        const places = tx.selectFrom('terminals').select(['merchant', 'shop']).distinct();
        const known = await places.where('merchant', '=', merchant).where('shop', '=', shop).executeTakeFirst();
        // A plan for a shop that nobody is in would be kept, and nothing would ever be overdue by it.
        if (!known) {
          const near = await places
            .where((where) => where.or([where('merchant', '=', merchant), where('shop', '=', shop)]))
            .orderBy('merchant')
            .orderBy('shop')
            .limit(nearMax)
            .execute();
          const names = near.map((place) => `${place.merchant}/${place.shop}`).join(', ');
          return fail('SHOP_UNKNOWN', { field: 'shop', ...(names !== '' && { facts: { near: names } }) });
        }
        await tx
          .insertInto('inspection_plans')
          .values({ merchant, shop, planned_at: world.clock.now(), ...row })
          .onConflict((conflict) => conflict.columns(['merchant', 'shop']).doUpdateSet(row))
          .execute();
        return ok(undefined);
      });
    },
    async deliver(document, by) {
      const said = parseJson(inspectionSchema, document.payload, 65_536);
      if (!said.ok) return fail('INSPECTION_INVALID');
      const { serial, id } = said.value;
      const taken = await store.write(async (tx): Promise<Result<readonly InspectionFinding[], DeliverFault>> => {
        if (!(await isRegistered(tx, serial))) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
        const signer = await tx
          .selectFrom('custody_holders')
          .select(['kid', 'public_key', 'revoked_at'])
          .where('kid', '=', document.kid)
          .executeTakeFirst();
        const opened = signer && openInspection(document, { kid: signer.kid, publicKey: signer.public_key });
        if (!signer || !opened?.ok) return fail('INSPECTION_INVALID', { facts: { kid: document.kid } });
        const before = await tx
          .selectFrom('inspections')
          .select(['document', 'findings'])
          .where('id', '=', id)
          .executeTakeFirst();
        if (!before && signer.revoked_at !== null)
          return fail('CUSTODY_HOLDER_REVOKED', { facts: { serial, kid: signer.kid } });
        if (before)
          return before.document === JSON.stringify(document)
            ? ok(JSON.parse(before.findings) as InspectionFinding[])
            : fail('INSPECTION_INVALID', { field: 'id' });
        const findings = findingsOf(opened.value, standingOf(await stepsOfLife(tx, serial)));
        await tx
          .insertInto('inspections')
          .values({
            id,
            serial,
            at: Date.parse(opened.value.at),
            by_kid: signer.kid,
            surface: opened.value.surface,
            findings: JSON.stringify(findings),
            delivered_at: world.clock.now(),
            delivered_by: by.subject,
            document: JSON.stringify(document),
          })
          .execute();
        await note(tx, serial, 'inspection', {
          inspection: id,
          surface: opened.value.surface,
          findings: findings.join(' '),
        });
        if (findings.length > 0)
          await note(tx, serial, 'alarm', { code: 'INSPECTION_FOUND', findings: findings.join(' ') });
        return ok(findings);
      });
      if (taken.ok) announce(serial);
      return taken;
    },
    async list({ overdue, ...page }) {
      const query = rows(store.db).where('terminals.lifecycle', '!=', 'scrap');
      const found = await pageOn(query, inAlphabet('terminals.serial'), page);
      if (!found.ok) return found;
      const { items, next } = found.value;
      const serials = items.map(({ serial }) => serial);
      const [lasts, lives] = [await lastOf(store.db, serials), await stepsOfLives(store.db, serials)];
      const entries = items.map((row) => entryOf(row, lasts.get(row.serial), lives.get(row.serial) ?? []));
      return ok({ items: entries.filter(({ isOverdue }) => overdue !== true || isOverdue), next });
    },
  };
}
