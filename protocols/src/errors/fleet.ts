import { defineErrors } from './define.ts';

/** Errors of enrolment, broker, twin, jobs, artefacts, negative file and management. */
export const fleetErrors = defineErrors({
  MODEL_CANNOT: {
    en: {
      says: 'The model of this terminal cannot do that.',
      next: 'See what the model can do: GET /api/v1/models. Ask another terminal, or leave this one out.',
    },
    ja: {
      says: 'この端末の機種では実行できません。',
      next: '機種の機能を確認してください(GET /api/v1/models)。別の端末に指示するか、対象から外してください。',
    },
  },
  SIGNATURE_INVALID: {
    en: {
      says: 'The signature is not that of a trusted key.',
      next: 'Check that the terminal was enrolled at this server; otherwise enrol it again.',
    },
    ja: {
      says: '署名が信頼済みの鍵のものではありません。',
      next: 'このサーバーで登録された端末か確認し、違う場合は再登録してください。',
    },
  },
  NEGATIVE_FILE_INVALID: {
    en: {
      says: 'The negative file is damaged or not canonical.',
      next: 'It is fetched again by itself; if this repeats, compare its SHA-256 with the signed head.',
    },
    ja: {
      says: 'ネガファイルが壊れているか、正規の形式ではありません。',
      next: '自動で再取得します。繰り返す場合は署名付きヘッドのSHA-256と照合してください。',
    },
  },
  NEGATIVE_DELTA_INVALID: {
    en: {
      says: 'A delta of the negative list is damaged.',
      next: 'The whole list is fetched instead; if this repeats, look at the way from the server to the terminal.',
    },
    ja: {
      says: 'ネガリストの差分が壊れています。',
      next: '全件を取得し直します。繰り返す場合はサーバーから端末までの経路を確認してください。',
    },
  },
  NEGATIVE_BASE_OTHER: {
    en: {
      says: 'A delta of the negative list is for another base.',
      next: 'Nothing to do: the terminal asks for the delta of the version it holds, or for the whole list.',
    },
    ja: {
      says: 'ネガリストの差分の基準版が異なります。',
      next: '対応は不要です。端末が保有版の差分または全件を取得します。',
    },
  },
  NEGATIVE_DOCUMENT_INVALID: {
    en: {
      says: 'A signed document of the negative file is damaged or of another kind.',
      next: 'It is ignored. If this repeats, look for what else publishes on the topics of the negative file.',
    },
    ja: {
      says: 'ネガファイルの署名付き文書が壊れているか、種別が違います。',
      next: '無視されます。繰り返す場合は、ネガファイルのトピックに他の発行元がないか確認してください。',
    },
  },
  NEGATIVE_ROLLED_BACK: {
    en: {
      says: 'A document of the negative file is older than what is in force.',
      next: 'It is ignored. If it repeats, somebody brings back old documents, or the server was restored from a backup.',
    },
    ja: {
      says: 'ネガファイルの文書が適用中のものより古いです。',
      next: '無視されます。繰り返す場合は、古い文書の再送か、サーバーのバックアップからの復元が疑われます。',
    },
  },
  NEGATIVE_EXPIRED: {
    en: {
      says: 'A document of the negative file has expired, or the key that signed it has.',
      next: 'Publish anew; for a root, sign the next one with the offline keys.',
    },
    ja: {
      says: 'ネガファイルの文書、または署名鍵の有効期限が切れています。',
      next: '再発行してください。ルート文書はオフライン鍵で次版に署名してください。',
    },
  },
  NEGATIVE_MIXED: {
    en: {
      says: 'Documents of the negative file do not belong together.',
      next: 'They are ignored. The newest head names the manifest and the overlay that count.',
    },
    ja: {
      says: 'ネガファイルの文書どうしが対応していません。',
      next: '無視されます。最新のヘッドが指す目録とオーバーレイが有効です。',
    },
  },
  NEGATIVE_SHRINKS: {
    en: {
      says: 'The list lets more of its cards go than one key may: a twentieth at once, whatever comes for them.',
      next: 'What was taken off stays listed, and what is new goes out. If it is meant, have another person sign with a second list key (tsunagu negative publish --second-signature).',
    },
    ja: {
      says: '登録済みカードの5%を超える解除(入替えを含む)ですが、署名が1つしかありません。',
      next: '解除分は登録されたまま残り、追加分は配信されます。意図した変更なら、別の担当者が2つ目のリスト鍵で署名して発行してください(tsunagu negative publish --second-signature)。',
    },
  },
  NEGATIVE_EMERGENCY_CAPPED: {
    en: {
      says: 'More emergency entries came within a day than the root allows.',
      next: 'Publish a new version of the list: a list key has no such limit.',
    },
    ja: {
      says: '1日の緊急登録がルート文書の上限を超えました。',
      next: 'リストの新しい版を発行してください。リスト鍵にはこの上限がありません。',
    },
  },
  NEGATIVE_TOO_LARGE: {
    en: {
      says: 'The negative list does not fit into the terminal.',
      next: 'Give this model a smaller list; the capacity stands in the catalogue of models.',
    },
    ja: {
      says: 'ネガリストが端末の容量に収まりません。',
      next: 'この機種には小さいリストを割り当ててください。容量は機種カタログにあります。',
    },
  },
  NEGATIVE_PROOF_INVALID: {
    en: {
      says: 'The proof does not hold: a part of it is not what the signatures say.',
      next: 'Ask the server for it again (tsunagu negative prove); if it fails again, it proves nothing.',
    },
    ja: {
      says: '証明が成立しません。署名と一致しない部分があります。',
      next: 'サーバーで再発行してください(tsunagu negative prove)。再び失敗する場合、証拠になりません。',
    },
  },
  NEGATIVE_PROOF_UNAVAILABLE: {
    en: {
      says: 'There is nothing to prove: the terminal had not said by then that it applies a list, or its files are gone.',
      next: 'Ask about a later time, or look at the timeline of the terminal.',
    },
    ja: {
      says: '証明できる記録がありません。その時点で端末がリストの適用を報告していないか、ファイルがありません。',
      next: '後の時刻で試すか、端末の履歴を確認してください。',
    },
  },
  NEGATIVE_ENTRY_UNKNOWN: {
    en: { says: 'This source does not list the card.', next: 'See who does: tsunagu negative explain.' },
    ja: { says: 'この登録元はカードを登録していません。', next: '登録元を確認してください: tsunagu negative explain' },
  },
  NEGATIVE_CARD_LISTED: {
    en: {
      says: 'The card is listed: an exception is for good cards only.',
      next: 'See who lists it: tsunagu negative explain.',
    },
    ja: {
      says: 'このカードは無効登録されています。例外は正常なカードにのみ設定できます。',
      next: '登録元を確認してください: tsunagu negative explain',
    },
  },
  NEGATIVE_LIST_REFUSED: {
    en: {
      says: "An issuer's list was not taken in: it is no text in UTF-8, too large, or a whole list with a line that is no card.",
      next: 'Correct the line that the report names and send the whole list again; nothing of it was taken.',
    },
    ja: {
      says: '発行会社のリストを取り込みませんでした。UTF-8でない、大きすぎる、または全件リストに不正な行があります。',
      next: '報告にある行を直して全件を再送してください。取り込まれたものはありません。',
    },
  },
  NEGATIVE_OVERLAY_FULL: {
    en: {
      says: 'No more emergency entries fit beside the version in force, and its list keys lie elsewhere.',
      next: 'Have the version that waits signed (tsunagu negative sign), then list the card again.',
    },
    ja: {
      says: '緊急登録が上限に達しました。リスト鍵はサーバー外にあります。',
      next: '待機中の版に署名してから(tsunagu negative sign)、再登録してください。',
    },
  },
  NEGATIVE_ROOT_UNUSABLE: {
    en: {
      says: 'Under this root the server could not sign heads and emergency entries, or a list has fewer than two keys.',
      next: 'Make the root from the one in force (tsunagu negative root propose): it keeps the keys that are online.',
    },
    ja: {
      says: 'このルートではサーバーがヘッドや緊急登録に署名できないか、リスト鍵が2本未満です。',
      next: '現行のルートから作成してください(tsunagu negative root propose)。オンライン鍵が引き継がれます。',
    },
  },
  NEGATIVE_LIST_UNKNOWN: {
    en: {
      says: 'There is no such negative list, or its first version still waits for signatures.',
      next: 'See which there are (tsunagu negative lists), or make it (tsunagu negative lists set).',
    },
    ja: {
      says: 'そのネガリストはないか、最初の版が署名待ちです。',
      next: '一覧を確認するか (tsunagu negative lists)、作成してください (tsunagu negative lists set)。',
    },
  },
  NEGATIVE_LIST_UNNAMED: {
    en: {
      says: 'The root names no keys for this list, and this server cannot sign the next root.',
      next: 'Have the custodians sign a root that names them: tsunagu negative root propose --list NAME.',
    },
    ja: {
      says: 'ルートにこのリストの鍵がなく、このサーバーは次のルートに署名できません。',
      next: '鍵を載せたルートに保管者が署名してください: tsunagu negative root propose --list NAME',
    },
  },
  NEGATIVE_CODEC_IMPOSSIBLE: {
    en: {
      says: 'The list holds cards as keyed hashes only: it cannot be published exactly (KP).',
      next: 'Make a list of its own with --codec KP, and import its cards into that.',
    },
    ja: {
      says: 'このリストのカードは鍵付きハッシュだけで、厳密方式(KP)では発行できません。',
      next: '--codec KP で別のリストを作り、カードを取り込み直してください。',
    },
  },
  NEGATIVE_VERSION_UNKNOWN: {
    en: { says: 'There is no such version of the list.', next: 'See which there are: tsunagu negative versions.' },
    ja: { says: 'その版のリストはありません。', next: '版の一覧を確認してください: tsunagu negative versions' },
  },
  CSR_INVALID: {
    en: {
      says: 'The certificate request is damaged, not for an EC P-256 key, or not signed by its own key.',
      next: 'Make a new PKCS #10 request: EC P-256, ecdsa-with-SHA256, the serial as the only common name.',
    },
    ja: {
      says: '証明書要求が壊れているか、EC P-256の鍵でないか、自身の鍵で署名されていません。',
      next: 'PKCS #10を作り直してください(EC P-256、ecdsa-with-SHA256、コモンネームはシリアルのみ)。',
    },
  },
  TERMINAL_UNKNOWN: {
    en: {
      says: 'No terminal with this serial is on the inventory.',
      next: 'Register the serial first, or correct it.',
    },
    ja: {
      says: 'このシリアルの端末は台帳にありません。',
      next: '先にシリアルを登録するか、入力を訂正してください。',
    },
  },
  TERMINAL_REVOKED: {
    en: {
      says: 'The certificate of this terminal was revoked: it is cut off, and does nothing that is ordered.',
      next: 'If it is to work again, issue its claim anew (tsunagu claim SERIAL), have it enrol with that, and order once more.',
    },
    ja: {
      says: 'この端末の証明書は失効しています。接続できないため、指示は実行されません。',
      next: '再び使う場合は、登録情報を再発行し(tsunagu claim シリアル)、端末を登録し直してから、もう一度指示してください。',
    },
  },
  TERMINAL_NOT_ENROLLED: {
    en: {
      says: 'This terminal has not enrolled with its claim yet: it has no certificate, and cannot connect.',
      next: 'Bring it the claim that was issued last and switch it on; tsunagu claim SERIAL issues another one.',
    },
    ja: {
      says: 'この端末は、まだ登録情報で登録していません。証明書がないため接続できません。',
      next: '最後に発行した登録情報を端末に入れて電源を入れてください。再発行: tsunagu claim シリアル',
    },
  },
  RENEWAL_TOO_EARLY: {
    en: {
      says: 'The certificate is not half used up yet, or too many next ones were asked for and never shown.',
      next: 'Use the newest certificate that came; a terminal asks again by itself when it is time.',
    },
    ja: {
      says: '証明書の有効期間がまだ半分以上残っているか、未使用の更新証明書が多すぎます。',
      next: '受け取った最新の証明書を使ってください。時期が来れば端末が自動で更新します。',
    },
  },
  TERMINAL_EXISTS: {
    en: {
      says: 'A terminal with this serial is on the inventory already.',
      next: 'Open it by its serial; its claim secret was shown once, when it was registered.',
    },
    ja: {
      says: 'このシリアルの端末は既に台帳にあります。',
      next: 'シリアルで開いてください。登録用の秘密は登録時に一度だけ表示されます。',
    },
  },
  MODEL_FILE_INVALID: {
    en: {
      says: 'A model file is no model: its model is left out, the others stand.',
      next: 'Mend the field that is named, by protocols/src/catalogue/model.ts, and start again.',
    },
    ja: {
      says: '機種ファイルが正しくないため、その機種を除外しました。他の機種は使用できます。',
      next: '示された項目を修正し(定義: protocols/src/catalogue/model.ts)、再起動してください。',
    },
  },
  MODEL_UNKNOWN: {
    en: {
      says: 'The catalogue has no model of this name.',
      next: 'Choose a model from the catalogue.',
    },
    ja: {
      says: 'カタログにない機種です。',
      next: 'カタログから機種を選んでください。',
    },
  },
  PARENT_UNSUITABLE: {
    en: {
      says: 'The parent named is not on the inventory, or its model cannot have children.',
      next: 'Name a registered terminal whose model is a parent.',
    },
    ja: {
      says: '指定された親機が台帳にないか、親機になれない機種です。',
      next: '親機になれる登録済み端末を指定してください。',
    },
  },
  CLAIM_INVALID: {
    en: {
      says: 'The proof of the claim secret is wrong.',
      next: 'Use the claim bundle that was written for this serial; if it is lost, have it issued again: "tsunagu claim SERIAL".',
    },
    ja: {
      says: '登録用の秘密の証明が正しくありません。',
      next: 'このシリアル用の登録情報を使ってください。失った場合は再発行してください: "tsunagu claim SERIAL"',
    },
  },
  CLAIM_USED: {
    en: {
      says: 'This terminal was enrolled with another key already.',
      next: 'If the terminal lost its key, issue its claim again: "tsunagu claim SERIAL"; if not, somebody else has its claim: investigate.',
    },
    ja: {
      says: 'この端末は別の鍵で登録済みです。',
      next: '端末が鍵を失ったなら登録情報を再発行してください: "tsunagu claim SERIAL"。そうでなければ登録情報の漏えいを調査してください。',
    },
  },
  CLAIM_ENDED: {
    en: {
      says: 'This terminal was revoked: what it holds enrols nobody any more.',
      next: 'Find out why it was revoked; if it is to be used again, issue its claim again: "tsunagu claim SERIAL".',
    },
    ja: {
      says: 'この端末は失効済みのため、手持ちの登録情報では登録できません。',
      next: '失効の理由を確認し、再利用する場合は登録情報を再発行してください: "tsunagu claim SERIAL"',
    },
  },
  AGREEMENT_KEY_INVALID: {
    en: {
      says: 'The key for the key agreement is not an EC P-256 key.',
      next: 'Send an ephemeral P-256 key as SubjectPublicKeyInfo in base64.',
    },
    ja: {
      says: '鍵共有用の鍵がEC P-256ではありません。',
      next: '使い捨てのP-256鍵をSPKI(base64)で送ってください。',
    },
  },
  CLIENT_CERTIFICATE_MISSING: {
    en: {
      says: 'The connection came without a client certificate of this house.',
      next: 'Enrol the terminal and connect with its certificate.',
    },
    ja: {
      says: 'クライアント証明書のない接続です。',
      next: '端末を登録し、その証明書で接続してください。',
    },
  },
  CLIENT_CERTIFICATE_REFUSED: {
    en: {
      says: 'The client certificate is not one that this server issued to a terminal, or was replaced or revoked.',
      next: 'Enrol the terminal again.',
    },
    ja: {
      says: 'このサーバーが端末に発行した有効な証明書ではありません。',
      next: '端末を再登録してください。',
    },
  },
  TLS_HANDSHAKE_FAILED: {
    en: {
      says: 'The connection did not become a TLS 1.3 session.',
      next: 'Speak TLS 1.3 on this port and present a certificate of this house.',
    },
    ja: {
      says: 'TLS 1.3の接続が成立しませんでした。',
      next: 'このポートにはTLS 1.3で、証明書を提示して接続してください。',
    },
  },
  MQTT_CLIENT_ID_MISMATCH: {
    en: {
      says: 'The MQTT client id is not the serial of the certificate.',
      next: 'Connect with the serial as the client id.',
    },
    ja: {
      says: 'MQTTのクライアントIDが証明書のシリアルと異なります。',
      next: 'クライアントIDにシリアルを指定してください。',
    },
  },
  MQTT_TOPIC_FORBIDDEN: {
    en: {
      says: "The topic is outside the terminal's own subtree.",
      next: 'Publish below its own up/ and subscribe to its own dn/ and its lists only.',
    },
    ja: {
      says: '自端末の範囲外のトピックです。',
      next: '自分のup/以下への送信と、dn/以下・リストの購読だけが許されます。',
    },
  },
  MQTT_PACKET_INVALID: {
    en: {
      says: 'The bytes are not an MQTT 3.1.1 packet that is allowed here.',
      next: 'Check the client: MQTT 3.1.1, clean session, QoS 0 or 1.',
    },
    ja: {
      says: '受け付けられるMQTT 3.1.1のパケットではありません。',
      next: 'クライアントを確認してください(MQTT 3.1.1、クリーンセッション、QoS 0か1)。',
    },
  },
  MQTT_PACKET_TOO_LARGE: {
    en: {
      says: 'The MQTT packet is larger than 64 KiB.',
      next: 'Send smaller messages; bulk data goes over HTTPS.',
    },
    ja: {
      says: 'MQTTパケットが64 KiBを超えています。',
      next: '小さく分けてください。大きなデータはHTTPSで送ります。',
    },
  },
  MQTT_CONNECT_TIMEOUT: {
    en: {
      says: 'No complete MQTT CONNECT arrived in time.',
      next: 'Send CONNECT at once after the TLS handshake.',
    },
    ja: {
      says: 'MQTTのCONNECTが時間内に届きませんでした。',
      next: 'TLS接続後すぐにCONNECTを送ってください。',
    },
  },
  CONNECTION_LIMIT: {
    en: {
      says: 'There are too many connections, or they come too fast.',
      next: 'Terminals come back by themselves. Raise the limit named in the log if the fleet is this large.',
    },
    ja: {
      says: '接続数の上限に達しました。',
      next: '端末は自動的に再接続します。恒常的に発生する場合は、ログにある上限を引き上げてください。',
    },
  },
  CONNECTION_ENDED: {
    en: {
      says: 'The connection broke off.',
      next: 'The terminal connects again by itself; check its line if this repeats.',
    },
    ja: { says: '接続が切れました。', next: '端末は自動で再接続します。繰り返す場合は回線を確認してください。' },
  },
  CLONE_SUSPECTED: {
    en: {
      says: 'Two devices act as one terminal: a connection did not go on where the one before it was.',
      next: 'Two devices may hold one key: compare the addresses, quarantine both and revoke the certificate.',
    },
    ja: {
      says: '2台の機器が1台の端末として動作しています。起動回数・連番が前の接続から続いていません。',
      next: '鍵が複製された疑いがあります。接続元を確認し、両方を隔離して証明書を失効させてください。',
    },
  },
  TERMINAL_ALARM_UNKNOWN: {
    en: {
      says: 'There is no such alarm of a terminal among those that nobody has seen.',
      next: '`tsunagu alarms` lists them; somebody may have seen it before you.',
    },
    ja: {
      says: '未確認の端末警報の中に、該当するものがありません。',
      next: '`tsunagu alarms` で一覧を確認してください。すでに他の人が確認した可能性があります。',
    },
  },
  CLOCK_WRONG: {
    en: {
      says: 'The clock of the terminal is off by a day or more.',
      next: 'Set it: orders count as expired for it, its slips bear the wrong date, and once it is outside of the validity of the certificates it is not heard any more.',
    },
    ja: {
      says: '端末の時計が1日以上ずれています。',
      next: '時計を合わせてください。指示は期限切れになり、伝票の日付が誤り、証明書の有効期間を外れると接続できなくなります。',
    },
  },
  KEY_FOREIGN: {
    en: {
      says: 'The terminal shows a key that was never put into it.',
      next: 'Find out which device speaks in its name: its storage may be a copy of that of the terminal in "of". A fresh key is loaded by itself. Where a copy is possible, quarantine both (tsunagu lifecycle move SERIAL quarantined).',
    },
    ja: {
      says: '端末が、投入された記録のない鍵を示しています。',
      next: 'どの機器がこの端末として通信しているか確認してください。「of」の端末の記憶域の複製かもしれません。新しい鍵は自動で投入されます。複製の疑いがあれば両方を隔離してください(tsunagu lifecycle move シリアル quarantined)。',
    },
  },
  BOOT_BEHIND: {
    en: {
      says: 'The terminal says an earlier boot than the house knows: a copy came in its name, or its storage was restored.',
      next: 'Where a copy is possible, revoke its certificate and give it a new claim. Otherwise: "tsunagu recount SERIAL".',
    },
    ja: {
      says: '記録より古い起動回数です。複製機が先に接続したか、ストレージが復元されました。',
      next: '複製の疑いがあれば証明書を失効させ、登録票を再発行してください。なければ「tsunagu recount SERIAL」を実行してください。',
    },
  },
  BOOT_IMPLAUSIBLE: {
    en: {
      says: 'The count of boots rose further than it can.',
      next: 'Look at the terminal: a copy may say so. If it is right: "tsunagu recount SERIAL".',
    },
    ja: {
      says: '起動回数が不自然に増えています。',
      next: '端末を確認してください。複製の疑いがあります。正しい場合は「tsunagu recount SERIAL」を実行してください。',
    },
  },
  DOWNLINK_TIMEOUT: {
    en: {
      says: 'The terminal did not take a message in time, and was disconnected.',
      next: 'It connects again by itself; check its line if this repeats.',
    },
    ja: {
      says: '端末が時間内にメッセージを受け取らず、切断しました。',
      next: '自動で再接続します。繰り返す場合は回線を確認してください。',
    },
  },
  MESSAGE_STALE: {
    en: {
      says: 'The message is from an earlier boot of the terminal, or past its time.',
      next: 'Nothing: the newer message counts.',
    },
    ja: {
      says: '端末の以前の起動時のメッセージか、期限切れです。',
      next: '対処は不要です。新しいメッセージが有効です。',
    },
  },
  VERSION_CONFLICT: {
    en: {
      says: 'Somebody changed it in the meantime.',
      next: 'Read it again, and repeat the change on the new version.',
    },
    ja: {
      says: '他の人が先に変更しました。',
      next: '読み直してから、新しい版に対して変更してください。',
    },
  },
  SETTING_UNKNOWN: {
    en: { says: 'There is no such setting.', next: 'List the settings: "tsunagu config settings".' },
    ja: { says: 'その設定項目はありません。', next: '「tsunagu config settings」で一覧を確認してください。' },
  },
  CONFIGURATION_VERSION_UNKNOWN: {
    en: { says: 'The layer has no such version.', next: 'List its versions: "tsunagu config history".' },
    ja: { says: 'その階層にその版はありません。', next: '「tsunagu config history」で版を確認してください。' },
  },
  JOB_UNKNOWN: {
    en: {
      says: 'There is no such job.',
      next: 'See which there are: tsunagu job list. Old ones are removed after a while.',
    },
    ja: {
      says: 'そのジョブはありません。',
      next: '一覧: tsunagu job list。古いものは削除されます。',
    },
  },
  JOB_CANCELLED: {
    en: {
      says: 'The job was taken back before it had an effect.',
      next: 'Order it again if it is wanted after all.',
    },
    ja: {
      says: 'ジョブは実行前に取り消されました。',
      next: '必要ならもう一度指示してください。',
    },
  },
  JOB_OVER: {
    en: {
      says: 'The job is over already; nothing was changed.',
      next: 'See how it ended: tsunagu job show.',
    },
    ja: {
      says: 'ジョブはすでに終了しています。何も変更していません。',
      next: '結果を確認してください: tsunagu job show',
    },
  },
  JOB_STILL_OPEN: {
    en: {
      says: 'The job is not over yet: a second one like it could have its effect twice.',
      next: 'Wait for its end or take it back first: tsunagu job cancel.',
    },
    ja: {
      says: 'ジョブはまだ終了していません。再実行すると二重に実行されるおそれがあります。',
      next: '終了を待つか、先に取り消してください: tsunagu job cancel',
    },
  },
  JOB_KIND_NOT_FOR_PEOPLE: {
    en: {
      says: 'The server orders this kind of job by itself.',
      next: 'Look at the key ledger: a key is loaded by itself when a slot is empty.',
    },
    ja: {
      says: 'この種類のジョブはサーバーが自動で指示します。',
      next: '鍵台帳を確認してください。空きスロットの鍵は自動で注入されます。',
    },
  },
  JOB_RESULT_MISSING: {
    en: {
      says: 'The terminal says that the job succeeded and does not show what it brought.',
      next: 'Check that terminal and server are of matching versions; then order it again.',
    },
    ja: {
      says: '端末は成功を報告しましたが、結果が含まれていません。',
      next: '端末とサーバーの版を確認し、もう一度指示してください。',
    },
  },
  JOB_LOG_UNKNOWN: {
    en: {
      says: 'There is no log of this job: it was never uploaded whole, or it was removed with its job.',
      next: 'Pull the log again: tsunagu job order SERIAL log.pull.',
    },
    ja: {
      says: 'このジョブのログはありません。アップロードが完了していないか、ジョブとともに削除されています。',
      next: 'もう一度取得してください: tsunagu job order SERIAL log.pull',
    },
  },
  JOB_TIMED_OUT: {
    en: {
      says: 'The terminal did not finish the job in time.',
      next: "Check the terminal's link, then start it again.",
    },
    ja: {
      says: '端末が時間内にジョブを終えませんでした。',
      next: '端末の接続を確認し、やり直してください。',
    },
  },
  JOB_UNIT_CHANGED: {
    en: {
      says: 'The terminal was enrolled anew before it told how the job ended: whether it had its effect is not known.',
      next: 'Look at the terminal, then order it again with "tsunagu job retry" if it is still wanted.',
    },
    ja: {
      says: 'ジョブの結果が届く前に端末が再登録されました。実行されたかは不明です。',
      next: '端末を確認し、まだ必要なら「tsunagu job retry」でやり直してください。',
    },
  },
  KEY_ORDER_REFUSED: {
    en: {
      says: 'The terminal refuses an order about its keys again and again; the next one waits longer each time.',
      next: 'Read the fault in its jobs ("tsunagu job list --serial SERIAL"), mend that, then cancel the waiting order: the next contact orders it at once.',
    },
    ja: {
      says: '端末が鍵の指示を繰り返し拒否しています。次の指示までの間隔は延び続けます。',
      next: '「tsunagu job list --serial 番号」でエラーを確認・解決し、待機中のジョブを取り消してください。次の接続で直ちに再指示されます。',
    },
  },
  JOB_QUEUE_FULL: {
    en: {
      says: 'Too many jobs wait for this terminal.',
      next: 'Let it finish or cancel some first.',
    },
    ja: {
      says: 'この端末の待ちジョブが多すぎます。',
      next: '完了を待つか、いくつか取り消してください。',
    },
  },
  ARTEFACT_UNKNOWN: {
    en: {
      says: 'There is no artefact of this digest.',
      next: 'Take the digest from a current signed head.',
    },
    ja: {
      says: 'このダイジェストのファイルはありません。',
      next: '最新の署名付きヘッドのダイジェストを使ってください。',
    },
  },
  PAN_INVALID: {
    en: {
      says: 'The card number fails its check digit.',
      next: 'Type it again.',
    },
    ja: {
      says: 'カード番号のチェックディジットが合いません。',
      next: '入力し直してください。',
    },
  },
  VAULT_LOCKED: {
    en: {
      says: 'The vault cannot be opened with this passphrase.',
      next: 'Give the passphrase that it was made with (TSUNAGU_VAULT_PASSPHRASE or the file beside it).',
    },
    ja: {
      says: 'このパスフレーズでは保管庫を開けません。',
      next: '作成時のパスフレーズを指定してください(TSUNAGU_VAULT_PASSPHRASEまたは隣のファイル)。',
    },
  },
  VAULT_DAMAGED: {
    en: {
      says: "The vault's file is damaged.",
      next: 'Put the backup of the vault back; keys cannot be made up again.',
    },
    ja: {
      says: '保管庫のファイルが壊れています。',
      next: '保管庫のバックアップを戻してください。鍵は再生成できません。',
    },
  },
  VAULT_KEY_UNKNOWN: {
    en: {
      says: 'The vault holds no such key for this use.',
      next: 'Check that vault and store belong together.',
    },
    ja: {
      says: 'その用途の鍵は保管庫にありません。',
      next: '保管庫とデータベースの組み合わせを確認してください。',
    },
  },
  STORE_UNUSABLE: {
    en: {
      says: 'The data store cannot be opened or migrated.',
      next: 'Check the disk and the rights on the data folder; begin anew with --fresh only if nothing in it counts.',
    },
    ja: {
      says: 'データストアを開けないか、更新できません。',
      next: 'ディスクとフォルダーの権限を確認してください。中身が不要な場合に限り--freshで作り直せます。',
    },
  },
  PORT_TAKEN: {
    en: {
      says: 'Another program listens on the port.',
      next: 'Stop that program, or start with another --port-base.',
    },
    ja: {
      says: 'ポートが他のプログラムに使われています。',
      next: 'そのプログラムを止めるか、--port-baseで別の番号を指定してください。',
    },
  },
  DATA_IN_USE: {
    en: {
      says: 'Another fleet server runs on this data folder.',
      next: 'Stop it first, or name another folder with --data.',
    },
    ja: {
      says: 'このデータフォルダーは別のサーバーが使用中です。',
      next: '先にそれを止めるか、--dataで別のフォルダーを指定してください。',
    },
  },
  ROUTE_UNKNOWN: {
    en: {
      says: 'There is nothing at this address.',
      next: 'Compare it with the documented paths.',
    },
    ja: {
      says: 'このアドレスには何もありません。',
      next: '仕様書のパスと照らし合わせてください。',
    },
  },
  METHOD_UNKNOWN: {
    en: {
      says: 'There is something at this address, but this cannot be done with it.',
      next: 'Use one of the methods in the facts.',
    },
    ja: {
      says: 'このアドレスでは、このメソッドは使えません。',
      next: 'factsにあるメソッドのいずれかを使ってください。',
    },
  },
  BODY_TOO_LARGE: {
    en: {
      says: 'The request is larger than is allowed here.',
      next: 'Send less at once.',
    },
    ja: {
      says: 'リクエストが大きすぎます。',
      next: '一度に送る量を減らしてください。',
    },
  },
  INTERNAL: {
    en: {
      says: 'Something went wrong inside the server.',
      next: 'Look for the same moment in the log; if it repeats, report it.',
    },
    ja: {
      says: 'サーバー内部で問題が起きました。',
      next: '同時刻のログを確認し、繰り返す場合は報告してください。',
    },
  },
});
