import type { Link } from '@tsunagu/protocols/acquiring';
import type { Secret } from '@tsunagu/protocols/kit';
import type { Store } from '../../store/index.ts';
import type { IssuerLink } from '../issuer-link/issuer-link.ts';
import type { Journal } from '../journal/journal.ts';
import type { Numbers } from '../journal/numbers.ts';
import type { SwitchVault } from '../ports.ts';
import type { LinkHealth } from '../routing/route.ts';
import type { SwitchRules } from '../rules/rules.ts';

/** What the desk needs of the switch. */
export interface ValidityRooms {
  readonly store: Pick<Store, 'db'>;
  readonly vault: Pick<SwitchVault, 'seal' | 'open'>;
  readonly journal: Pick<Journal, 'write'>;
  readonly rules: SwitchRules;
  readonly health: LinkHealth;
  readonly issuers: ReadonlyMap<string, IssuerLink>;
  numbers(link: string): Numbers;
  /** A merchant centre, and the key-block protection key of its zone. */
  centre(link: string): { readonly link: Link; readonly zoneKbpk: Secret<'key'> } | undefined;
}
