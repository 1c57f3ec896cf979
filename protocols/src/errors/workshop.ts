import { defineErrors } from './define.ts';

/** Errors of the workshop: readers and cards lent to other programs, sessions recorded and replayed, attestations. */
export const workshopErrors = defineErrors({
  USBIP_VERSION_UNSUPPORTED: {
    en: {
      says: 'The USB/IP client speaks another version.',
      next: 'Use Linux 3.17 or newer: version 1.1.1 is spoken here.',
    },
    ja: {
      says: 'USB/IPクライアントのバージョンが対応外です。',
      next: 'Linux 3.17以降を使用してください(バージョン1.1.1のみ対応)。',
    },
  },
  USBIP_INVALID: {
    en: {
      says: 'The bytes are no USB/IP message that a reader can be asked.',
      next: 'The field is named. Check that the other side is a USB/IP client.',
    },
    ja: {
      says: 'USB/IPメッセージとして正しくありません。',
      next: '項目を確認し、相手がUSB/IPクライアントか確認してください。',
    },
  },
  USBIP_TOO_LONG: {
    en: {
      says: 'A USB/IP message announces more than is taken.',
      next: 'Check that the other side is a USB/IP client.',
    },
    ja: {
      says: 'USB/IPメッセージの長さが上限を超えています。',
      next: '相手がUSB/IPクライアントか確認してください。',
    },
  },
  VPCD_INVALID: {
    en: {
      says: 'The bytes are no request of the virtual reader.',
      next: 'Check that the other side is pcscd’s vpcd driver.',
    },
    ja: { says: '仮想リーダーの要求として正しくありません。', next: '相手がpcscdのvpcdドライバーか確認してください。' },
  },
  VSCARD_INVALID: {
    en: {
      says: 'The bytes are no message of QEMU’s reader.',
      next: 'Check that the socket belongs to ccid-card-passthru.',
    },
    ja: {
      says: 'QEMUのリーダーのメッセージとして正しくありません。',
      next: 'ソケットがccid-card-passthruのものか確認してください。',
    },
  },
  EXPORT_ADDRESS_INVALID: {
    en: { says: 'The address is not HOST:PORT.', next: 'Write it like 127.0.0.1:3240 or [::1]:3240.' },
    ja: { says: 'アドレスの形式がHOST:PORTではありません。', next: '127.0.0.1:3240 のように指定してください。' },
  },
  EXPORT_ADDRESS_TAKEN: {
    en: { says: 'The address cannot be listened on.', next: 'Another program has the port: choose another one.' },
    ja: {
      says: 'このアドレスで待ち受けできません。',
      next: '他のプログラムが使用中です。別のポートを指定してください。',
    },
  },
  EXPORT_PEER_UNREACHABLE: {
    en: {
      says: 'Nobody listens at that address.',
      next: 'Start pcscd with vpcd, or QEMU, first; --reconnect waits for it.',
    },
    ja: {
      says: '指定のアドレスに接続できません。',
      next: '先にpcscd(vpcd)またはQEMUを起動してください。--reconnect で待機できます。',
    },
  },
  READER_NOT_THERE: {
    en: { says: 'There is no reader of that name.', next: '"tsunagu bridge watch --once" lists the readers.' },
    ja: { says: '指定のリーダーがありません。', next: '「tsunagu bridge watch --once」で一覧を確認してください。' },
  },
  TRACE_USB_ONLY: {
    en: {
      says: 'A session is recorded as it goes over USB, and this reader is driven by pcscd.',
      next: 'Stop pcscd and run it without "--pcsc", or run it without "--record".',
    },
    ja: {
      says: '記録はUSB上の通信が対象ですが、このリーダーはpcscdが制御しています。',
      next: 'pcscdを停止して「--pcsc」なしで実行するか、「--record」を外してください。',
    },
  },
  TRACE_INVALID: {
    en: {
      says: 'The trace is damaged, incomplete or of another version.',
      next: 'The line is named. Record the session again.',
    },
    ja: {
      says: 'トレースが壊れているか、途中で切れているか、版が異なります。',
      next: '示された行を確認し、記録し直してください。',
    },
  },
  TRACE_TOO_LONG: {
    en: { says: 'The session is longer than a trace may be.', next: 'Record a shorter session: one script a trace.' },
    ja: { says: '記録できる長さを超えています。', next: '1つのスクリプトごとに短く記録してください。' },
  },
  TRACE_NEEDS_KEY: {
    en: {
      says: 'The card is none of the fictional ones: its data is recorded sealed, or not at all.',
      next: 'Give a key file with --seal-key FILE; keep it apart from the trace.',
    },
    ja: {
      says: '試験用以外のカードです。カードデータは封印しない限り記録できません。',
      next: '--seal-key FILE で鍵ファイルを指定し、トレースとは別に保管してください。',
    },
  },
  TRACE_NOT_AUTHENTIC: {
    en: { says: 'The sealed part of the trace does not open.', next: 'Use the key file that it was recorded with.' },
    ja: { says: 'トレースの封印を開けません。', next: '記録時の鍵ファイルを使用してください。' },
  },
  TRACE_DIVERGED: {
    en: {
      says: 'The bridge did something else than was recorded.',
      next: 'The step is named. If the change is meant, record the session again.',
    },
    ja: {
      says: '記録と異なる動作をしました。',
      next: '示された手順を確認し、意図した変更なら記録し直してください。',
    },
  },
  KEY_FILE_INVALID: {
    en: {
      says: 'The key file cannot be used.',
      next: 'A seal key is 32 bytes in hexadecimal; a signing key is Ed25519 in PKCS #8 PEM.',
    },
    ja: {
      says: '鍵ファイルを使用できません。',
      next: '封印鍵は32バイトの16進数、署名鍵はEd25519のPKCS #8 PEMです。',
    },
  },
  FILE_EXISTS: {
    en: { says: 'A file of that name is there already.', next: 'Choose another name, or move the old one away.' },
    ja: { says: '同名のファイルが既にあります。', next: '別の名前を指定するか、既存のファイルを移動してください。' },
  },
  EMULATED_READER_UNKNOWN: {
    en: { says: 'No emulated reader has that name.', next: '"tsunagu emulate list" names readers and cards.' },
    ja: { says: 'その名前の擬似リーダーはありません。', next: '「tsunagu emulate list」で一覧を確認してください。' },
  },
  EMULATED_CARD_UNKNOWN: {
    en: {
      says: 'No emulated card of that name fits this reader.',
      next: '"tsunagu emulate list" names readers and cards, and which go together.',
    },
    ja: {
      says: 'このリーダーに入る、その名前の擬似カードはありません。',
      next: '「tsunagu emulate list」でリーダーとカードの一覧を確認してください。',
    },
  },
  FILE_UNWRITABLE: {
    en: { says: 'The file cannot be written.', next: 'Check its folder, and that you may write there.' },
    ja: { says: 'ファイルに書き込めません。', next: 'フォルダーと書き込み権限を確認してください。' },
  },
  ATTESTATION_INVALID: {
    en: { says: 'The file is no attestation.', next: 'Give the file that "tsunagu bridge attest --out" wrote.' },
    ja: {
      says: '証明書ファイルの形式が正しくありません。',
      next: '「tsunagu bridge attest --out」の出力を指定してください。',
    },
  },
  ATTESTATION_FOR_ANOTHER: {
    en: {
      says: 'The attestation answers another demand: its nonce is not the one that was given.',
      next: 'Have the bench attest again with the nonce of this demand.',
    },
    ja: {
      says: '別の要求に対する証明書です(ノンスが一致しません)。',
      next: '今回のノンスを指定して、もう一度証明書を作成してください。',
    },
  },
  ATTESTATION_NOT_AUTHENTIC: {
    en: {
      says: 'The attestation was changed after it was signed, or another key signed it.',
      next: 'Do not accept it: have it made again.',
    },
    ja: {
      says: '証明書が署名後に変更されたか、別の鍵で署名されています。',
      next: '受け入れずに、作成し直してもらってください。',
    },
  },
  BRIDGE_NOT_BUILT: {
    en: { says: 'The bridge program is not built.', next: 'Run "npm run build".' },
    ja: { says: 'ブリッジがビルドされていません。', next: '「npm run build」を実行してください。' },
  },
});
