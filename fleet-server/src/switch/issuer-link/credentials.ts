import type { Secret } from '@tsunagu/protocols/kit';

/** How the switch shows itself to a card company, and whom it trusts there. */
export interface IssuerCredentials {
  /** PEM, leaf first. */
  readonly certificateChain: string;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** Roots that the far side's chain has to end in, PEM. */
  readonly ca: string;
  /** Key-block protection key of the zone, AES-256. */
  readonly zoneKbpk: Secret<'key'>;
  /** The PIN key of the zone: where the vault has it, and as a TR-31 block (P0) for the far side. */
  readonly pinKey: { readonly id: string; readonly keyBlock: () => string };
}
