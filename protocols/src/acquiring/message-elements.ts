import { fail, ok, type Result } from '../kit/index.ts';
import { type EntryMode, entryModeOf } from './point-of-service.ts';

/** What a message carries: elements it must have, elements it may have, and those that an entry mode asks for. */
export interface MessageElements {
  readonly title: { readonly en: string; readonly ja: string };
  readonly mandatory: readonly number[];
  readonly optional: readonly number[];
  readonly byEntry?: Readonly<Record<EntryMode, readonly number[]>>;
}

const sale: MessageElements = {
  title: { en: 'Sale', ja: '売上' },
  // PAN, processing code, amount, UTC time, STAN, local time, DE22, function, terminal, merchant, currency.
  mandatory: [2, 3, 4, 7, 11, 12, 22, 24, 41, 42, 49],
  // A PIN for the issuer: DE52. A refund names its sale: DE30, DE38, DE56.
  // How the cardholder pays, and in which currency: DE48; DE6, DE10 and DE51, by the offer in DE62.
  // A signature beside a PIN: DE63.
  optional: [6, 10, 14, 23, 26, 30, 35, 38, 48, 51, 52, 55, 56, 62, 63],
  byEntry: { stripe: [35], contact: [55], contactless: [55], stored: [56] },
};

const authorisation: MessageElements = {
  title: { en: 'Authorisation or balance', ja: 'オーソリ・残高照会' },
  mandatory: sale.mandatory,
  // What the card of a transit dialogue did names what it was asked: DE30, DE56.
  optional: [6, 10, 14, 23, 26, 30, 35, 48, 51, 52, 55, 56, 62, 63],
  byEntry: { stripe: [35], contact: [55], contactless: [55], stored: [] },
};

const authorisationAdvice: MessageElements = {
  title: { en: 'Authorisation advice', ja: 'オーソリ通知' },
  // What was decided already, and why (DE25); the approval code of whoever gave it (DE38).
  mandatory: [...sale.mandatory, 25],
  optional: [14, 23, 26, 38, 55, 63],
  byEntry: { stripe: [38], contact: [55], contactless: [55], stored: [38] },
};

/** What an amount is in the currency of a card (`conversion.ts`); its repeat carries the same. No PIN, track or cryptogram goes with it. */
const rateLookUp: MessageElements = {
  title: { en: 'Rate look-up', ja: '換算レート照会' },
  mandatory: sale.mandatory,
  optional: [14, 23, 51],
};

const posting: MessageElements = {
  title: { en: 'Posting advice', ja: '売上通知' },
  // What was decided already: an offline sale brings DE55, a completion DE38 and DE56, and DE6, DE10 and DE51 of what was converted.
  mandatory: [...sale.mandatory, 25],
  optional: [6, 10, 14, 23, 26, 30, 38, 51, 55, 56, 63],
  byEntry: { stripe: [56], contact: [55], contactless: [55], stored: [56] },
};

const reversal: MessageElements = {
  title: { en: 'Reversal advice', ja: '取消(リバーサル)' },
  // As the original, with function 400, a reason (DE25), the original amount (DE30) and the original's keys (DE56).
  // Of what was converted DE6, DE10 and DE51 as well.
  mandatory: [2, 3, 4, 7, 11, 12, 22, 24, 25, 30, 41, 42, 49, 56],
  optional: [6, 10, 14, 23, 26, 37, 38, 51, 55],
};

const saleAnswer: MessageElements = {
  title: { en: 'Answer to a sale', ja: '売上応答' },
  mandatory: [3, 4, 7, 11, 12, 39, 41, 42, 49],
  // RRN; approval code when approved; issuer's EMV data (tags 91, 71, 72); the failing element as text after 904; balances (DE54).
  // What took the place of a card that is checked (DE2, DE14); a rate of conversion (DE6, DE10, DE51).
  optional: [2, 6, 10, 14, 37, 38, 44, 51, 54, 55],
};

const authorisationAnswer: MessageElements = {
  title: { en: 'Answer to an authorisation or balance', ja: 'オーソリ・残高照会応答' },
  mandatory: saleAnswer.mandatory,
  optional: saleAnswer.optional,
};

/** W3: a 1100 and a 1110 of processing code 39 in place of those of `terminalMessages`. */
export const rateMessages = {
  '1100': rateLookUp,
  '1101': rateLookUp,
  '1110': {
    title: { en: 'Answer to a rate look-up', ja: '換算レート照会応答' },
    mandatory: saleAnswer.mandatory,
    // The offer; nothing of it where there is none.
    optional: [6, 10, 44, 51, 62],
  },
} as const satisfies Record<string, MessageElements>;

