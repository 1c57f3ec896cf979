import type { ValidityFileDetail, ValidityFileView } from '@tsunagu/protocols/fleet';
import {
  totalsOfVerdicts,
  type ValidityHeader,
  type ValidityLineFault,
  type ValidityVerdict,
  validityVerdictNames,
} from '@tsunagu/protocols/validity';
import { isoTime, type Store } from '../../store/index.ts';
import type { IssuerLink } from '../issuer-link/issuer-link.ts';
import type { FileRow } from './tables.ts';

const faultsShown = 100;

/** What a person sees of a file: how far it is, and what it waits for. */
export interface Views {
  /** A file that has arrived. */
  row(id: string): Promise<FileRow | undefined>;
  view(row: FileRow): Promise<ValidityFileView>;
  detail(row: FileRow): Promise<ValidityFileDetail>;
}

/** Opens the views of a store. */
export function openViews({ db }: Pick<Store, 'db'>, issuers: ReadonlyMap<string, IssuerLink>): Views {
  const waitingOf = (id: string) =>
    db
      .selectFrom('switch_validity_cards')
      .select(({ fn }) => ['link', fn.countAll<number>().as('cards')])
      .where('file', '=', id)
      .where('verdict', 'is', null)
      .groupBy('link')
      .execute();

  async function view(row: FileRow): Promise<ValidityFileView> {
    const waiting = row.state === 'done' ? [] : await waitingOf(row.id);
    return {
      id: row.id,
      link: row.link,
      fileId: row.file_id,
      acquirer: (JSON.parse(row.header) as ValidityHeader).acquirer,
      state: row.state === 'done' ? 'done' : 'asking',
      records: row.records,
      waiting: waiting.reduce((sum, { cards }) => sum + Number(cards), 0),
      refused: faultsOf(row).length,
      at: isoTime(row.at),
      doneAt: row.done_at === null ? null : isoTime(row.done_at),
    };
  }

  async function detail(row: FileRow): Promise<ValidityFileDetail> {
    const verdicts = await db
      .selectFrom('switch_validity_cards')
      .select(({ fn }) => ['verdict', fn.countAll<number>().as('cards')])
      .where('file', '=', row.id)
      .where('verdict', 'is not', null)
      .groupBy('verdict')
      .execute();
    const counted = { ...totalsOfVerdicts([]) };
    for (const { verdict, cards } of verdicts) counted[verdictOf(verdict)] = Number(cards);
    return {
      ...(await view(row)),
      verdicts: counted,
      waitingFor: (await waitingOf(row.id)).map(({ link, cards }) => ({
        link,
        cards: Number(cards),
        isUp: issuers.get(link)?.isReady === true,
      })),
      faults: faultsOf(row)
        .slice(0, faultsShown)
        .map(({ code, line, sequence }) => ({ code, line: line ?? null, sequence: sequence ?? null })),
    };
  }

  const row = (id: string): Promise<FileRow | undefined> =>
    db
      .selectFrom('switch_validity_files')
      .selectAll()
      .where('id', '=', id)
      .where('state', '<>', 'arriving')
      .executeTakeFirst();

  return { row, view, detail };
}

/** Lines that were not taken. */
export const faultsOf = ({ faults }: Pick<FileRow, 'faults'>): readonly ValidityLineFault[] =>
  JSON.parse(faults) as ValidityLineFault[];

/** What a card's row says of it. */
export function verdictOf(text: string | null): ValidityVerdict {
  const verdict = validityVerdictNames.find((name) => name === text);
  if (verdict === undefined) throw new Error('a card without a verdict');
  return verdict;
}
