import { componentsWorkbench } from './components.ts';
import { dukptAesWorkbench } from './dukpt-aes.ts';
import { dukptTdesWorkbench } from './dukpt-tdes.ts';
import { fpeWorkbench } from './fpe.ts';
import { kcvWorkbench } from './kcv.ts';
import { macWorkbench } from './mac.ts';
import { pinblockWorkbench } from './pinblock.ts';
import type { Operation } from './request.ts';
import { tr31Workbench } from './tr31.ts';
import { tr34Workbench } from './tr34.ts';

export type { Answer, Operation, Request } from './request.ts';

/** The operations of a family, by name. */
export type Family = ReadonlyMap<string, Operation>;

const family = (operations: Readonly<Record<string, Operation>>): Family => new Map(Object.entries(operations));

/**
 * The key families of the workbench, by name. Random parts that a request leaves out are drawn from `entropy`.
 * A name that is absent here is the caller's to refuse.
 */
export const keyWorkbench = (entropy: (lengthBytes: number) => Uint8Array): ReadonlyMap<string, Family> =>
  new Map([
    ['components', family(componentsWorkbench)],
    ['dukpt-aes', family(dukptAesWorkbench)],
    ['dukpt-tdes', family(dukptTdesWorkbench)],
    ['fpe', family(fpeWorkbench)],
    ['kcv', family(kcvWorkbench)],
    ['mac', family(macWorkbench)],
    ['pinblock', family(pinblockWorkbench(entropy))],
    ['tr31', family(tr31Workbench)],
    ['tr34', family(tr34Workbench)],
  ]);
