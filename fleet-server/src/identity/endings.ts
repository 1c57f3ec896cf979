import { type Serial, serialSchema } from '@tsunagu/protocols/fleet';
import { sql } from 'kysely';
import type { Ending, ExpirySource } from '../expiry/index.ts';
import type { Store } from '../store/index.ts';
import type { Authority } from './authority.ts';
import { heldVersion } from './hierarchy.ts';

/**
 * What terminals hang on here: their certificate, the issuing CA that can give them the next one, the roots that they know, and the server's own
 * certificate. Of several authorities that would do, the one that ends last counts; of a terminal's certificates the one that it showed last,
 * since nobody knows whether it got the next; and a terminal whose certificates have all ended is lost since then.
 */
export const identityEndings = (store: Store, { hierarchy }: Authority, serverName: string): ExpirySource => ({
  async endings(serials) {
    const rows = await store.db
      .selectFrom('terminals')
      .leftJoin('terminal_trust', 'terminal_trust.serial', 'terminals.serial')
      .leftJoin('claims', 'claims.serial', 'terminals.serial')
      .select(['terminals.serial', heldVersion.as('version')])
      .where('terminals.serial', 'in', [...serials])
      .execute();
    const certificates = await store.db
      .selectFrom('certificates')
      .select(['subject', 'fingerprint', 'not_after', 'ended_at', 'revoked_at'])
      .where('kind', '=', 'terminal')
      .where('subject', 'in', [...serials])
      // Those that ended first, the latest of them last; then those that count, the newest first: whoever shows one ends all before it.
      .orderBy(sql`ended_at is null`)
      .orderBy('ended_at')
      .orderBy('issued_at', 'desc')
      .execute();
    // A later row takes the place of an earlier one.
    const last = new Map(certificates.map((row) => [row.subject, row]));
    const server = await store.db
      .selectFrom('certificates')
      .select(['fingerprint', 'not_after'])
      .where('kind', '=', 'server')
      .where('subject', '=', serverName)
      .where('ended_at', 'is', null)
      .orderBy('issued_at', 'desc')
      .executeTakeFirst();

    const byVersion = new Map<number, readonly Ending[]>();
    const authoritiesOf = (version: number): readonly Ending[] => {
      const known = byVersion.get(version);
      if (known) return known;
      const anchors = hierarchy.anchorsOf(version);
      const latest = (cas: typeof hierarchy.roots) =>
        cas.reduce<(typeof cas)[number] | undefined>(
          (best, ca) => (best && best.notAfter >= ca.notAfter ? best : ca),
          undefined,
        );
      const root = latest(hierarchy.roots.filter(({ id }) => anchors.has(id)));
      const issuing = latest(hierarchy.issuing.filter(({ issuer }) => issuer !== null && anchors.has(issuer)));
      const endings: Ending[] = [
        ...(root ? [{ kind: 'root' as const, name: root.id, endsAt: root.notAfter }] : []),
        ...(issuing ? [{ kind: 'issuing-authority' as const, name: issuing.id, endsAt: issuing.notAfter }] : []),
        ...(server
          ? [{ kind: 'server-certificate' as const, name: server.fingerprint.slice(0, 16), endsAt: server.not_after }]
          : []),
      ];
      byVersion.set(version, endings);
      return endings;
    };
    return new Map(
      rows.map(({ serial, version }): [Serial, readonly Ending[]] => {
        // Where a person ended it, and let the terminal enrol anew since, there is none, as before the first.
        const shown = last.get(serial);
        const own = shown?.revoked_at === null ? shown : undefined;
        return [
          serialSchema.parse(serial),
          [
            ...authoritiesOf(Number(version)),
            ...(own
              ? [
                  {
                    kind: 'terminal-certificate' as const,
                    name: own.fingerprint.slice(0, 16),
                    endsAt: own.ended_at ?? own.not_after,
                  },
                ]
              : []),
          ],
        ];
      }),
    );
  },
});
