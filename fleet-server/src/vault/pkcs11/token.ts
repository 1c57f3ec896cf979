import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type * as pkcs11 from 'pkcs11js';
import type { Pkcs11Place } from './uri.ts';

/** Why a token does not open. */
export type TokenError = 'VAULT_MODULE_MISSING' | 'VAULT_TOKEN_MISSING' | 'VAULT_LOCKED';

/** What a secret key of the token is to be. */
export interface SecretTemplate {
  readonly label: string;
  readonly kind: 'aes' | 'tdes' | 'hmac';
  readonly lengthBytes: number;
  readonly isExtractable: boolean;
}

/** How a token signs. */
export type SignatureKind = 'ecdsa' | 'eddsa' | 'rsaSha256' | 'hmacSha256';

/** A token with its user signed in. Every call is one trip to the token; what it refuses is thrown: our own bug, or a token that was pulled. */
export interface Token {
  /** Every private and secret key that is there. */
  keys(): readonly { readonly handle: Buffer; readonly label: string }[];
  makeSecret(template: SecretTemplate): Buffer;
  takeSecret(template: SecretTemplate, value: Uint8Array): Buffer;
  makeCurvePair(pair: { label: string; curve: Buffer; isEdwards: boolean; isExtractable: boolean }): Buffer;
  makeRsaPair(pair: { label: string; modulusBits: number }): Buffer;
  publicPart(label: string, isRsa: boolean): { point: Buffer } | { modulus: Buffer; exponent: Buffer };
  sign(kind: SignatureKind, key: Buffer, bytes: Uint8Array, lengthMax: number): Uint8Array;
  encryptBlocks(cipher: 'AES' | 'TDES', key: Buffer, blocks: Uint8Array): Uint8Array;
  seal(key: Buffer, iv: Uint8Array, context: Buffer, bytes: Uint8Array): Uint8Array;
  /** undefined when it is not authentic. */
  open(key: Buffer, iv: Uint8Array, context: Buffer, sealed: Uint8Array): Uint8Array | undefined;
  wrapUnder(wrapping: Uint8Array, key: Buffer): Uint8Array;
  /** Destroys all objects of this label: a pair has two. */
  destroy(label: string): void;
  close(): void;
}

/** What PKCS #11 version 3 added, and the package does not name yet. */
const edwardsPairGeneration = 0x1055;
const eddsa = 0x1057;

/**
 * Loads a PKCS #11 module and signs in to its token. The package is native and optional: VAULT_MODULE_MISSING where it, or the module, is not there.
 */
export async function openToken(place: Pkcs11Place, pin: string): Promise<Result<Token, TokenError>> {
  let library: typeof pkcs11;
  const module = await import('pkcs11js').then(
    (loaded) => ((library = loaded.default as unknown as typeof pkcs11), new library.PKCS11()),
    (cause: unknown) => fail('VAULT_MODULE_MISSING', { field: 'pkcs11js', cause }),
  );
  if ('ok' in module) return module;
  const p = library!;
  try {
    module.load(place.module);
    initialise(module, p);
  } catch (cause) {
    return fail('VAULT_MODULE_MISSING', { field: 'module-path', cause });
  }
  const slot = module.C_GetSlotList(true).find((each) => module.C_GetTokenInfo(each).label.trim() === place.token);
  if (!slot) {
    module.close();
    return fail('VAULT_TOKEN_MISSING', { facts: { token: place.token } });
  }
  const session = module.C_OpenSession(slot, p.CKF_SERIAL_SESSION | p.CKF_RW_SESSION);
  try {
    module.C_Login(session, p.CKU_USER, pin);
  } catch (cause) {
    const isIn = cause instanceof p.Pkcs11Error && cause.code === p.CKR_USER_ALREADY_LOGGED_IN;
    if (!isIn) {
      module.C_CloseSession(session);
      module.close();
      return fail('VAULT_LOCKED', { facts: { token: place.token } });
    }
  }
  return ok(tokenOf(p, module, session));
}

