import {
  type BeginCeremony,
  type Job,
  job,
  type KeyExposure,
  keyCeremonyView,
  type KeyCeremonyView,
  keyExposure,
  keyInventory,
  type KeyInventoryList,
  type KeyRecord,
  type KeyReleaseRecord,
  keyReleaseRecord,
  keyRecord,
  keyRunView,
  managementPaths,
  manifestCheck,
  type ManifestCheck,
  type KeyRunView,
  type NegativeKeyRotation,
  negativeKeyRotation,
  type AcquirerSet,
  acquirerSet,
} from '@tsunagu/protocols/fleet';
import { ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import type { Calls } from './access-calls.ts';

/** Keys in custody, as the CLI uses them. */
export interface KeyClient {
  keys(): Promise<Result<KeyInventoryList>>;
  /** All that hangs on a key, page after page. */
  keyExposure(key: string): Promise<Result<KeyExposure>>;
  rotateKey(key: string): Promise<Result<KeyInventoryList>>;
  suspectKey(key: string, reason: string): Promise<Result<KeyExposure>>;
  /** How far the rotation of the key of negative lists is. */
  negativeKeyRotation(): Promise<Result<NegativeKeyRotation>>;
  /** Puts every list under the key that was spread. */
  switchNegativeKey(key: string, leaveBehind: boolean): Promise<Result<NegativeKeyRotation>>;
  /** Asks that the rotation to a key be broken off; a second person approves it. */
  breakOffRotation(key: string, reason: string): Promise<Result<NegativeKeyRotation>>;
  retireKey(key: string): Promise<Result<KeyInventoryList>>;
  /** Rotates a terminal's key-block protection key; the answer is the job that begins it. */
  renewProtectionKey(serial: string): Promise<Result<Job>>;
  /** What a terminal swore to when it was unbound or rebound, newest first. */
  keyReleases(serial: string): Promise<Result<readonly KeyReleaseRecord[]>>;
  acquirers(serial: string): Promise<Result<AcquirerSet>>;
  /** Sets them over the version that was read. */
  setAcquirers(serial: string, base: number, acquirers: readonly string[]): Promise<Result<AcquirerSet>>;
  ceremonies(): Promise<Result<readonly KeyCeremonyView[]>>;
  beginCeremony(wanted: BeginCeremony): Promise<Result<KeyCeremonyView>>;
  ceremony(id: string): Promise<Result<KeyCeremonyView>>;
  enterComponent(id: string, component: string): Promise<Result<KeyCeremonyView>>;
  confirmCeremony(id: string, kcv: string): Promise<Result<KeyCeremonyView>>;
  abortCeremony(id: string, note: string): Promise<Result<KeyCeremonyView>>;
  ceremonyRecord(id: string): Promise<Result<KeyRecord>>;
  keyRuns(): Promise<Result<readonly KeyRunView[]>>;
  beginKeyRun(name: string, serials: readonly string[]): Promise<Result<KeyRunView>>;
  /** Which lines of a manifest a run would not take. */
  checkManifest(serials: readonly string[]): Promise<Result<ManifestCheck>>;
  keyRun(id: string): Promise<Result<KeyRunView>>;
  /** Does something to a run: `authorisation`, `close`. */
  keyRunStep(id: string, step: 'authorisation' | 'close'): Promise<Result<KeyRunView>>;
  submitDevice(id: string, serial: string): Promise<Result<KeyRunView>>;
  noteDevice(
    id: string,
    serial: string,
    what: 'rejection' | 'investigation',
    note: string,
  ): Promise<Result<KeyRunView>>;
  keyRunRecord(id: string): Promise<Result<KeyRecord>>;
  keyRunPdf(id: string, language: 'ja' | 'en'): Promise<Result<string>>;
}

const base = '/api/v1/keys';
const acquirersPath = (serial: string): string => `/api/v1/terminals/${encodeURIComponent(serial)}/acquirers`;

/** The calls of the key room. */
export function keyCalls({ call, all }: Calls): KeyClient {
  const items = async <S extends z.ZodType>(schema: S, path: string, body?: unknown) => {
    const answer = await call(z.object({ items: z.array(schema) }), path, body);
    return answer.ok ? ok(answer.value.items) : answer;
  };
  const entries = (path: string, body?: unknown): Promise<Result<KeyInventoryList>> => call(keyInventory, path, body);
  return {
    keys: () => entries(base),
    async keyExposure(key) {
      const path = `${base}/exposure?key=${encodeURIComponent(key)}&limit=500`;
      let whole = await call(keyExposure, path);
      while (whole.ok && whole.value.next !== null) {
        const more = await call(keyExposure, `${path}&cursor=${encodeURIComponent(whole.value.next)}`);
        if (!more.ok) return more;
        whole = ok({ ...more.value, terminals: [...whole.value.terminals, ...more.value.terminals] });
      }
      return whole;
    },
    rotateKey: (key) => entries(`${base}/rotations`, { key }),
    suspectKey: (key, reason) => call(keyExposure, `${base}/suspicions`, { key, reason }),
    negativeKeyRotation: () => call(negativeKeyRotation, `${base}/rotations/negative`),
    switchNegativeKey: (key, leaveBehind) =>
      call(negativeKeyRotation, `${base}/rotations/negative/switch`, { key, leaveBehind }),
    breakOffRotation: (key, reason) =>
      call(negativeKeyRotation, `${base}/rotations/negative/break-off`, { key, reason }),
    retireKey: (key) => entries(`${base}/retirements`, { key }),
    renewProtectionKey: (serial) => call(job, `/api/v1/terminals/${encodeURIComponent(serial)}/protection-key`, {}),
    keyReleases: (serial) => items(keyReleaseRecord, `/api/v1/terminals/${encodeURIComponent(serial)}/key-releases`),
    acquirers: (serial) => call(acquirerSet, acquirersPath(serial)),
    setAcquirers: (serial, base, acquirers) =>
      call(acquirerSet, acquirersPath(serial), { acquirers }, 'PUT', undefined, { 'if-match': `"${base}"` }),
    ceremonies: () => all(keyCeremonyView, `${base}/ceremonies`),
    beginCeremony: (wanted) => call(keyCeremonyView, `${base}/ceremonies`, wanted),
    ceremony: (id) => call(keyCeremonyView, `${base}/ceremonies/${id}`),
    enterComponent: (id, component) => call(keyCeremonyView, `${base}/ceremonies/${id}/components`, { component }),
    confirmCeremony: (id, kcv) => call(keyCeremonyView, `${base}/ceremonies/${id}/confirmation`, { kcv }),
    abortCeremony: (id, note) => call(keyCeremonyView, `${base}/ceremonies/${id}/abort`, { note }),
    ceremonyRecord: (id) => call(keyRecord, `${base}/ceremonies/${id}/record`),
    keyRuns: () => all(keyRunView, `${base}/runs`),
    beginKeyRun: (name, serials) => call(keyRunView, `${base}/runs`, { name, serials }),
    checkManifest: (serials) => call(manifestCheck, managementPaths.keyRunDryRuns, { serials }),
    keyRun: (id) => call(keyRunView, `${base}/runs/${id}`),
    keyRunStep: (id, step) => call(keyRunView, `${base}/runs/${id}/${step}`, {}),
    submitDevice: (id, serial) => call(keyRunView, `${base}/runs/${id}/devices`, { serial }),
    noteDevice: (id, serial, what, note) =>
      call(keyRunView, `${base}/runs/${id}/devices/${encodeURIComponent(serial)}/${what}`, { note }),
    keyRunRecord: (id) => call(keyRecord, `${base}/runs/${id}/record`),
    async keyRunPdf(id, language) {
      const answer = await call(z.object({ pdf: z.base64() }), `${base}/runs/${id}/report?lang=${language}`);
      return answer.ok ? ok(answer.value.pdf) : answer;
    },
  };
}
