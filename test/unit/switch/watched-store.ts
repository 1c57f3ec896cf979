import type { SideFile, Store } from '@tsunagu/fleet-server/store/index';

type Statement = Parameters<SideFile['writeAlone']>;
type End = Awaited<ReturnType<SideFile['writeAlone']>>;

/** The file beside a store, whose commits go through `around`. */
export const besideWatched = (
  { beside }: Store,
  around: (statement: Statement, write: () => Promise<End>) => Promise<End>,
): Pick<Store, 'beside'> =>
  beside === undefined
    ? {}
    : {
        async beside(name) {
          const file = await beside(name);
          return { ...file, writeAlone: (...statement) => around(statement, () => file.writeAlone(...statement)) };
        },
      };
