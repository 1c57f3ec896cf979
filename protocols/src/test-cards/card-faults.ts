/** What can be wrong with a card: how it was personalised, or how it behaves. */
export type CardFault =
  /** The issuer's certificate (90) is signed by a CA that no terminal knows; 8F still says that it does. */
  | { readonly kind: 'wrongCa' }
  /** 8F names a key that no terminal holds. */
  | { readonly kind: 'unknownCaIndex' }
  /** The certificate of the issuer, or of the card, is past its month. */
  | { readonly kind: 'expiredCertificate'; readonly of: 'issuer' | 'card' }
  /** The issuer's certificate has the serial number that `revokedTestCertificates` lists. */
  | { readonly kind: 'revokedIssuer' }
  /** An authenticated record was changed after it was signed. */
  | { readonly kind: 'changedRecord' }
  /** Signed dynamic data (9F4B) hold a wrong hash. */
  | { readonly kind: 'wrongDynamicHash' }
  /** The card signs over zeros instead of the terminal's unpredictable number. */
  | { readonly kind: 'ignoresUnpredictableNumber' }
  /** The signature hashes other transaction data than were sent (CDA). */
  | { readonly kind: 'wrongTransactionHash' }
  /** The objects of this tag are in no record. */
  | { readonly kind: 'missing'; readonly tag: number }
  /** The object of this tag stands in two records. */
  | { readonly kind: 'duplicate'; readonly tag: number }
  /** A record whose length field lies. */
  | { readonly kind: 'badTlv' }
  /** The file locator names a record that is not there, or is no list of four bytes each. */
  | { readonly kind: 'wrongLocator'; readonly how: 'missingRecord' | 'cut' | 'reversed' }
  /** The cryptogram is not that of the issuer's key. */
  | { readonly kind: 'wrongCryptogram' }
  /** From the n-th command after a reset on (1 is the first) the card is mute. */
  | { readonly kind: 'muteFrom'; readonly command: number }
  /** The n-th command after a reset gets this status word instead of an answer; `isOnce`: the first time only. */
  | { readonly kind: 'statusAt'; readonly command: number; readonly sw: number; readonly isOnce?: boolean }
  /** The n-th command after a reset gets an answer cut to this many bytes. */
  | { readonly kind: 'cutAt'; readonly command: number; readonly bytes: number }
  /** Before each answer the card asks this often for more time. */
  | { readonly kind: 'slow'; readonly extensions: number };

/** A kind of `CardFault`. */
export type CardFaultKind = CardFault['kind'];
