import { defineErrors } from './define.ts';

/** Software and the repository that it comes from. */
export const softwareErrors = defineErrors({
  SOFTWARE_METADATA_INVALID: {
    en: {
      says: 'A file of the software repository is not metadata of its role.',
      next: 'Make it anew with "tsunagu software", and publish it.',
    },
    ja: {
      says: 'ソフトウェアリポジトリのメタデータの形式が不正です。',
      next: '「tsunagu software」で作り直し、公開してください。',
    },
  },
  SOFTWARE_METADATA_UNSIGNED: {
    en: {
      says: 'Too few of the keys that count for its role have signed the metadata.',
      next: 'Have the missing key holders sign it with "tsunagu software sign"; if nobody published anything, somebody else did: investigate.',
    },
    ja: {
      says: 'メタデータの署名が必要な数に達していません。',
      next: '不足している鍵の保持者が「tsunagu software sign」で署名してください。公開した覚えがなければ不正の疑いがあります。',
    },
  },
  SOFTWARE_METADATA_ROLLBACK: {
    en: {
      says: 'The metadata are older than what is known already, or skip a version.',
      next: 'Publish the version that follows the known one. On a terminal, after the server came back from a backup: "tsunagu software rotate online"; otherwise somebody replays an old repository, investigate.',
    },
    ja: {
      says: 'メタデータが既知の版より古いか、版が連続していません。',
      next: '既知の版の次の版を公開してください。端末での発生は、サーバーをバックアップから復元した後なら「tsunagu software rotate online」を実行し、そうでなければ古いリポジトリの再送を疑ってください。',
    },
  },
  SOFTWARE_METADATA_EXPIRED: {
    en: {
      says: 'The metadata have expired.',
      next: 'Check the clock; sign them anew ("tsunagu software renew root" or "renew targets", as the field says; the server renews the others by itself).',
    },
    ja: {
      says: 'メタデータの有効期限が切れています。',
      next: '時計を確認し、署名し直してください(「tsunagu software renew root」または「renew targets」、他はサーバーが自動更新)。',
    },
  },
  SOFTWARE_METADATA_MISMATCH: {
    en: {
      says: 'The files of the software repository do not belong together.',
      next: 'It is tried again by itself; if it stays, somebody mixes versions: investigate.',
    },
    ja: {
      says: 'ソフトウェアリポジトリのファイル同士が一致しません。',
      next: '自動で再試行します。続く場合は版の混在による攻撃の疑いがあります。',
    },
  },
  SOFTWARE_REPOSITORY_MISSING: {
    en: {
      says: 'The server has no software repository yet.',
      next: 'Make one with "tsunagu software init".',
    },
    ja: {
      says: 'サーバーにソフトウェアリポジトリがありません。',
      next: '「tsunagu software init」で作成してください。',
    },
  },
  SOFTWARE_REPOSITORY_EXISTS: {
    en: {
      says: 'The server has a software repository already.',
      next: 'Go on with it; a new root follows the old one by "tsunagu software rotate".',
    },
    ja: {
      says: 'サーバーには既にソフトウェアリポジトリがあります。',
      next: 'そのまま使ってください。rootの更新は「tsunagu software rotate」で行います。',
    },
  },
  SOFTWARE_REPOSITORY_TORN: {
    en: {
      says: 'A file of the software repository that terminals were told of is gone or damaged. Nothing is signed, ordered or published without it; terminals keep what they have.',
      next: 'Put the named file back from a backup of the server’s data folder, then restart the server.',
    },
    ja: {
      says: '端末に告知済みのソフトウェアリポジトリのファイルが失われたか壊れています。復旧まで署名・指示・公開は行いません(端末の現行ソフトウェアはそのままです)。',
      next: '示されたファイルをデータフォルダーのバックアップから戻し、サーバーを再起動してください。',
    },
  },
  SOFTWARE_NOT_PUBLISHED: {
    en: {
      says: 'No signed target names this image.',
      next: 'Publish it with "tsunagu software publish".',
    },
    ja: {
      says: 'このイメージは署名済みのtargetsに載っていません。',
      next: '「tsunagu software publish」で公開してください。',
    },
  },
  SOFTWARE_DOWNGRADE: {
    en: {
      says: 'The image is older than what runs.',
      next: 'Order it with permission to downgrade (--allow-downgrade) if that is wanted.',
    },
    ja: {
      says: '稼働中の版より古いイメージです。',
      next: '意図した場合は、ダウングレードを許可して(--allow-downgrade)指示してください。',
    },
  },
  SOFTWARE_VERSION_TOO_OLD: {
    en: {
      says: 'What runs on the terminal is older than what the image can update.',
      next: 'Install the version in between first.',
    },
    ja: {
      says: '端末の版が古すぎて、このイメージに直接更新できません。',
      next: '先に途中の版を導入してください。',
    },
  },
  SOFTWARE_HARDWARE_UNFIT: {
    en: {
      says: 'The image is not for this revision of the hardware.',
      next: 'Choose an image that lists the revision.',
    },
    ja: {
      says: 'このハードウェアリビジョン用のイメージではありません。',
      next: 'リビジョンに対応したイメージを選んでください。',
    },
  },
  SOFTWARE_NOT_ATTESTED: {
    en: {
      says: 'The image needs an attestation of a bridge, and has none.',
      next: 'Run "tsunagu bridge attest --nonce DIGEST" with the key that its target names, and upload the file.',
    },
    ja: {
      says: 'このイメージにはブリッジの検証証明が必要ですが、登録されていません。',
      next: 'targetsが指定する鍵で「tsunagu bridge attest --nonce ダイジェスト」を実行し、結果を登録してください。',
    },
  },
  SOFTWARE_ATTESTATION_FAILED: {
    en: {
      says: 'The attestation is genuine, and tells of steps that failed.',
      next: 'Look at the failed steps; attest again when they pass.',
    },
    ja: {
      says: '証明は正当ですが、失敗した手順が含まれています。',
      next: '失敗した手順を確認し、成功後に再度証明してください。',
    },
  },
  ATTESTATION_TOO_THIN: {
    en: {
      says: 'The attestation is genuine, and too little was tried in earnest: a run counts when nothing failed and more of its steps were done than left out.',
      next: 'Attest on more readers, with more cards at each; how many were needed is named ("tsunagu bridge verify FILE" shows the runs).',
    },
    ja: {
      says: '証明は正当ですが、実際に検証された範囲が足りません(失敗がなく、省略より実行した手順が多いものだけを数えます)。',
      next: '示された数を満たすよう、リーダーとカードを増やして証明し直してください(「tsunagu bridge verify ファイル」で内訳を確認できます)。',
    },
  },
  ATTESTATION_EMULATED: {
    en: {
      says: 'The attestation is genuine, and some of its runs were on emulated readers.',
      next: 'Attest on hardware; or publish the image with "--emulated-readers-do", where emulated ones are enough.',
    },
    ja: {
      says: '証明は正当ですが、擬似リーダーでの実行が含まれています。',
      next: '実機で証明するか、擬似リーダーで足りる場合は「--emulated-readers-do」を付けて公開してください。',
    },
  },
  SOFTWARE_CHUNK_WRONG: {
    en: {
      says: 'A piece of the image came wrong twice.',
      next: 'Install it again from its file ("tsunagu software install"): the upload mends what has suffered at the server. If it stays, check the line of the terminal.',
    },
    ja: {
      says: 'イメージの一部が2回続けて不正でした。',
      next: '元のファイルから「tsunagu software install」で再度導入してください。アップロードによりサーバー上の破損が修復されます。解消しない場合は端末の回線を確認してください。',
    },
  },
  SOFTWARE_DELTA_INVALID: {
    en: {
      says: 'The delta does not lead from the installed image to the wanted one.',
      next: 'Nothing: the whole image is fetched instead.',
    },
    ja: {
      says: '差分から目的のイメージを作れません。',
      next: '対処は不要です。イメージ全体を取得します。',
    },
  },
  SOFTWARE_KEY_FILE_INVALID: {
    en: {
      says: 'The file is not a signing key, or the passphrase is not its own.',
      next: 'Check the path, and TSUNAGU_SIGNING_PASSPHRASE or the file "passphrase" beside the key.',
    },
    ja: {
      says: '署名鍵のファイルではないか、パスフレーズが違います。',
      next: 'パスと、TSUNAGU_SIGNING_PASSPHRASEまたは鍵と同じフォルダーの「passphrase」を確認してください。',
    },
  },
});
