import type { ScriptSession } from '@tsunagu/protocols/emv';
import type { CryptogramKind } from './cryptogram-kind.ts';
import { type ApplicationMemory, type CardMemory, freshApplication } from './memory.ts';

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

/** How the PIN was verified by the card in this transaction. */
export type PinCheck = 'none' | 'passed' | 'failed';

/** The state of an emulated card. Everything but the memory is forgotten at a reset. */
export interface CardState {
  /** What outlives power. */
  readonly memory: CardMemory;
  /** Index of the application that is or was last selected: "next" goes on from it. */
  readonly selected: number;
  /** The name under which it was selected; "next" wants the same. */
  readonly selectedName: Uint8Array;
  readonly phase: CardPhase;
  /** What the terminal told in GPO and GENERATE AC, by tag. */
  readonly told: ReadonlyMap<number, Uint8Array>;
  /** The same as it was sent: values of PDOL, CDOL1, CDOL2. A combined signature covers them. */
  readonly sent: Uint8Array;
  /** The memory when the transaction began: what the results tell of the one before. */
  readonly before: ApplicationMemory;
  /** The first cryptogram and its kind. */
  readonly first?: { readonly kind: CryptogramKind; readonly cryptogram: Uint8Array };
  /** Keys and chain for the issuer's commands, from the first cryptogram on. */
  readonly script?: ScriptSession;
  readonly scriptsTaken: number;
  readonly issuerAuthentication: IssuerAuthentication;
  /** A card status update without approval: the second cryptogram is an AAC. */
  readonly isDeclinedByIssuer: boolean;
  readonly pinCheck: PinCheck;
  readonly isPinEnciphered: boolean;
  /** What GET CHALLENGE gave, while the very next command may use it. */
  readonly challenge?: Uint8Array;
  /** What was signed in this transaction: by INTERNAL AUTHENTICATE, and with the first and second cryptogram. */
  readonly signed: { readonly dda: boolean; readonly first: boolean; readonly second: boolean };
  /** Entropies and times of the last relay resistance exchange, 14 bytes. */
  readonly relay?: Uint8Array;
  readonly relayCount: number;
  /** 9F69 of a fast card, 7 bytes, from GPO on. */
  readonly cardAuthenticationData?: Uint8Array;
}

const nothing: Uint8Array = new Uint8Array(0);

/** A card out of its envelope, or just powered. */
export const atRest = (memory: CardMemory): CardState => ({
  memory,
  selected: -1,
  selectedName: nothing,
  phase: 'idle',
  told: new Map(),
  sent: nothing,
  before: memory.applications[0] ?? freshApplication,
  scriptsTaken: 0,
  issuerAuthentication: 'none',
  isDeclinedByIssuer: false,
  pinCheck: 'none',
  isPinEnciphered: false,
  signed: { dda: false, first: false, second: false },
  relayCount: 0,
});

/** What the selected application remembers. */
export const recall = ({ memory, selected }: CardState): ApplicationMemory =>
  memory.applications[selected] ?? freshApplication;

/** Writes into the selected application's memory: what the card answers is already stored by then. */
export function remember(state: CardState, change: Partial<ApplicationMemory>): CardState {
  const applications = state.memory.applications.map((known, index) =>
    index === state.selected ? { ...known, ...change } : known,
  );
  return { ...state, memory: { ...state.memory, applications } };
}
