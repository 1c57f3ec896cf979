import type { Certificate, TrustedBranch } from './certificate.ts';

/** The certificates that everything else is measured by. One root may serve both branches: the CAs are pinned apart. */
export interface Tr34Trust {
  readonly root: Certificate;
  /** Issues the certificates of key distribution hosts. */
  readonly kdhCa: Certificate;
  /** Issues the certificates of key receiving devices. */
  readonly krdCa: Certificate;
}

/** The two roles of TR-34: the key distribution host and the key receiving device. */
export type Tr34Role = 'kdh' | 'krd';

/** The branch of a role. */
export const branchOf = ({ root, kdhCa, krdCa }: Tr34Trust, role: Tr34Role): TrustedBranch => ({
  root,
  ca: role === 'kdh' ? kdhCa : krdCa,
});
