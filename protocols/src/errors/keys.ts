import { defineErrors } from './define.ts';

/** Errors of the key rooms: ciphers, MACs, check values, DUKPT, key blocks, TR-34, PIN blocks, components, FPE. */
export const keysErrors = defineErrors({
  KEY_LENGTH_INVALID: {
    en: {
      says: 'The key has a length that its algorithm does not know.',
      next: 'TDES keys have 16 or 24 bytes, AES keys 16, 24 or 32. Check that no half was cut off.',
    },
    ja: {
      says: '鍵の長さがアルゴリズムに合いません。',
      next: 'TDESは16か24バイト、AESは16・24・32バイトです。欠落がないか確認してください。',
    },
  },
  CIPHER_DATA_LENGTH_INVALID: {
    en: {
      says: 'The data or the initialisation vector is not made of whole cipher blocks.',
      next: 'Pad the data to 8 bytes (TDES) or 16 bytes (AES) as your message format says.',
    },
    ja: {
      says: 'データまたは初期化ベクトルがブロック長の倍数ではありません。',
      next: '電文仕様に従い、TDESは8バイト、AESは16バイト単位に揃えてください。',
    },
  },
  MAC_MISMATCH: {
    en: {
      says: 'The message authentication code does not match.',
      next: 'Compare key check value, algorithm, padding and the exact bytes covered on both sides.',
    },
    ja: {
      says: 'MACが一致しません。',
      next: '双方の鍵検査値、アルゴリズム、パディング、対象データを照合してください。',
    },
  },
  KCV_LENGTH_INVALID: {
    en: { says: 'A check value of this length cannot be given.', next: 'Ask for 1 byte up to one cipher block.' },
    ja: { says: 'この長さの検査値は作れません。', next: '1バイトからブロック長までで指定してください。' },
  },
  KCV_MISMATCH: {
    en: {
      says: 'The key check value is not the expected one.',
      next: 'Compare the check value of each component with its envelope, then enter them again.',
    },
    ja: {
      says: '鍵検査値が期待値と一致しません。',
      next: '各コンポーネントの検査値を封筒の記載と照合し、入力し直してください。',
    },
  },
  COMPONENTS_TOO_FEW: {
    en: { says: 'A key needs at least two components.', next: 'Fetch the component of the other custodian.' },
    ja: { says: '鍵には2つ以上のコンポーネントが必要です。', next: '他の管理者のコンポーネントも入力してください。' },
  },
  COMPONENTS_UNEQUAL: {
    en: {
      says: 'The components differ in length.',
      next: 'Find the component that was cut or that belongs to another key.',
    },
    ja: { says: 'コンポーネントの長さが異なります。', next: '欠落や別の鍵のものがないか確認してください。' },
  },
  COMPONENTS_CANCEL_OUT: {
    en: {
      says: 'The components combine to a key of zeros.',
      next: 'The same component was probably entered twice: enter each one once.',
    },
    ja: {
      says: 'コンポーネントを合成すると全ゼロの鍵になります。',
      next: '同じコンポーネントを二度入力していないか確認してください。',
    },
  },
  KEY_WEAK: {
    en: {
      says: 'The components combine to a weak TDES key: equal halves, or a weak DES key in it.',
      next: 'Have the key made anew where it came from, and begin a ceremony with its components.',
    },
    ja: {
      says: 'コンポーネントを合成した TDES 鍵が弱い鍵です(左右が同一、または DES の弱鍵を含む)。',
      next: '発行元で鍵を作り直し、その要素で新しいセレモニーを開始してください。',
    },
  },
  KSN_LENGTH_INVALID: {
    en: {
      says: 'The key serial number has a wrong length.',
      next: 'TDES DUKPT uses 10 bytes (pad a shorter one with FF on the left), AES DUKPT 12 bytes.',
    },
    ja: {
      says: 'KSNの長さが正しくありません。',
      next: 'TDES DUKPTは10バイト（短い場合は左側をFFで埋める）、AES DUKPTは12バイトです。',
    },
  },
  DUKPT_COUNTER_INVALID: {
    en: {
      says: 'The transaction counter is one that no terminal may use.',
      next: 'It is zero, has too many one-bits, or is beyond the last: look at how the terminal advances its KSN.',
    },
    ja: {
      says: '取引カウンターが使用できない値です。',
      next: 'ゼロ、1のビットが多すぎる、または上限超過です。端末のKSN更新処理を確認してください。',
    },
  },
  DUKPT_COUNTER_EXHAUSTED: {
    en: {
      says: 'The terminal has used its last transaction key.',
      next: 'Load a new initial key, or the update key where the suite has one.',
    },
    ja: { says: '取引鍵を使い切りました。', next: '新しい初期鍵（または更新鍵）を投入してください。' },
  },
  DUKPT_KEY_TOO_STRONG: {
    en: {
      says: 'A working key may not be stronger than the key it is derived from.',
      next: 'Ask for a shorter key type, or use a longer BDK.',
    },
    ja: {
      says: '派生元の鍵より強い作業鍵は派生できません。',
      next: 'より短い鍵種別を指定するか、より長いBDKを使用してください。',
    },
  },
  DUKPT_KEY_TYPE_INVALID: {
    en: {
      says: 'This key type does not go with this use.',
      next: 'HMAC types serve MAC usages only; PIN block format 4 needs an AES key.',
    },
    ja: {
      says: 'この用途では使えない鍵種別です。',
      next: 'HMAC種別はMAC用途のみ、PINブロック形式4はAES鍵が必要です。',
    },
  },
  DUKPT_STATE_INVALID: {
    en: {
      says: 'The stored DUKPT state is damaged or of another version.',
      next: 'Do not guess a counter: load a new initial key, or restore the latest state from the sealed store.',
    },
    ja: {
      says: '保存されたDUKPT状態が壊れているか、版が異なります。',
      next: 'カウンターを推測せず、新しい初期鍵を投入するか、最新の状態を復元してください。',
    },
  },
  TR31_LENGTH_INVALID: {
    en: {
      says: 'The length of the key block does not agree with its length field or its version.',
      next: 'Look for characters lost or added in transport; the field is four decimal digits counting all of them.',
    },
    ja: {
      says: 'キーブロックの長さが長さ欄または版と一致しません。',
      next: '転送中の欠落や付加を確認してください。長さ欄は全文字数を示す10進4桁です。',
    },
  },
  TR31_VERSION_UNKNOWN: {
    en: {
      says: 'The key block has a version other than A, B, C or D.',
      next: 'Ask the sender for version D (AES) or B (TDES). A leading 0 or 1 is a vendor format.',
    },
    ja: {
      says: 'キーブロックの版がA・B・C・D以外です。',
      next: '送信側に版D（AES）か版B（TDES）を依頼してください。先頭が0や1のものはベンダー独自形式です。',
    },
  },
  TR31_HEADER_INVALID: {
    en: {
      says: 'The key block header is malformed.',
      next: 'Compare the field named here with X9.143, 6.3: alphanumeric codes, a decimal count.',
    },
    ja: {
      says: 'キーブロックのヘッダーが不正です。',
      next: '示された項目をX9.143 6.3と照合してください。',
    },
  },
  TR31_HEADER_NOT_ALLOWED: {
    en: {
      says: 'The header holds a combination that X9.143 does not allow.',
      next: 'Choose usage, algorithm and mode of use that belong together; lenient reading is a named option.',
    },
    ja: {
      says: 'ヘッダーの組み合わせがX9.143で許可されていません。',
      next: '用途・アルゴリズム・使用モードの組み合わせを見直してください。',
    },
  },
  TR31_OPTIONAL_BLOCK_INVALID: {
    en: {
      says: 'An optional block of the header is malformed.',
      next: 'Its length counts id, length and data in characters, in hexadecimal; long ones read 00 04 and four digits.',
    },
    ja: {
      says: 'オプションブロックが不正です。',
      next: '長さはID・長さ・データの文字数の16進表記です。長い場合は00 04に続く4桁です。',
    },
  },
  TR31_ENCODING_INVALID: {
    en: {
      says: 'The encrypted part of the key block is not hexadecimal.',
      next: 'Look for a character changed in transport, or a header whose optional blocks are miscounted.',
    },
    ja: {
      says: 'キーブロックの暗号部が16進数ではありません。',
      next: '転送中の文字化けやオプションブロック数の誤りを確認してください。',
    },
  },
  TR31_NOT_AUTHENTIC: {
    en: {
      says: 'The key block failed authentication.',
      next: 'Compare the check value of the KBPK on both sides.',
    },
    ja: { says: 'キーブロックの認証に失敗しました。', next: '双方でKBPKの検査値を照合してください。' },
  },
  TR31_PAYLOAD_INVALID: {
    en: {
      says: 'The key block is authentic, but the key inside has an impossible length.',
      next: 'The sender wrote a wrong length in front of the key: report it to them.',
    },
    ja: {
      says: '認証には成功しましたが、内部の鍵長が不正です。',
      next: '送信側の鍵長欄の誤りです。送信元に連絡してください。',
    },
  },
  TR31_PADDING_INVALID: {
    en: {
      says: 'Key and padding do not fill whole cipher blocks.',
      next: 'Length field (2 bytes), key and padding together are a multiple of 8 (A, B, C) or 16 bytes (D).',
    },
    ja: {
      says: '鍵とパディングの合計がブロック長の倍数ではありません。',
      next: '長さ欄2バイトを含め、8バイト（A・B・C）または16バイト（D）の倍数にしてください。',
    },
  },
  TR31_KBPK_TOO_WEAK: {
    en: {
      says: 'The key block protection key is weaker than the key it should protect.',
      next: 'Use a KBPK of at least the same strength: AES-256 under AES-256.',
    },
    ja: { says: 'KBPKが保護対象の鍵より弱いです。', next: '同等以上の強度のKBPKを使用してください。' },
  },
  TR31_VERSION_RETIRED: {
    en: {
      says: 'Version A key blocks may be read but no longer made.',
      next: 'Wrap with version D, or B for a TDES protection key.',
    },
    ja: {
      says: '版Aのキーブロックは新規作成できません（読み取りのみ）。',
      next: '版D、TDESのKBPKでは版Bを使用してください。',
    },
  },
  TR31_NOT_EXPORTABLE: {
    en: {
      says: 'The key came out of a key block that forbids this export.',
      next: 'Ask the owner of the key for a block with exportability E, or use the key where it is.',
    },
    ja: {
      says: 'この鍵は元のキーブロックで当該エクスポートが禁止されています。',
      next: '鍵の所有者にエクスポート可（E）のブロックを依頼してください。',
    },
  },
  DER_INVALID: {
    en: {
      says: 'The bytes are not the DER structure that is expected here.',
      next: 'Look for truncation, trailing bytes or PEM instead of DER.',
    },
    ja: {
      says: '期待するDER構造ではありません。',
      next: '欠落・余分なバイト・PEM形式の混入を確認してください。',
    },
  },
  TR34_ENCODING_INVALID: {
    en: {
      says: 'The token is not the DER structure that TR-34 defines.',
      next: 'Look for truncation, trailing bytes or a wrong token type; the offset is where reading stopped.',
    },
    ja: {
      says: 'トークンがTR-34のDER構造ではありません。',
      next: '欠落・余分なバイト・トークン種別の誤りを確認してください。',
    },
  },
  TR34_CERTIFICATE_INVALID: {
    en: {
      says: 'A certificate does not hold: chain, validity, issuing CA or key usage.',
      next: 'Check that it was issued by the CA pinned for its role and is valid on this date.',
    },
    ja: {
      says: '証明書を検証できません（チェーン・有効期間・発行CA・鍵用途）。',
      next: '役割に固定されたCAの発行で、有効期間内であることを確認してください。',
    },
  },
  TR34_CRL_INVALID: {
    en: {
      says: 'The revocation list in the token is not a current one of the issuing CA.',
      next: 'Ask the key distribution host for a token with a fresh CRL.',
    },
    ja: {
      says: 'トークン内のCRLが発行CAの有効なものではありません。',
      next: 'KDHに最新のCRLを含むトークンを依頼してください。',
    },
  },
  TR34_CERTIFICATE_REVOKED: {
    en: {
      says: 'The certificate is revoked by the list in the token.',
      next: 'Rebind the terminal to the current host certificate.',
    },
    ja: { says: '証明書は失効しています。', next: '端末を現在のホスト証明書に再バインドしてください。' },
  },
  TR34_NOT_AUTHENTIC: {
    en: {
      says: 'The token failed its cryptographic checks.',
      next: 'Compare the certificates of both sides and ask for a new token; the reason is not told on purpose.',
    },
    ja: {
      says: 'トークンの暗号検証に失敗しました。',
      next: '双方の証明書を照合し、新しいトークンを依頼してください。理由は意図的に示しません。',
    },
  },
  TR34_NONCE_MISMATCH: {
    en: {
      says: 'The token does not carry the nonce of this exchange.',
      next: 'Start again: send a new random number token and use the answer to that one, once.',
    },
    ja: {
      says: 'トークンのノンスがこの交換のものではありません。',
      next: '新しい乱数トークンを送り、その応答を一度だけ使用してください。',
    },
  },
  TR34_REPLAYED: {
    en: {
      says: 'The one-pass token is not newer than the last accepted one.',
      next: 'Ask the host for a new token, and check its clock.',
    },
    ja: {
      says: '1パストークンが前回受理したものより新しくありません。',
      next: 'ホストに新しいトークンを依頼し、ホストの時刻を確認してください。',
    },
  },
  TR34_CONTENT_INVALID: {
    en: {
      says: 'The key block inside the token breaks a rule: version, issuing host, header or key length.',
      next: 'The host signed something inconsistent: report it to its operator.',
    },
    ja: {
      says: 'トークン内の鍵ブロックが規則に反します（版・発行ホスト・ヘッダー・鍵長）。',
      next: 'ホスト側の不整合です。運用者に連絡してください。',
    },
  },
  TR34_NONCE_LENGTH_INVALID: {
    en: { says: 'A nonce has 8 or 16 bytes.', next: 'Draw that many from the random number generator.' },
    ja: { says: 'ノンスは8または16バイトです。', next: '乱数生成器から必要な長さを取得してください。' },
  },
  PINBLOCK_FORMAT_UNKNOWN: {
    en: { says: 'PIN block formats are 0, 1, 2, 3 and 4.', next: 'Pick the format that the acquirer names.' },
    ja: { says: 'PINブロック形式は0〜4です。', next: '接続先が指定する形式を選んでください。' },
  },
  PINBLOCK_PIN_INVALID: {
    en: { says: 'A PIN has 4 to 12 decimal digits.', next: 'Ask for the PIN again.' },
    ja: { says: 'PINは4〜12桁の数字です。', next: 'PINを入力し直してください。' },
  },
  PINBLOCK_PAN_INVALID: {
    en: {
      says: 'The PAN does not have the digits that this format needs.',
      next: 'Formats 0 and 3 need 13 to 19 digits, format 4 needs 1 to 19.',
    },
    ja: { says: 'PANの桁数または文字が不正です。', next: '形式0・3は13〜19桁、形式4は1〜19桁です。' },
  },
  PINBLOCK_FILL_INVALID: {
    en: {
      says: 'The fill or random part does not fit this format and PIN.',
      next: 'Leave it out to have it drawn, or give exactly the nibbles after the PIN (A to F in format 3).',
    },
    ja: {
      says: '充填値または乱数がこの形式に合いません。',
      next: '省略して自動生成するか、PINの後の桁数を正確に指定してください（形式3はA〜F）。',
    },
  },
  PINBLOCK_UNREADABLE: {
    en: {
      says: 'The PIN block could not be read.',
      next: 'Compare key, KSN, format and PAN on both sides; the reason is not told on purpose.',
    },
    ja: {
      says: 'PINブロックを読み取れません。',
      next: '双方の鍵・KSN・形式・PANを照合してください。理由は意図的に示しません。',
    },
  },
  PINBLOCK_TRANSLATION_FORBIDDEN: {
    en: {
      says: 'ISO 9564-1 does not permit this translation.',
      next: 'Formats 0, 3 and 4 never become 1, and format 2 stays inside the chip card.',
    },
    ja: {
      says: 'ISO 9564-1で許可されていない変換です。',
      next: '形式0・3・4から1への変換、および形式2への変換はできません。',
    },
  },
  FPE_DOMAIN_TOO_SMALL: {
    en: {
      says: 'The text is too short for its alphabet to be enciphered safely.',
      next: 'radix to the power of the length must be at least 1,000,000 (SP 800-38G Rev. 1).',
    },
    ja: {
      says: '文字列が短すぎて安全に暗号化できません。',
      next: '基数の長さ乗が100万以上になるようにしてください。',
    },
  },
  FPE_TOO_LONG: {
    en: {
      says: 'The text or the tweak is longer than what is enciphered here.',
      next: 'Texts have up to 1024 characters and tweaks up to 256 bytes.',
    },
    ja: {
      says: '文字列またはツイークが長すぎます。',
      next: '文字列は1024文字、ツイークは256バイトまでです。',
    },
  },
  FPE_ALPHABET_INVALID: {
    en: {
      says: 'The alphabet does not fit the radix.',
      next: 'Give exactly as many different characters as the radix says, 2 to 65536.',
    },
    ja: {
      says: '文字集合が基数に合いません。',
      next: '基数と同数の異なる文字を指定してください（2〜65536）。',
    },
  },
  FPE_CHARACTER_UNKNOWN: {
    en: { says: 'The text has a character outside its alphabet.', next: 'The offset tells which one.' },
    ja: { says: '文字集合にない文字が含まれています。', next: '示された位置の文字を確認してください。' },
  },
  KEY_PASSPHRASE_SHORT: {
    en: {
      says: 'The passphrase of a key file has fewer than twelve characters, or none was given.',
      next: 'Give it in a file (--passphrase-file) or in TSUNAGU_KEY_PASSPHRASE; for a root, TSUNAGU_ROOT_PASSPHRASE.',
    },
    ja: {
      says: '鍵ファイルのパスフレーズがないか、12文字未満です。',
      next: 'ファイル(--passphrase-file)または環境変数 TSUNAGU_KEY_PASSPHRASE で指定してください。',
    },
  },
  SIGNING_KEY_INVALID: {
    en: {
      says: 'The key file does not open: it is damaged, for another purpose, or has another passphrase.',
      next: 'Check the passphrase, and what the file is for.',
    },
    ja: {
      says: '鍵ファイルを開けません。破損、用途違い、またはパスフレーズの誤りです。',
      next: 'パスフレーズとファイルの用途を確認してください。',
    },
  },
});
