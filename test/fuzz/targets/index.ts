import type { Target } from '../target.ts';

/** Files of targets; each is bundled with what it reaches, so that its counters are few. */
const files = {
  iso8583: () => import('./iso8583.ts'),
  emv: () => import('./emv.ts'),
  readers: () => import('./readers.ts'),
  keys: () => import('./keys.ts'),
  fleet: () => import('./fleet.ts'),
  describe: () => import('./describe.ts'),
  loans: () => import('./loans.ts'),
  workbench: () => import('./workbench.ts'),
} as const;

/** The targets with the file that each stands in, loaded from the sources. */
export async function allTargets(): Promise<readonly { readonly file: string; readonly target: Target }[]> {
  const found: { file: string; target: Target }[] = [];
  for (const [file, load] of Object.entries(files)) {
    const { targets } = await load();
    found.push(...targets.map((target) => ({ file, target })));
  }
  return found;
}
