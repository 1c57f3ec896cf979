import type { CommandApdu } from '@tsunagu/protocols/apdu';
import { response } from '@tsunagu/protocols/apdu';
import type { ChipProgram } from './program.ts';
import { atRest, type CardState } from './state.ts';
import { sw } from './status.ts';
import { type CardStep, give, refuse } from './step.ts';

/** Shortest name that selects an application in part: its registered provider identifier. EMV 4.3 Book 1, 12.2.1. */
const nameBytesMin = 5;

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** SELECT by name, whole or its beginning; "next" goes on to the next application of that beginning. EMV 4.3 Book 1, 11.3 and 12.3.2. */
export function select(chip: ChipProgram, state: CardState, { p1, p2, data }: CommandApdu): CardStep {
  if (p1 !== 0x04 || (p2 !== 0x00 && p2 !== 0x02)) return refuse(state, sw.wrongParameters);
  const fresh = atRest(state.memory);
  if (state.memory.isBlocked) return refuse(fresh, sw.notSupported);
  const { directory, applications } = chip;
  if (p2 === 0x00 && directory !== undefined && isSame(data, directory.name))
    return give({ ...fresh, phase: 'directory' }, directory.fci);
  if (data.length < nameBytesMin) return refuse(fresh, sw.fileNotFound);
  const from = p2 === 0x02 && isSame(data, state.selectedName) ? state.selected + 1 : 0;
  // "Next" without a first one finds nothing.
  if (p2 === 0x02 && from === 0) return refuse(fresh, sw.fileNotFound);
  const found = applications.findIndex(
    ({ image }, index) => index >= from && isSame(data, image.aid.subarray(0, data.length)),
  );
  const application = applications[found];
  if (application === undefined) return refuse(fresh, sw.fileNotFound);
  const before = state.memory.applications[found] ?? fresh.before;
  const selectedName = Uint8Array.from(data);
  const next: CardState = { ...fresh, selected: found, selectedName, before, phase: 'selected' };
  // A blocked application still shows itself, so that its issuer can unblock it. Book 1, table 41; Book 3, 6.5.1.
  const status = before.isBlocked ? sw.invalidated : sw.done;
  return { state: next, answer: response(status, application.image.fci) };
}

/** READ RECORD of the directory. EMV 4.3 Book 1, 11.2. */
export function readDirectory({ directory }: ChipProgram, state: CardState, { p1, p2 }: CommandApdu): CardStep {
  if ((p2 & 7) !== 4 || p1 === 0) return refuse(state, sw.wrongParameters);
  const found = directory?.records.find(({ sfi, record }) => sfi === p2 >> 3 && record === p1);
  return found === undefined ? refuse(state, sw.recordNotFound) : give(state, found.bytes);
}
