import { balanceAccounts, type Hours, type OpenMessage, parseRemark } from '@tsunagu/protocols/acquiring';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { responseMti } from '@tsunagu/protocols/iso8583';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';

/** What an answer from the switch says, once it is known to belong to the request. */
export interface ReadAnswer {
  readonly actionCode: string;
  readonly rrn: string | undefined;
  readonly approvalCode: string | undefined;
  /** Issuer's objects in DE55. */
  readonly emv: Uint8Array;
  /** The element that the no is about (DE44); undefined when it names none. */
  readonly refusedElement: number | undefined;
  /** What is available, yen or points (DE54, amount type 02); undefined when the answer does not tell. */
  readonly balanceMinor: number | undefined;
  /** What it counts, where that is not yen. */
  readonly balanceUnit: 'points' | undefined;
  /** When whoever refused serves (DE44). */
  readonly serviceHours: Hours | undefined;
  /** What the till shows for the action code (DE44); undefined when the acquirer has no code of its own for it. */
  readonly tillCode: string | undefined;
}

/** After these nothing has left the terminal, and nothing ever will: what waits to be sent is put aside. */
export const neverLeaves = (code: ErrorCode | undefined): boolean =>
  code === 'REQUEST_UNWRITABLE' || code === 'CARD_BOX_BROKEN';

/** Elements that an answer repeats: processing code, amount, STAN, local time, terminal. */
const echoed = [3, 4, 11, 12, 41] as const;

/** Reads the answer to a request; ACQUIRER_ANSWER_UNUSABLE names the element that does not fit. */
export function readAnswer(request: OpenMessage, answer: OpenMessage): Result<ReadAnswer, 'ACQUIRER_ANSWER_UNUSABLE'> {
  if (answer.mti !== responseMti(request.mti)) return fail('ACQUIRER_ANSWER_UNUSABLE', { field: 0 });
  for (const element of echoed)
    if (answer.fields[element] !== request.fields[element]) return fail('ACQUIRER_ANSWER_UNUSABLE', { field: element });
  const actionCode = text(answer, 39);
  if (actionCode === undefined || !/^\d{3}$/.test(actionCode)) return fail('ACQUIRER_ANSWER_UNUSABLE', { field: 39 });
  const emv = answer.fields[55];
  const { element, hours, tillCode } = parseRemark(text(answer, 44) ?? '');
  return ok({
    actionCode,
    rrn: text(answer, 37),
    approvalCode: text(answer, 38),
    emv: emv instanceof Uint8Array ? Uint8Array.from(emv) : new Uint8Array(0),
    refusedElement: element,
    ...balanceOf(text(answer, 54) ?? ''),
    serviceHours: hours,
    tillCode,
  });
}

const text = ({ fields }: OpenMessage, element: number): string | undefined => {
  const value = fields[element];
  const trimmed = typeof value === 'string' ? value.trimEnd() : '';
  return trimmed === '' ? undefined : trimmed;
};

/** DE54: sets of 20 characters, account type n2, amount type n2, currency n3, sign, amount n12. ISO 8583:1993, 4.3.54. */
function balanceOf(amounts: string): Pick<ReadAnswer, 'balanceMinor' | 'balanceUnit'> {
  const [, account, sign, digits] = /^(?:.{20}){0,5}?(\d{2})02392([CD])(\d{12})/.exec(amounts) ?? [];
  if (digits === undefined) return { balanceMinor: undefined, balanceUnit: undefined };
  return {
    balanceMinor: sign === 'D' ? -Number(digits) : Number(digits),
    balanceUnit: account === balanceAccounts.points ? 'points' : undefined,
  };
}