/** W3: messages between terminal and switch. A repeat (1201, 1421) carries what its first sending carried. */
export const terminalMessages = {
  '1100': authorisation,
  '1101': { ...authorisation, title: { en: 'Authorisation or balance, repeat', ja: 'オーソリ・残高照会(再送)' } },
  '1110': authorisationAnswer,
  '1120': authorisationAdvice,
  '1121': { ...authorisationAdvice, title: { en: 'Authorisation advice, repeat', ja: 'オーソリ通知(再送)' } },
  '1130': { ...saleAnswer, title: { en: 'Answer to an authorisation advice', ja: 'オーソリ通知応答' } },
  '1200': sale,
  '1201': { ...sale, title: { en: 'Sale, repeat', ja: '売上(再送)' } },
  '1210': saleAnswer,
  '1220': posting,
  '1221': { ...posting, title: { en: 'Posting advice, repeat', ja: '売上通知(再送)' } },
  '1230': { ...saleAnswer, title: { en: 'Answer to a posting advice', ja: '売上通知応答' } },
  '1420': reversal,
  '1421': { ...reversal, title: { en: 'Reversal advice, repeat', ja: '取消(再送)' } },
  '1430': { ...saleAnswer, title: { en: 'Answer to a reversal', ja: '取消応答' } },
} as const satisfies Record<string, MessageElements>;

const more = (elements: MessageElements, mandatory: readonly number[], optional: readonly number[] = []) => ({
  ...elements,
  mandatory: [...elements.mandatory, ...mandatory],
  optional: [...elements.optional.filter((number) => !mandatory.includes(number)), ...optional],
});

const management: MessageElements = {
  title: { en: 'Network management', ja: '回線制御' },
  mandatory: [7, 11, 12, 24, 93, 94],
  // Key exchange (811): the key block in DE96; DE53 numbers the key set.
  optional: [53, 64, 96, 128],
};

const managementAnswer: MessageElements = {
  title: { en: 'Answer to network management', ja: '回線制御応答' },
  mandatory: [7, 11, 12, 39, 93, 94],
  optional: [24, 64, 128],
};

/** W4: messages between switch and card company. DE32 and DE37 are the switch's; the MAC stands in DE64. */
export const issuerMessages = {
  '1100': more(authorisation, [32, 37], [64]),
  '1101': more(authorisation, [32, 37], [64]),
  '1110': more(authorisationAnswer, [32, 37], [64]),
  // Who decided in the issuer's place: DE39, DE58.
  // What was converted stays so where it was approved in the issuer's place: DE6, DE10, DE51.
  '1120': more(authorisationAdvice, [32, 37], [6, 10, 39, 51, 58, 64]),
  '1121': more(authorisationAdvice, [32, 37], [6, 10, 39, 51, 58, 64]),
  '1130': more(saleAnswer, [32, 37], [64]),
  '1200': more(sale, [32, 37], [64]),
  '1201': more(sale, [32, 37], [64]),
  '1210': more(saleAnswer, [32, 37], [64]),
  '1220': more(posting, [32, 37], [64]),
  '1221': more(posting, [32, 37], [64]),
  '1230': more(saleAnswer, [32, 37], [64]),
  '1420': more(reversal, [32, 37], [64]),
  '1421': more(reversal, [32, 37], [64]),
  '1430': more(saleAnswer, [32, 37], [64]),
  '1804': management,
  '1805': management,
  '1814': managementAnswer,
} as const satisfies Record<string, MessageElements>;

/** Function codes (DE24) of this house. ISO 8583:1993, A.9. */
export const functions = {
  fullReversal: '400',
  signOn: '801',
  signOff: '802',
  keyExchange: '811',
  echo: '831',
  reconciliation: '500',
  /** Totals so far; the day goes on. */
  checkpoint: '501',
  /** The items of a business day, page by page: private to this house (A.9 leaves 690 to 699 of class 6 to private use). */
  items: '690',
} as const;

/**
 * Whether a message carries what its table says, no more and no less. ACQUIRING_MESSAGE_REFUSED names the element.
 *
 * @param present the numbers of the elements it has
 * @param pointOfServiceCode its DE22, where it has one
 */
export function checkElements(
  table: MessageElements,
  present: ReadonlySet<number>,
  pointOfServiceCode?: string,
): Result<true, 'ACQUIRING_MESSAGE_REFUSED'> {
  for (const number of table.mandatory)
    if (!present.has(number))
      return fail('ACQUIRING_MESSAGE_REFUSED', { field: number, facts: { expected: 'present' } });
  const allowed = new Set([...table.mandatory, ...table.optional]);
  for (const number of present)
    if (!allowed.has(number) && number !== 1)
      return fail('ACQUIRING_MESSAGE_REFUSED', { field: number, facts: { expected: 'absent' } });
  if (table.byEntry === undefined) return ok(true);
  const entry = pointOfServiceCode === undefined ? undefined : entryModeOf(pointOfServiceCode);
  if (entry === undefined) return fail('ACQUIRING_MESSAGE_REFUSED', { field: 22, facts: { expected: 'entry mode' } });
  for (const number of table.byEntry[entry])
    if (!present.has(number))
      return fail('ACQUIRING_MESSAGE_REFUSED', { field: number, facts: { expected: 'present', entry } });
  return ok(true);
}
