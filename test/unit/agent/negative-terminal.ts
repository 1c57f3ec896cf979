import { identify, readClaim } from '@tsunagu/firmware-bridge/enrolment/index';
import { directNetwork, secureNetwork } from '@tsunagu/firmware-bridge/link/index';
import { type LineToServer, type NamedSource, openNegativeFile } from '@tsunagu/firmware-bridge/negative/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import type { TagSlot } from '@tsunagu/protocols/fleet';
import { checkValue } from '@tsunagu/protocols/kcv';
import { Secret, secretPan, toHex, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { MemoryFiles } from './memory-files.ts';
import { listAuthority, type ListOf } from './negative-authority.ts';
import { TinyServer, until } from './tiny-server.ts';

/** What the terminal logged since the test began. */
export const lines: string[] = [];
const real = systemWorld((level, event, facts) => lines.push(JSON.stringify([level, event, facts])));
/** What waits for a moment that no test waits for. */
const waiting = new Set<{ readonly delayMs: number; readonly work: () => void }>();
/** Long delays end when a test says so. */
export const timers = {
  pending: (delayMs: number): number => [...waiting].filter((each) => each.delayMs === delayMs).length,
  expire(delayMs: number): void {
    for (const each of waiting) {
      if (each.delayMs !== delayMs) continue;
      waiting.delete(each);
      each.work();
    }
  },
};
export const world: typeof real = {
  ...real,
  timers: {
    ...real.timers,
    after(delayMs, work) {
      const entry = { delayMs, work };
      waiting.add(entry);
      const timer = real.timers.after(delayMs, () => {
        waiting.delete(entry);
        work();
      });
      return {
        cancel() {
          waiting.delete(entry);
          timer.cancel();
        },
      };
    },
  },
};
const tagKey = (slot: TagSlot, fill: number) => {
  const key = Secret.copy('key', new Uint8Array(16).fill(fill));
  return { slot, key, kcv: toHex(unwrap(checkValue('AES', 'cmac', key))) };
};
/** The key of the lists, and the one that takes over from it. */
export const first = tagKey('negative', 5);
export const second = tagKey('negative/2', 6);
const { key } = first;
let held: readonly (typeof first)[] = [first];
/** What is in the slots of all terminals that are open, from now on. */
export const hold = (...keys: readonly (typeof first)[]): void => {
  held = keys;
};
export const good = secretPan('4761739001010010');
export const bad = secretPan('4761739001010127');
export const worse = secretPan('5413330089020011');
export let server: TinyServer;
let enrolled: MemoryFiles;
export let lists: ReturnType<typeof listAuthority>;
let kept = false;
/** What a terminal that is opened knows of its line. Without one, what it has on its medium is all that it has. */
export const noLine = { isUp: false, wasTried: true };
let line: LineToServer = noLine;
export const setLine = (told: LineToServer): void => {
  line = told;
};
export const logged = (code: string) => lines.some((line) => line.includes(code));

/** For all tests of a file: a server, and one terminal that it enrols. */
export function oneTerminal(): void {
  beforeAll(async () => {
    server = await new TinyServer().start();
    lists = listAuthority(server, key);
    enrolled = new MemoryFiles(new Map([['claim.json', Buffer.from(JSON.stringify(server.claim()))]]));
    kept = false;
  });
  beforeEach(() => {
    lines.length = 0;
    line = noLine;
    held = [first];
    server.artefactRequests.length = 0;
    server.onArtefact = undefined;
  });
  afterAll(() => server.stop());
}

/** Opens the negative file of the one enrolled terminal, over real TLS. */
export async function open(
  files: MemoryFiles = enrolled.afterPowerLoss(true),
  bytesMax = 1_048_576,
  withKey = true,
  parent?: NamedSource,
) {
  const store = unwrap(await openSealedStore(files, world));
  const claim = unwrap(await readClaim(files));
  const stop = new AbortController();
  const bare = directNetwork(claim.endpoints, world.timers);
  const identity = unwrap(await identify({ world, store, claim, network: bare, signal: stop.signal }));
  // All tests are one enrolled terminal, each with a list of its own.
  if (!kept) enrolled = files.afterPowerLoss(true);
  kept = true;
  const trust = { host: '127.0.0.1', rootCertificate: claim.rootCertificate };
  const network = secureNetwork(bare, world.timers, trust, identity);
  const file = unwrap(
    await openNegativeFile({
      world,
      files,
      store,
      keys: {
        negativeTags: (pan) =>
          withKey ? held.map(({ kcv, key: each }) => ({ kcv, mac: lists.macOf(pan, each) })) : [],
        negativePlace: (pan) => (withKey ? lists.placeOf(pan) : undefined),
        slots: () => (withKey ? held.map(({ slot, kcv }) => ({ slot, kcv })) : []),
      },
      root: Uint8Array.from(Buffer.from(identity.negativeRoot, 'base64')),
      network,
      host: '127.0.0.1',
      bytesMax,
      line,
      parent,
      changed: () => undefined,
      signal: stop.signal,
    }),
  );
  return {
    file,
    files,
    store,
    identity,
    network,
    stop,
    take: (version: number, list: ListOf) => file.take('regular', lists.publish(version, list)),
  };
}
export type Open = Awaited<ReturnType<typeof open>>;
export const versionOf = ({ file }: Open, list = 'regular') =>
  file.report().find((each) => each.list === list)?.version ?? 0;
export const settled = async (terminal: Open, version: number, list = 'regular') => {
  const { file } = terminal;
  await until(() => versionOf(terminal, list) === version, `version ${version} of ${list}`);
  await file.idle();
};
export const answers = ({ file }: Open) => [file.check(good), file.check(bad), file.check(worse)];
