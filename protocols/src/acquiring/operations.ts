/**
 * What a terminal may ask of the switch, and how a message says so: class and function in the MTI, transaction type in the
 * first two digits of DE3 (ISO 8583:1993, A.7: 00 goods and services, 20 returns, 21 deposits, 31 balance inquiry; 28, 38 and 39 are ours), kind of request in
 * DE24 (A.9, which leaves 191 to 199 to private use). A reversal is not in the table: it repeats the processing code of what it takes back.
 */
export const operations = {
  sale: { mti: '1200', processingCode: '000000', functions: ['200'] },
  /** Goods come back. It names the sale in DE56. */
  refund: { mti: '1200', processingCode: '200000', functions: ['200'] },
  /** An amount is held. Nothing is posted. */
  authorisation: { mti: '1100', processingCode: '000000', functions: ['100'] },
  /** What an account has left: DE4 is zeros, the answer stands in DE54. */
  balance: { mti: '1100', processingCode: '310000', functions: ['108'] },
  /** Posts a sale that was authorised before, for the same amount (201) or another (202). It names the authorisation in DE38 and DE56. */
  completion: { mti: '1220', processingCode: '000000', functions: ['201', '202'] },
  /** Posts a sale that terminal and card approved by themselves. DE55 holds the transaction certificate. */
  offlineSale: { mti: '1220', processingCode: '000000', functions: ['200'] },
  /** An amount that was held before the issuer heard of it: offline, by voice, or in its place. It names the approval in DE38, and posts nothing. */
  offlineAuthorisation: { mti: '1120', processingCode: '000000', functions: ['100'] },
  /** Money goes onto a prepaid card. A debit of one is a sale. */
  charge: { mti: '1200', processingCode: '210000', functions: ['200'] },
  /** A gift or points card is issued at the till, with this amount on it. */
  issue: { mti: '1200', processingCode: '280000', functions: ['200'] },
  /** Whether a card may be billed: DE4 is zeros; the number and the expiry that took its place stand in DE2 and DE14 of the answer. */
  validity: { mti: '1100', processingCode: '380000', functions: ['108'] },
  /** What an amount is in the currency of a card (`conversion.ts`). The switch answers itself. */
  rate: { mti: '1100', processingCode: '390000', functions: ['108'] },
  /** What the centre of a transit card and the card say to each other through the terminal, in DE55: the session is opened. */
  transitOpen: { mti: '1100', processingCode: '310000', functions: ['191'] },
  /** What a transit card and its centre still have to settle is settled. */
  transitSettle: { mti: '1100', processingCode: '310000', functions: ['192'] },
  /** What the card did with an order. It names the request that the order was the answer to in DE56. */
  transitConfirm: { mti: '1100', processingCode: '310000', functions: ['193'] },
} as const satisfies Record<string, { mti: string; processingCode: string; functions: readonly string[] }>;

/** The name of an operation. */
export type Operation = keyof typeof operations;

/** All operations. */
export const operationNames = [
  'sale',
  'refund',
  'authorisation',
  'balance',
  'completion',
  'offlineSale',
  'offlineAuthorisation',
  'charge',
  'issue',
  'validity',
  'rate',
  'transitOpen',
  'transitSettle',
  'transitConfirm',
] as const satisfies readonly Operation[];

/** The operation that a message asks for; undefined when there is none like it. `mti` is that of a first sending. */
export const operationOf = (
  mti: string,
  processingCode: string | undefined,
  functionCode: string | undefined,
): Operation | undefined => named.get(`${mti}/${processingCode}/${functionCode}`);

const named: ReadonlyMap<string, Operation> = new Map(
  operationNames.flatMap((name) => {
    const { mti, processingCode, functions } = operations[name];
    return functions.map((code) => [`${mti}/${processingCode}/${code}`, name] as const);
  }),
);

/** Whether a message asks for a rate of conversion, by its DE3: its elements are others than those of its class. */
export const isRateLookUp = (processingCode: string | undefined): boolean =>
  processingCode === operations.rate.processingCode;

/** Operations that only ask: nothing moves, and DE4 is zeros unless a rate is asked for. */
export const isInquiry = (operation: Operation): boolean => operations[operation].processingCode.startsWith('3');

/**
 * Which way an operation moves money of its account, by the transaction type of its DE3 (ISO 8583:1993, A.7): types 20 to 29 are credits, so that what goes onto a
 * prepaid card is one, and whoever took cash for it owes it. Undefined: nothing moves, it asks or holds.
 */
export const directionOf = (operation: Operation): 'debit' | 'credit' | undefined => {
  const { mti, processingCode } = operations[operation];
  if (mti[1] !== '2') return undefined;
  return processingCode.startsWith('2') ? 'credit' : 'debit';
};

/** Parts of a dialogue between a transit card and its centre: no transactions of their own, and nothing that a list of sales shows. */
export const transitDialogue = [
  'transitOpen',
  'transitSettle',
  'transitConfirm',
] as const satisfies readonly Operation[];

/** Whether an operation is in `transitDialogue`. */
export const isTransitDialogue = (operation: Operation): boolean => transitDialogue.some((part) => part === operation);

/** Operations whose answer decides nothing: an advice (1120, 1220) only tells what was decided already, and has to be taken. */
export const isAdvice = (operation: Operation): boolean => /^1[12]20$/.test(operations[operation].mti);

/**
 * Why something was decided at the terminal, or by the switch in the issuer's place (DE25 of a 1120 or 1220). ISO 8583:1993, A.6 keeps 1000 to 1499 for it; networks differ in
 * the figures, so a link may have its own.
 */
export const adviceReasons = { issuerUnavailable: '1003', terminalProcessed: '1004', underFloorLimit: '1006' } as const;