/** A process initialises a module once; a second vault of the same process finds it so. */
function initialise(module: pkcs11.PKCS11, p: typeof pkcs11): void {
  try {
    module.C_Initialize();
  } catch (error) {
    if (!(error instanceof p.Pkcs11Error && error.code === p.CKR_CRYPTOKI_ALREADY_INITIALIZED)) throw error;
  }
}

function tokenOf(p: typeof pkcs11, module: pkcs11.PKCS11, session: Buffer): Token {
  const mechanisms = {
    ecdsa: p.CKM_ECDSA,
    eddsa,
    rsaSha256: p.CKM_SHA256_RSA_PKCS,
    hmacSha256: p.CKM_SHA256_HMAC,
  } as const satisfies Record<SignatureKind, number>;
  const secretKinds = {
    aes: { type: p.CKK_AES, generation: p.CKM_AES_KEY_GEN },
    tdes: { type: p.CKK_DES2, generation: p.CKM_DES2_KEY_GEN },
    hmac: { type: p.CKK_GENERIC_SECRET, generation: p.CKM_GENERIC_SECRET_KEY_GEN },
  } as const;
  const plain = (mechanism: number): pkcs11.Mechanism =>
    ({ mechanism, parameter: null }) as unknown as pkcs11.Mechanism;

  function find(template: pkcs11.Template): readonly Buffer[] {
    const found: Buffer[] = [];
    module.C_FindObjectsInit(session, template);
    try {
      for (let some = module.C_FindObjects(session, 256); some.length > 0; some = module.C_FindObjects(session, 256))
        found.push(...some);
    } finally {
      module.C_FindObjectsFinal(session);
    }
    return found;
  }

  const attributeOf = (handle: Buffer, type: number): Buffer => {
    const [attribute] = module.C_GetAttributeValue(session, handle, [{ type }]);
    if (!attribute || !Buffer.isBuffer(attribute.value)) throw new Error('the token does not tell an attribute');
    return attribute.value;
  };

  const kept = (label: string, isExtractable: boolean): pkcs11.Template => [
    { type: p.CKA_TOKEN, value: true },
    { type: p.CKA_PRIVATE, value: true },
    { type: p.CKA_LABEL, value: label },
    { type: p.CKA_SENSITIVE, value: true },
    { type: p.CKA_EXTRACTABLE, value: isExtractable },
    { type: p.CKA_MODIFIABLE, value: false },
  ];
  const secret = ({ label, kind, isExtractable }: SecretTemplate): pkcs11.Template => [
    ...kept(label, isExtractable),
    { type: p.CKA_KEY_TYPE, value: secretKinds[kind].type },
    { type: p.CKA_ENCRYPT, value: kind !== 'hmac' },
    { type: p.CKA_DECRYPT, value: kind !== 'hmac' },
    { type: p.CKA_SIGN, value: kind === 'hmac' },
    { type: p.CKA_VERIFY, value: kind === 'hmac' },
  ];
  const shown = (label: string): pkcs11.Template => [
    { type: p.CKA_TOKEN, value: true },
    { type: p.CKA_LABEL, value: label },
    { type: p.CKA_VERIFY, value: true },
    { type: p.CKA_MODIFIABLE, value: false },
  ];
  const pair = (mechanism: number, label: string, more: pkcs11.Template, isExtractable: boolean): Buffer =>
    module.C_GenerateKeyPair(
      session,
      plain(mechanism),
      [...shown(label), ...more],
      [...kept(label, isExtractable), { type: p.CKA_SIGN, value: true }],
    ).privateKey;

  const gcm = (iv: Uint8Array, aad: Buffer): pkcs11.Mechanism => ({
    mechanism: p.CKM_AES_GCM,
    parameter: { type: p.CK_PARAMS_AES_GCM, iv: Buffer.from(iv), aad, ivBits: 96, tagBits: 128 } as pkcs11.AesGCM,
  });

  return {
    keys: () =>
      [p.CKO_PRIVATE_KEY, p.CKO_SECRET_KEY].flatMap((type) =>
        find([
          { type: p.CKA_CLASS, value: type },
          { type: p.CKA_TOKEN, value: true },
        ]).map((handle) => ({ handle, label: attributeOf(handle, p.CKA_LABEL).toString('utf8') })),
      ),
    makeSecret: (template) =>
      module.C_GenerateKey(session, plain(secretKinds[template.kind].generation), [
        ...secret(template),
        // A double-length DES key has but one length.
        ...(template.kind === 'tdes' ? [] : [{ type: p.CKA_VALUE_LEN, value: template.lengthBytes }]),
      ]),
    takeSecret(template, value) {
      const clear = Buffer.from(value);
      try {
        return module.C_CreateObject(session, [
          { type: p.CKA_CLASS, value: p.CKO_SECRET_KEY },
          ...secret(template),
          { type: p.CKA_VALUE, value: clear },
        ]);
      } finally {
        clear.fill(0);
      }
    },
    makeCurvePair: ({ label, curve, isEdwards, isExtractable }) =>
      pair(
        isEdwards ? edwardsPairGeneration : p.CKM_EC_KEY_PAIR_GEN,
        label,
        [{ type: p.CKA_EC_PARAMS, value: curve }],
        isExtractable,
      ),
    makeRsaPair: ({ label, modulusBits }) =>
      pair(
        p.CKM_RSA_PKCS_KEY_PAIR_GEN,
        label,
        [
          { type: p.CKA_MODULUS_BITS, value: modulusBits },
          { type: p.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
        ],
        false,
      ),
    publicPart(label, isRsa) {
      const [handle] = find([
        { type: p.CKA_CLASS, value: p.CKO_PUBLIC_KEY },
        { type: p.CKA_LABEL, value: label },
      ]);
      if (!handle) throw new Error(`the token has lost a public key: ${label}`);
      return isRsa
        ? { modulus: attributeOf(handle, p.CKA_MODULUS), exponent: attributeOf(handle, p.CKA_PUBLIC_EXPONENT) }
        : { point: attributeOf(handle, p.CKA_EC_POINT) };
    },
    sign(kind, key, bytes, lengthMax) {
      module.C_SignInit(session, plain(mechanisms[kind]), key);
      return Uint8Array.from(module.C_Sign(session, Buffer.from(bytes), Buffer.alloc(lengthMax)));
    },
    encryptBlocks(cipher, key, blocks) {
      module.C_EncryptInit(session, plain(cipher === 'AES' ? p.CKM_AES_ECB : p.CKM_DES3_ECB), key);
      return Uint8Array.from(module.C_Encrypt(session, Buffer.from(blocks), Buffer.alloc(blocks.length)));
    },
    seal(key, iv, context, bytes) {
      module.C_EncryptInit(session, gcm(iv, context), key);
      return Uint8Array.from(module.C_Encrypt(session, Buffer.from(bytes), Buffer.alloc(bytes.length + 16)));
    },
    open(key, iv, context, sealed) {
      try {
        module.C_DecryptInit(session, gcm(iv, context), key);
        return Uint8Array.from(module.C_Decrypt(session, Buffer.from(sealed), Buffer.alloc(sealed.length)));
      } catch (error) {
        // Tokens differ in how they call a tag that is wrong.
        if (error instanceof p.Pkcs11Error) return undefined;
        throw error;
      }
    },
    wrapUnder(wrapping, key) {
      const value = Buffer.from(wrapping);
      const over = module.C_CreateObject(session, [
        { type: p.CKA_CLASS, value: p.CKO_SECRET_KEY },
        { type: p.CKA_KEY_TYPE, value: p.CKK_AES },
        { type: p.CKA_TOKEN, value: false },
        { type: p.CKA_WRAP, value: true },
        { type: p.CKA_VALUE, value },
      ]);
      value.fill(0);
      try {
        return Uint8Array.from(
          module.C_WrapKey(session, plain(p.CKM_AES_KEY_WRAP_PAD), over, key, Buffer.alloc(1_024)),
        );
      } finally {
        module.C_DestroyObject(session, over);
      }
    },
    destroy(label) {
      for (const handle of find([{ type: p.CKA_LABEL, value: label }])) module.C_DestroyObject(session, handle);
    },
    close() {
      module.C_Logout(session);
      module.C_CloseSession(session);
      module.C_Finalize();
      module.close();
    },
  };
}
