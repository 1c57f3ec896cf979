import { answerTo, negativeFileName } from '@tsunagu/protocols/acquiring';
import type { DecodedMessage, Message } from '@tsunagu/protocols/iso8583';
import type { Secret } from '@tsunagu/protocols/kit';
import { type NegativeReason, negativeReasons } from '@tsunagu/protocols/negative';
import type { SwitchNegative } from '../ports.ts';

/** DE39 of a file action. ISO 8583:1993, A.1. */
const actionCodes = {
  done: '300',
  notSupported: '301',
  notFound: '302',
  fieldError: '304',
  notSuccessful: '306',
  formatError: '307',
  duplicate: '308',
  unknownFile: '309',
} as const;

/** DE72 of an answer: the company's record is gone, and terminals refuse the card still, by another source or until somebody signs. */
const stillRefused = 'STILL REFUSED';

/** Elements that an answer repeats. */
const echoElements = [7, 11, 12, 24, 32, 93, 94, 101];

/** Whether a message asks for a change of a file: 1304, or 1305 again. */
export const isFileAction = (mti: string): boolean => mti === '1304' || mti === '1305';

/**
 * Does what a card company asks of the list of refused cards (1304 by DE24: add 301, delete 303, inquire 305), as a source of its own, and
 * answers when it is on disk. DE2 is the card, DE101 the file, DE72 the reason of `negativeReasons`. A delete is
 * done (300) when the company's own record is gone; DE72 of the answer says `STILL REFUSED` where terminals refuse the card all the same. A repeat (1305) finds itself done and is
 * answered as its first sending was. ISO 8583:1993, 4.2 and A.9.
 */
export async function takeFileAction(
  negative: SwitchNegative,
  source: string,
  message: DecodedMessage,
): Promise<Message> {
  const answer = (code: string, record?: string): Message =>
    answerTo(message, '1314', echoElements, { 39: code, ...(record !== undefined && { 72: record }) });
  if (message.text(101)?.trim() !== negativeFileName) return answer(actionCodes.unknownFile);
  const pan = message.secret(2);
  if (!isPan(pan)) return answer(actionCodes.fieldError);
  // A company that has a list of its own name fills that one.
  const list = negative.of(source) ?? negative;
  const by = { subject: `link/${source}` };
  const isRepeat = message.mti === '1305';
  switch (message.text(24)) {
    case '301': {
      const reason = reasonOf(message.text(72));
      if (reason === undefined) return answer(actionCodes.formatError);
      const added = await list.add(pan, reason, by, source);
      if (!added.ok)
        return answer(added.fault.code === 'PAN_INVALID' ? actionCodes.fieldError : actionCodes.notSuccessful);
      return answer(added.value.already && !isRepeat ? actionCodes.duplicate : actionCodes.done);
    }
    case '303': {
      const removed = await list.remove(pan, source, by);
      if (!removed.ok && !isRepeat) return answer(actionCodes.notFound);
      // The company's record is gone, which is what 300 says. Whether cards are still refused is another matter, and said beside it.
      const { atTerminals } = await list.explain(pan);
      return answer(actionCodes.done, atTerminals === 'clear' ? undefined : stillRefused);
    }
    case '305': {
      const { entries } = await list.explain(pan);
      const isThere = entries.some((entry) => entry.source === source);
      return answer(isThere ? actionCodes.done : actionCodes.notFound);
    }
    default:
      return answer(actionCodes.notSupported);
  }
}

const reasonOf = (record: string | undefined): NegativeReason | undefined => {
  const wanted = record?.trim().toLowerCase() ?? '';
  return wanted === '' ? 'other' : negativeReasons.find((known) => known === wanted);
};

const isPan = (secret: Secret | undefined): secret is Secret<'pan'> => secret?.kind === 'pan';
