import { type Message, responseMti, revealText } from '@tsunagu/protocols/iso8583';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';

/** What an answer from the switch says, once it is known to belong to the request. */
export interface ReadAnswer {
  readonly actionCode: string;
  readonly rrn: string | undefined;
  readonly approvalCode: string | undefined;
  /** Issuer's objects in DE55. */
  readonly emv: Uint8Array;
}

/** Elements that an answer repeats: processing code, amount, STAN, local time, terminal. */
const echoed = [3, 4, 11, 12, 41] as const;

/** Reads the answer to a request; ACQUIRER_ANSWER_UNUSABLE names the element that does not fit. */
export function readAnswer(request: Message, answer: Message): Result<ReadAnswer, 'ACQUIRER_ANSWER_UNUSABLE'> {
  if (answer.mti !== responseMti(request.mti)) return fail('ACQUIRER_ANSWER_UNUSABLE', { field: 0 });
  for (const element of echoed)
    if (revealText(answer.fields[element]) !== revealText(request.fields[element]))
      return fail('ACQUIRER_ANSWER_UNUSABLE', { field: element });
  const actionCode = text(answer, 39);
  if (actionCode === undefined || !/^\d{3}$/.test(actionCode)) return fail('ACQUIRER_ANSWER_UNUSABLE', { field: 39 });
  const emv = answer.fields[55];
  return ok({
    actionCode,
    rrn: text(answer, 37),
    approvalCode: text(answer, 38),
    emv: emv instanceof Uint8Array ? Uint8Array.from(emv) : new Uint8Array(0),
  });
}

const text = ({ fields }: Message, element: number): string | undefined => {
  const value = fields[element];
  const trimmed = typeof value === 'string' ? value.trimEnd() : '';
  return trimmed === '' ? undefined : trimmed;
};
