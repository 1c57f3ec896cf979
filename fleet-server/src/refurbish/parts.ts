import { type HarvestedPart, serialSchema } from '@tsunagu/protocols/fleet';
import type { Result } from '@tsunagu/protocols/kit';
import { isoTime, newestFirst, type Page, type PageRequest, type Queryable, pageOn, viewPage } from '../store/index.ts';

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
  let query = on
    .selectFrom('work_parts')
    .innerJoin('work_entries as taken', 'taken.id', 'work_parts.id')
    .leftJoin('work_entries as fitted', 'fitted.id', 'work_parts.fitted_by')
    .leftJoin('work_orders as into', 'into.id', 'fitted.work')
    .select(['work_parts.id', 'work_parts.part', 'from_serial', 'taken.at', 'taken.by'])
    .select(['into.serial', 'into.id as work', 'fitted.at as fitted_at', 'fitted.by as fitter']);
  if (part !== undefined) query = query.where('work_parts.part', '=', part);
  if (isLying) query = query.where('fitted_by', 'is', null);
  return viewPage(
    await pageOn(query, newestFirst('taken.at', 'taken.id'), page),
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
  );
}
