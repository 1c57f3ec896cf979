/** How far a transaction has come inside a card. EMV 4.3 Book 3, 6.5 and 10. */
export type CardPhase =
  /** Nothing is selected. */
  | 'idle'
  /** The directory (PSE or PPSE) is selected. */
  | 'directory'
  /** The application is selected. */
  | 'selected'
  /** GET PROCESSING OPTIONS was answered. */
  | 'initiated'
  /** The first GENERATE AC gave an ARQC: the card waits for the issuer. */
  | 'awaitingIssuer'
  /** The last cryptogram was given. */
  | 'ended';

/** What the card thinks of the issuer's answer. */
export type IssuerAuthentication = 'none' | 'passed' | 'failed';

/** The state of an emulated card. Everything but the counter is forgotten at a reset. */
export interface CardState {
  /** Application transaction counter (9F36): it outlives power. */
  readonly atc: number;
  readonly phase: CardPhase;
  /** What the terminal told in GPO and GENERATE AC, by tag. */
  readonly told: ReadonlyMap<number, Uint8Array>;
  /** The first cryptogram, when it was an ARQC. */
  readonly arqc?: Uint8Array;
  readonly issuerAuthentication: IssuerAuthentication;
}

/** A card out of its envelope, or just powered. */
export const atRest = (atc: number): CardState => ({
  atc,
  phase: 'idle',
  told: new Map(),
  issuerAuthentication: 'none',
});
