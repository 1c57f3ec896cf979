import { dukptAesWorkbench } from './dukpt-aes.ts';
import { kcvWorkbench } from './kcv.ts';
import { macWorkbench } from './mac.ts';
import type { Operation } from './request.ts';
import { tr31Workbench } from './tr31.ts';

export type { Answer, Operation, Request } from './request.ts';

/** The operations of a family, by name. */
export type Family = Readonly<Record<string, Operation>>;

/**
 * The key families of the workbench, by name. Random parts that a request leaves out are drawn from `entropy`.
 * A name that is absent here is the caller's to refuse.
 */
export const keyWorkbench = (_entropy: (lengthBytes: number) => Uint8Array): ReadonlyMap<string, Family> =>
  new Map<string, Family>([
    ['mac', macWorkbench],
    ['kcv', kcvWorkbench],
    ['dukpt-aes', dukptAesWorkbench],
    ['tr31', tr31Workbench],
  ]);
