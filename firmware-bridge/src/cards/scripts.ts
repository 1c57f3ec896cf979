import type { CommandApdu } from '@tsunagu/protocols/apdu';
import { decipherScriptPin, openScriptCommand, type ScriptSession } from '@tsunagu/protocols/emv';
import { pinTryLimit } from './memory.ts';
import type { CardProgram } from './program.ts';
import { type CardState, recall, remember } from './state.ts';
import { sw } from './status.ts';
import { type CardStep, type Handler, refuse } from './step.ts';

/** What an issuer's command does, once its MAC is right. `data` is without the MAC. */
type Order = (
  program: CardProgram,
  state: CardState,
  command: CommandApdu,
  data: Uint8Array,
  session: ScriptSession,
) => CardStep;

const done = (state: CardState): CardStep => refuse(state, sw.done);

/**
 * A command that only the issuer can give: after the first cryptogram, under its MAC. Both ways it counts, and the results of the next
 * transaction tell. EMV 4.3 Book 2, 9; Book 3, 10.10.
 */
const byIssuer =
  (order: Order): Handler =>
  (program, state, command) => {
    const { script } = state;
    if (script === undefined) return refuse(state, sw.conditionsNotSatisfied);
    if (command.data.length < 4) return refuse(failed(state), sw.messagingMissing);
    const opened = openScriptCommand(script, command);
    if (!opened.ok) return refuse(failed(state), sw.messagingWrong);
    const counted = { ...state, script: opened.value.next };
    const step = order(program, counted, command, opened.value.data, script);
    if (step.answer.sw !== sw.done) return refuse(failed(counted), step.answer.sw);
    return { ...step, state: taken(step.state) };
  };

/** The count restarts with each transaction. */
const taken = (state: CardState): CardState =>
  remember(
    { ...state, scriptsTaken: state.scriptsTaken + 1 },
    {
      scriptCount: state.scriptsTaken === 0 ? 1 : recall(state).scriptCount + 1,
      isScriptFailed: state.scriptsTaken === 0 ? false : recall(state).isScriptFailed,
    },
  );
const failed = (state: CardState): CardState =>
  remember({ ...state, scriptsTaken: state.scriptsTaken + 1 }, { isScriptFailed: true });

const isBare = ({ p1, p2 }: CommandApdu, data: Uint8Array): boolean => p1 === 0 && p2 === 0 && data.length === 0;

/** APPLICATION BLOCK: from now on it only declines. EMV 4.3 Book 3, 6.5.1. */
const applicationBlock = byIssuer((_program, state, command, data) =>
  isBare(command, data) ? done(remember(state, { isBlocked: true })) : refuse(state, sw.wrongParameters),
);

/** APPLICATION UNBLOCK. EMV 4.3 Book 3, 6.5.2. */
const applicationUnblock = byIssuer((_program, state, command, data) =>
  isBare(command, data) ? done(remember(state, { isBlocked: false })) : refuse(state, sw.wrongParameters),
);

/** CARD BLOCK: no application can be selected again, ever. EMV 4.3 Book 3, 6.5.3. */
const cardBlock = byIssuer((_program, state, command, data) =>
  isBare(command, data)
    ? done({ ...state, memory: { ...state.memory, isBlocked: true } })
    : refuse(state, sw.wrongParameters),
);

/** PIN CHANGE/UNBLOCK: P2 00 gives all tries back, 02 brings a new PIN as well. EMV 4.3 Book 3, 6.5.10. */
const pinChange = byIssuer((program, state, { p1, p2 }, data, session) => {
  const { card } = program;
  if (p1 !== 0 || (p2 !== 0 && p2 !== 2)) return refuse(state, sw.wrongParameters);
  const pinTriesLeft = pinTryLimit(card);
  if (p2 === 0) return data.length === 0 ? done(remember(state, { pinTriesLeft })) : refuse(state, sw.wrongLength);
  const pin = decipherScriptPin(session, data);
  return pin.ok ? done(remember(state, { pinTriesLeft, pin: pin.value })) : refuse(state, sw.wrongData);
});

/** PUT DATA: the limits of consecutive offline transactions. ISO/IEC 7816-4; VIS 1.5 and M/Chip name others too. */
const putData = byIssuer((program, state, { p1, p2 }, data) => {
  const tag = (p1 << 8) | p2;
  if (program.card.risk === undefined || (tag !== 0x9f14 && tag !== 0x9f23)) return refuse(state, sw.dataNotFound);
  const [limit] = data;
  if (limit === undefined || data.length !== 1) return refuse(state, sw.wrongLength);
  return done(remember(state, tag === 0x9f14 ? { lowerLimit: limit } : { upperLimit: limit }));
});

/** Longest record: what a short answer holds. */
const recordBytesMax = 254;

/** UPDATE RECORD: one record of template 70 for another. ISO/IEC 7816-4, 11.4.4. */
const updateRecord = byIssuer(({ image }, state, { p1, p2 }, data) => {
  const sfi = p2 >> 3;
  if ((p2 & 7) !== 4 || p1 === 0) return refuse(state, sw.wrongParameters);
  if (!image.records.some((record) => record.sfi === sfi && record.record === p1))
    return refuse(state, sw.recordNotFound);
  if (data.length < 2 || data.length > recordBytesMax || data[0] !== 0x70) return refuse(state, sw.wrongData);
  const records = new Map(recall(state).records).set(`${sfi}.${p1}`, Uint8Array.from(data));
  return done(remember(state, { records }));
});

/** The issuer's commands of class 84, and those of class 04. EMV 4.3 Book 3, table 5. */
export const issuerCommands: Readonly<Record<number, Handler>> = {
  0x16: cardBlock,
  0x18: applicationUnblock,
  0x1e: applicationBlock,
  0x24: pinChange,
};
export const interindustryIssuerCommands: Readonly<Record<number, Handler>> = { 0xda: putData, 0xdc: updateRecord };
