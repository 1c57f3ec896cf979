import type { CommandApdu } from '@tsunagu/protocols/apdu';
import { computeChecksum } from './stripe-mode.ts';
import { exchangeRelayResistanceData, getChallenge, internalAuthenticate } from './authentication.ts';
import { generateAc } from './generate-ac.ts';
import { externalAuthenticate } from './issuer.ts';
import { verify } from './pin.ts';
import { getProcessingOptions } from './processing.ts';
import type { ChipProgram } from './program.ts';
import { getData, readRecord } from './reading.ts';
import { interindustryIssuerCommands, issuerCommands } from './scripts.ts';
import { readDirectory, select } from './selection.ts';
import type { CardState } from './state.ts';
import { sw } from './status.ts';
import { type CardStep, type Handler, refuse } from './step.ts';

/** Instructions by class: what the selected application knows. ISO/IEC 7816-4; EMV 4.3 Book 3, table 5. */
const instructions: Readonly<Record<number, Readonly<Record<number, Handler>>>> = {
  0x00: {
    0x20: verify,
    0x82: externalAuthenticate,
    0x84: getChallenge,
    0x88: internalAuthenticate,
    0xb2: readRecord,
  },
  0x80: {
    0x2a: computeChecksum,
    0xa8: getProcessingOptions,
    0xae: generateAc,
    0xca: getData,
    0xea: exchangeRelayResistanceData,
  },
  0x84: issuerCommands,
  0x04: interindustryIssuerCommands,
};

/** What an emulated card does with a command: a function of what it was made with, its state, and the command. */
export function obey(chip: ChipProgram, state: CardState, command: CommandApdu): CardStep {
  const { cla, ins } = command;
  if (cla === 0x00 && ins === 0xa4) return select(chip, state, command);
  const known = instructions[cla];
  if (known === undefined) return refuse(state, sw.classUnknown);
  const handler = known[ins];
  if (handler === undefined) return refuse(state, sw.instructionUnknown);
  // Unpredictable numbers are good for the very next command.
  const { challenge, ...rest } = state;
  const isChallenged = challenge !== undefined && cla === 0x00 && ins === 0x20;
  const asked: CardState = isChallenged ? { ...rest, challenge } : rest;
  if (state.phase === 'directory' && cla === 0x00 && ins === 0xb2) return readDirectory(chip, asked, command);
  const program = chip.applications[state.selected];
  if (program === undefined || state.memory.isBlocked) return refuse(asked, sw.conditionsNotSatisfied);
  const step = handler(program, asked, command);
  // A challenge that VERIFY has seen is used up.
  if (!isChallenged) return step;
  const { challenge: _used, ...unchallenged } = step.state;
  return { ...step, state: unchallenged };
}
