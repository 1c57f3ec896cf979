import type { PortName, TenantId } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import type { Lives } from '../identity/index.ts';
import type { Store } from '../store/index.ts';

/** What a house is built from. */
export interface HouseOptions {
  readonly world: World;
  /** The data folder; made where it is missing. */
  readonly dataDir: string;
  readonly host: string;
  /** Where terminals reach the server, when that is not `host`. */
  readonly publicHost?: string;
  readonly portBase: number;
  readonly tenant: TenantId;
  /** A token behind PKCS #11 that is the vault, as a URI (RFC 7512), instead of the file in the data folder. */
  readonly vault?: string;
  /** Of the vault, or the PIN of its token; without it the vault's is kept in a file beside it. */
  readonly passphrase?: string;
  /** Of terminals; 398 days unless told. */
  readonly certificateLifeMs?: number;
  /** Of authorities and of the house's own certificates. */
  readonly lives?: Partial<Omit<Lives, 'terminalMs'>>;
  /** At what age a sale counts for the gates of campaigns; by then its reversal is known. */
  readonly saleSettleMs?: number;
  /** How long what happened to terminals stays in their timelines; 400 days unless told. */
  readonly timelineKeptMs?: number;
  /** Where the switch keeps its tables, when that is not the house's own store: this house is one of its nodes. */
  readonly switchNode?: { readonly name: string; readonly store: Store };
  /** An MQTT broker (`mqtts://host:port`) that stands in for our own. */
  readonly brokerUrl?: string;
  /** Terminals get their first keys in authorised injection runs only (PCI PIN 3.1, 30-3); at their first contact unless set. */
  readonly keyInRuns?: boolean;
  /** The built dashboard. */
  readonly webDir?: string;
  /** Receives every signed head of the audit log; `audit-heads.jsonl` in the data folder unless told. */
  readonly auditHeadsFile?: string;
  /** Networks such as `127.0.0.1/32` that webhooks may reach although they are not public. */
  readonly webhookAllow?: readonly string[];
}

/** A running fleet server. */
export interface House {
  readonly managementUrl: string;
  readonly ports: Readonly<Partial<Record<PortName, number>>>;
  signInUrl(): string;
  /** Ends everything in the opposite order of its beginning. */
  close(): Promise<void>;
}

/** Why a house did not come up. */
export type HouseError =
  | 'DATA_IN_USE'
  | 'VAULT_LOCKED'
  | 'VAULT_DAMAGED'
  | 'VAULT_ROLLED_BACK'
  | 'VAULT_MODULE_MISSING'
  | 'VAULT_TOKEN_MISSING'
  | 'OPTION_INVALID'
  | 'STORE_UNUSABLE'
  | 'PORT_TAKEN'
  | 'BIND_NEEDS_TLS';
