import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Serial, serialSchema } from '@tsunagu/protocols/fleet';
import { type Claim, claimFile, readClaim } from '../enrolment/index.ts';
import type { ReaderPlace } from '../readers/real.ts';
import { folderFiles } from '../sealed-store/index.ts';

/** One terminal as a host or a worker starts it: data only, so that it can go to another thread. */
export interface TerminalPlan {
  readonly serial: Serial;
  readonly folder: string;
  /** The parent that it needs to be there first. */
  readonly parent?: Serial;
  /** Where its real readers are; without it they and their cards are emulated. */
  readonly readers?: ReaderPlace;
  readonly relay?: { readonly host: string; readonly port: number; readonly children: readonly Serial[] };
}

/** The terminals of a data folder: those with a claim bundle, readable or not, in the order of their names, parents before their children. */
export async function planFleet(data: string): Promise<readonly TerminalPlan[]> {
  const entries = await readdir(data, { withFileTypes: true }).catch(() => []);
  const claims: { folder: string; claim: Claim }[] = [];
  const unreadable: TerminalPlan[] = [];
  for (const name of entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort(byName)) {
    const serial = serialSchema.safeParse(name);
    if (!serial.success) continue;
    const folder = join(data, name);
    const files = await readdir(folder).catch((): string[] => []);
    if (!files.includes(claimFile)) continue;
    const claim = await readClaim(await folderFiles(folder));
    // Its start will say what is wrong with it.
    if (!claim.ok) {
      unreadable.push({ serial: serial.data, folder });
      continue;
    }
    claim.value.secret.wipe();
    claims.push({ folder, claim: claim.value });
  }
  const plans = claims.map(({ folder, claim }): TerminalPlan => {
    const children = claims.filter((other) => other.claim.parent?.serial === claim.serial);
    const place = children[0]?.claim.parent;
    return {
      serial: claim.serial,
      folder,
      ...(claim.parent && { parent: claim.parent.serial }),
      ...(place && {
        relay: { host: place.host, port: place.port, children: children.map((child) => child.claim.serial) },
      }),
    };
  });
  return [...plans.filter((plan) => !plan.parent), ...unreadable, ...plans.filter((plan) => plan.parent)];
}

/** One terminal of a data folder, by its own folder; its children stand beside it. */
export async function planTerminal(folder: string): Promise<TerminalPlan | undefined> {
  return (await planFleet(dirname(folder))).find((plan) => plan.folder === folder);
}

const byName = (a: string, b: string): number => (a < b ? -1 : 1);

/** Up to so many terminals have a thread of their own each. */
const ownThreadMax = 16;
/** Above that they share so many: a thread costs about 25 MB, a terminal in it less than 1 MB. */
const sharedThreads = 8;

/** Deals terminals out to worker threads, evenly. */
export function dealOut(plans: readonly TerminalPlan[]): readonly (readonly TerminalPlan[])[] {
  const count = plans.length <= ownThreadMax ? plans.length : sharedThreads;
  return Array.from({ length: count }, (_, worker) => plans.filter((_plan, index) => index % count === worker));
}
