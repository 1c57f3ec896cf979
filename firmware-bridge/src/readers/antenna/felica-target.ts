import { decodeFelicaResponse } from '@tsunagu/protocols/felica';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { ReaderCode } from '../codes.ts';
import type { FelicaTarget } from '../port.ts';

/** The card that answered a poll, out of the frame that an antenna heard. */
export function felicaTargetOf(frame: Uint8Array): Result<FelicaTarget, ReaderCode> {
  const decoded = decodeFelicaResponse(frame);
  if (!decoded.ok || decoded.value.type !== 'polling')
    return fail('TRANSMISSION_BROKEN', { facts: { protocol: 'FeliCa', reason: 'poll' } });
  const { idm, pmm } = decoded.value;
  return ok({ idm: Uint8Array.from(idm), pmm: Uint8Array.from(pmm) });
}
