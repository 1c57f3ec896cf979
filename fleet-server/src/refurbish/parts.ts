import { type HarvestedPart, serialSchema } from '@tsunagu/protocols/fleet';
import { ok, type Result } from '@tsunagu/protocols/kit';
import {
  boundedLimit,
  isoTime,
  keyOfMoment,
  momentOfCursor,
  newestFirst,
  type Page,
  pageOf,
  type PageRequest,
  type Queryable,
} from '../store/index.ts';

/** Which harvested parts: of one part number, and those only that lie in their drawer. */
export interface PartFilter {
  readonly part?: string | undefined;
  readonly isLying?: boolean;
}

/** A page of harvested parts and of what became of each, those first that were taken out last. */
export async function listParts(
  on: Queryable,
  { part, isLying = false }: PartFilter,
  page: PageRequest,
): Promise<Result<Page<HarvestedPart>, 'INPUT_INVALID'>> {
  const after = momentOfCursor(page.cursor);
  if (!after.ok) return after;
  const limit = boundedLimit(page.limit);
  let query = on
    .selectFrom('work_parts')
    .innerJoin('work_entries as taken', 'taken.id', 'work_parts.id')
    .leftJoin('work_entries as fitted', 'fitted.id', 'work_parts.fitted_by')
    .leftJoin('work_orders as into', 'into.id', 'fitted.work')
    .select(['work_parts.id', 'work_parts.part', 'from_serial', 'taken.at', 'taken.by'])
    .select(['into.serial', 'into.id as work', 'fitted.at as fitted_at', 'fitted.by as fitter']);
  if (part !== undefined) query = query.where('work_parts.part', '=', part);
  if (isLying) query = query.where('fitted_by', 'is', null);
  const rows = await newestFirst(query, ['taken.at', 'taken.id'], after.value, limit).execute();
  return ok(
    pageOf(
      rows,
      limit,
      ({ at, id }) => keyOfMoment(at, id),
      (row): HarvestedPart => ({
        id: row.id,
        part: row.part,
        from: serialSchema.parse(row.from_serial),
        harvestedAt: isoTime(row.at),
        harvestedBy: row.by,
        fitted:
          row.work === null
            ? null
            : {
                serial: serialSchema.parse(row.serial),
                work: row.work,
                at: isoTime(row.fitted_at ?? 0),
                by: row.fitter ?? '',
              },
      }),
    ),
  );
}
