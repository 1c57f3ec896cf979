import { counted } from '@tsunagu/protocols/kit';
/** Texts about validity checks in English; `validity-ja.ts` has the same keys. */
export const validityEn = {
  columns: {
    id: 'ID',
    at: 'AT',
    link: 'LINK',
    file: 'FILE',
    state: 'STATE',
    records: 'CARDS',
    waiting: 'WAITING',
    refused: 'REFUSED',
  },
  state: { asking: 'asking', done: 'done' },
  none: 'No file of validity checks was handed in.',
  sealed: (cards: number, path: string) => `${path}: ${counted(cards, 'card')}, sealed for its link.`,
  taken: (id: string, records: number, refused: number) =>
    `File ${id}: ${counted(records, 'card')} taken, ${counted(refused, 'line')} not taken.`,
  waitingFor: (link: string, cards: number, isUp: boolean) =>
    `  ${counted(cards, 'waits', 'wait')} for ${link === '' ? 'a route' : link}${isUp ? '' : ' (down)'}`,
  fault: (line: number | null, sequence: number | null, says: string) =>
    `  ${line === null ? '' : `line ${line} `}${sequence === null ? '' : `record ${sequence} `}${says}`,
  fetched: (path: string, records: number) =>
    `${path}: answers to ${counted(records, 'card')}, sealed for their sender.`,
  opened: (path: string) => `${path}: with the new card numbers in the clear; only you can read it.`,
  answerColumns: { reference: 'REFERENCE', verdict: 'VERDICT', code: 'DE39', expiry: 'EXPIRY', card: 'NEW CARD' },
};
