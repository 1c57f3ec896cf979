import type { TerminalSummary } from '@tsunagu/protocols/fleet';

/** What was scrapped lacks nothing. */
const isKept = ({ lifecycle }: TerminalSummary): boolean => lifecycle !== 'scrap';
const isSeen = (terminal: TerminalSummary): boolean => isKept(terminal) && terminal.link.state !== 'never';

/** What a tile shows when it is chosen. */
export const filters = {
  all: () => true,
  ready: ({ link }) => link.state === 'ready',
  lost: (terminal) => isKept(terminal) && (terminal.link.state === 'lost' || terminal.link.state === 'disconnected'),
  never: (terminal) => isKept(terminal) && terminal.link.state === 'never',
  drift: (terminal) => isSeen(terminal) && !terminal.configuration.inSync,
  keyless: (terminal) => isSeen(terminal) && terminal.keys.length < 2,
  behind: (terminal) => isSeen(terminal) && !terminal.negative.current,
} as const satisfies Record<string, (terminal: TerminalSummary) => boolean>;
export type Filter = keyof typeof filters;

const order = { ready: 3, disconnected: 1, lost: 0, never: 2 } as const;

/** What a column sorts by. */
export const sorters = {
  terminal: ({ serial }) => serial,
  place: ({ place }) => `${place.merchant} ${place.shop} ${place.lane}`,
  link: ({ link }) => order[link.state],
  keys: ({ keys }) => keys.length,
  configuration: ({ configuration }) => (configuration.inSync ? 1 : 0),
  negative: ({ negative }) => negative.freshAt ?? '',
  lastSale: ({ lastSale }) => lastSale?.at ?? '',
} as const satisfies Record<string, (terminal: TerminalSummary) => string | number>;
export type Column = keyof typeof sorters;
export const columns: readonly Column[] = [
  'terminal',
  'place',
  'link',
  'keys',
  'configuration',
  'negative',
  'lastSale',
];

/** The list's state as it stands in the address. */
export interface View {
  readonly show: Filter;
  readonly find: string;
  readonly sort: Column;
  readonly isDown: boolean;
  readonly page: number;
}

const isFilter = (text: string | undefined): text is Filter => text !== undefined && Object.hasOwn(filters, text);
const isColumn = (text: string | undefined): text is Column => text !== undefined && Object.hasOwn(sorters, text);

export function readView(query: Readonly<Record<string, string | undefined>>): View {
  const sort = query['sort']?.replace(/^-/, '');
  return {
    show: isFilter(query['show']) ? query['show'] : 'all',
    find: query['find'] ?? '',
    sort: isColumn(sort) ? sort : 'terminal',
    isDown: query['sort']?.startsWith('-') ?? false,
    page: Math.max(1, Math.trunc(Number(query['page'] ?? 1)) || 1),
  };
}

/** The address of a view; what is as usual is left out. */
export function addressOf(view: View): string {
  const query = new URLSearchParams();
  if (view.show !== 'all') query.set('show', view.show);
  if (view.find !== '') query.set('find', view.find);
  if (view.sort !== 'terminal' || view.isDown) query.set('sort', `${view.isDown ? '-' : ''}${view.sort}`);
  if (view.page > 1) query.set('page', String(view.page));
  const text = query.toString();
  return text === '' ? '/' : `/?${text}`;
}

/** The terminals that a view shows, in its order. */
export function arrange(all: Iterable<TerminalSummary>, view: View): TerminalSummary[] {
  const isShown: (terminal: TerminalSummary) => boolean = filters[view.show];
  const keyOf: (terminal: TerminalSummary) => string | number = sorters[view.sort];
  const words = view.find.toLowerCase().normalize('NFKC').split(/\s+/).filter(Boolean);
  const found = [...all].filter((terminal) => {
    if (!isShown(terminal)) return false;
    if (words.length === 0) return true;
    const { serial, model, place } = terminal;
    const text = `${serial} ${model} ${place.merchant} ${place.shop}`.toLowerCase().normalize('NFKC');
    return words.every((word) => text.includes(word));
  });
  const sign = view.isDown ? -1 : 1;
  return found.sort((a, b) => {
    const [left, right] = [keyOf(a), keyOf(b)];
    if (left === right) return a.serial < b.serial ? -1 : 1;
    return left < right ? -sign : sign;
  });
}
