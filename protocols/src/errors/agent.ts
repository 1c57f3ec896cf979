import { defineErrors } from './define.ts';

/** Errors of the agent room: the terminal itself. */
export const agentErrors = defineErrors({
  STORE_READ_FAILED: {
    en: {
      says: 'The terminal’s store cannot be read.',
      next: 'Check that its folder exists, is readable, and that the disk is healthy.',
    },
    ja: { says: '端末の保管領域を読めません。', next: 'フォルダの有無と権限、ディスクの状態を確認してください。' },
  },
  STORE_WRITE_FAILED: {
    en: {
      says: 'The terminal’s store cannot be written.',
      next: 'Check free space and permissions of its folder. What was stored before is intact.',
    },
    ja: {
      says: '端末の保管領域に書き込めません。',
      next: '空き容量と権限を確認してください。以前の内容は保たれています。',
    },
  },
  STORE_RECORD_DAMAGED: {
    en: {
      says: 'A sealed record that tells who the terminal is, holds its keys or keeps it from going back is damaged or another device’s.',
      next: 'The terminal must be enrolled anew: "tsunagu claim SERIAL --out claim.json", and start it with that claim in an otherwise empty folder. Keep the old folder until its unsent payments are accounted for.',
    },
    ja: {
      says: '端末の身元・鍵・後戻り防止の封印記録が壊れているか、別の端末のものです。',
      next: '再登録が必要です。「tsunagu claim シリアル --out claim.json」で登録票を作り、それだけを置いた空のフォルダーで起動してください。未送信の取引を確認するまで古いフォルダーは残してください。',
    },
  },
  SALE_RECORD_SET_ASIDE: {
    en: {
      says: 'A record of the terminal’s sales is damaged. It was set aside in the terminal’s folder (NAME.TIME.damaged), and the terminal goes on.',
      next: 'Its number is that of the slip. Compare the day’s totals with the switch ("tsunagu switch transactions"); a refund of that sale is made without its slip. Then remove the file.',
    },
    ja: {
      says: '売上の記録が壊れていたため、端末のフォルダーに別名(名前.時刻.damaged)で保存し、端末は動作を続けています。',
      next: '番号は伝票番号です。その日の合計を「tsunagu switch transactions」と照合してください。その売上の返品は伝票なしで行います。確認後、ファイルを削除してください。',
    },
  },
  ADVICE_RECORD_SET_ASIDE: {
    en: {
      says: 'A record of an advice to the switch is damaged. It was set aside in the terminal’s folder (NAME.TIME.damaged); every other advice goes on.',
      next: '"advices" is the list alone, and was made anew from the advices themselves. An advice with a number could not be sent: compare the terminal’s slips with "tsunagu switch transactions", and claim the missing one by hand. Then remove the file.',
    },
    ja: {
      says: '送信待ち通知の記録が壊れていたため、端末のフォルダーに別名(名前.時刻.damaged)で保存しました。ほかの通知は送信されます。',
      next: '「advices」は一覧だけで、各通知から作り直しました。番号付きの通知は送信できません。伝票を「tsunagu switch transactions」と照合し、不足分を手作業で請求してください。確認後、ファイルを削除してください。',
    },
  },
  REVERSAL_RECORD_SET_ASIDE: {
    en: {
      says: 'The record of reversals that were still to be sent is damaged. It was set aside in the terminal’s folder (reversals.TIME.damaged); those of payments that have a slip were made anew and go on.',
      next: 'A payment that was cut short may stand at the issuer: look in "tsunagu switch transactions" for approved payments of this terminal without a slip, and refund them. Then remove the file.',
    },
    ja: {
      says: '未送信の取消電文の記録が壊れていたため、端末のフォルダーに別名(reversals.時刻.damaged)で保存しました。伝票のある取引の取消電文は作り直して送信します。',
      next: '中断した取引が発行会社側で成立している可能性があります。「tsunagu switch transactions」で伝票のない承認済み取引を探し、返金してください。確認後、ファイルを削除してください。',
    },
  },
  JOB_RECORD_SET_ASIDE: {
    en: {
      says: 'The terminal’s record of the jobs that it did is damaged. It was set aside in the terminal’s folder (jobs.TIME.damaged), and the terminal goes on.',
      next: 'Payments that were ordered before fail with JOB_INTERRUPTED instead of being made twice: look at "tsunagu trace SERIAL" or its slips, and order again what was not done. Then remove the file.',
    },
    ja: {
      says: '実行済み指示の記録が壊れていたため、端末のフォルダーに別名(jobs.時刻.damaged)で保存し、端末は動作を続けています。',
      next: '二重決済を避けるため、以前の決済指示はJOB_INTERRUPTEDで終わります。「tsunagu trace シリアル」か伝票を確認し、未実行のものだけ指示し直してください。確認後、ファイルを削除してください。',
    },
  },
  RESULT_RECORD_SET_ASIDE: {
    en: {
      says: 'The record of results on their way to the server is damaged. It was set aside in the terminal’s folder (outbox.TIME.damaged), and the terminal goes on.',
      next: 'No payment is lost, but the server’s list may lack some: "tsunagu switch transactions" has what the switch saw, and the terminal its slips. Then remove the file.',
    },
    ja: {
      says: 'サーバーへの結果報告の記録が壊れていたため、端末のフォルダーに別名(outbox.時刻.damaged)で保存し、端末は動作を続けています。',
      next: '取引は失われていませんが、サーバーの一覧に欠けがあるかもしれません。「tsunagu switch transactions」と端末の伝票で確認し、ファイルを削除してください。',
    },
  },
  CONFIGURATION_RECORD_SET_ASIDE: {
    en: {
      says: 'The record of the configuration is damaged. It was set aside in the terminal’s folder (NAME.TIME.damaged), and the terminal asks for it anew.',
      next: 'Nothing is lost but what a technician changed at the terminal itself. Look at "tsunagu config show SERIAL", then remove the file.',
    },
    ja: {
      says: '設定の記録が壊れていたため、端末のフォルダーに別名(名前.時刻.damaged)で保存し、端末は設定を取得し直します。',
      next: '失われるのは端末側で直接変更した設定だけです。「tsunagu config show シリアル」を確認し、ファイルを削除してください。',
    },
  },
  TERMINAL_IN_USE: {
    en: {
      says: 'Another process runs this terminal.',
      next: 'One terminal is one process: stop the other one first (Ctrl-C where `npm start` or the bridge runs).',
    },
    ja: {
      says: 'この端末は別のプロセスで動いています。',
      next: '1台の端末は1プロセスだけです。先に動いている方(npm startなど)をCtrl-Cで止めてください。',
    },
  },
  TERMINALS_MISSING: {
    en: {
      says: 'There is no terminal in this folder.',
      next: 'Name the folder with one folder per terminal (DATA/terminals of a house), or that of one terminal with its claim.json.',
    },
    ja: {
      says: 'このフォルダーに端末がありません。',
      next: '端末ごとのフォルダーが入ったフォルダー(起動データのterminals)か、claim.jsonのある端末フォルダーを指定してください。',
    },
  },
  CLAIM_BUNDLE_INVALID: {
    en: {
      says: 'The claim bundle (claim.json) is missing or not readable.',
      next: 'Register the terminal at the server and put the claim bundle into its folder.',
    },
    ja: {
      says: '登録用ファイル(claim.json)がないか、読めません。',
      next: 'サーバーで端末を登録し、claim.jsonを端末のフォルダに置いてください。',
    },
  },
  ENROLMENT_REFUSED: {
    en: {
      says: 'The server refused to enrol the terminal.',
      next: 'See the server’s code beside this line; for CLAIM_USED and CLAIM_ENDED issue its claim again: "tsunagu claim SERIAL".',
    },
    ja: {
      says: 'サーバーが端末の登録を拒否しました。',
      next: '併記のサーバーコードを確認してください。CLAIM_USEDとCLAIM_ENDEDの場合は登録情報を再発行してください: "tsunagu claim SERIAL"',
    },
  },
  ENROLMENT_ANSWER_INVALID: {
    en: {
      says: 'The answer to the enrolment is not usable: wrong shape, or a certificate for another key or name.',
      next: 'Check that terminal and server are of one version and that the address is that of the right server.',
    },
    ja: {
      says: '登録の応答が使えません(形式、または証明書の鍵や名前が違います)。',
      next: '端末とサーバーの版、接続先を確認してください。',
    },
  },
  LINK_DOWN: {
    en: {
      says: 'There is no connection to the server.',
      next: 'The terminal keeps trying by itself; check network and server when it lasts.',
    },
    ja: {
      says: 'サーバーに接続されていません。',
      next: '自動で再接続します。続く場合はネットワークとサーバーを確認してください。',
    },
  },
  LINK_REFUSED: {
    en: {
      says: 'The far side refused the connection or its certificate.',
      next: 'Check that the clock of the terminal is right, that it is neither revoked nor quarantined (tsunagu terminal SERIAL), and that it pins the right root.',
    },
    ja: {
      says: '接続または証明書が拒否されました。',
      next: '端末の時計が正しいか、端末が失効・隔離されていないか(tsunagu terminal シリアル)、固定しているルート証明書が正しいか確認してください。',
    },
  },
  ANSWER_TIMED_OUT: {
    en: {
      says: 'The server did not answer in time.',
      next: 'It is asked again by itself; look at the server’s load when it repeats.',
    },
    ja: {
      says: 'サーバーが時間内に応答しませんでした。',
      next: '自動で再試行します。繰り返す場合はサーバーの負荷を確認してください。',
    },
  },
  MESSAGE_INVALID: {
    en: {
      says: 'A message from the server is not readable and was dropped.',
      next: 'Compare the versions of terminal and server.',
    },
    ja: { says: 'サーバーからのメッセージを読めず、破棄しました。', next: '端末とサーバーの版を確認してください。' },
  },
  MESSAGE_EXPIRED: {
    en: {
      says: 'A message arrived after its time and has no effect.',
      next: 'Check the terminal’s clock when this repeats.',
    },
    ja: { says: '期限切れのメッセージが届き、無視しました。', next: '繰り返す場合は端末の時計を確認してください。' },
  },
  CONFIGURATION_BEYOND_MODEL: {
    en: {
      says: 'The desired configuration asks for something that this model cannot do.',
      next: 'Change the named property for this model; the former configuration stays in force.',
    },
    ja: {
      says: 'この機種でできない設定が指定されています。',
      next: '示された項目を機種に合わせてください。以前の設定が有効なままです。',
    },
  },
  CONFIGURATION_CONTRADICTS: {
    en: {
      says: 'Two settings contradict each other for some terminals.',
      next: 'Change the named setting or the one that bounds it in the same layer or above; nothing was changed.',
    },
    ja: {
      says: '一部の端末で2つの設定が矛盾します。',
      next: '示された項目か、その上限となる項目を変更してください。何も変更されていません。',
    },
  },
  CONFIGURATION_DAMAGED: {
    en: {
      says: 'A configuration arrived that is not what its hash says.',
      next: 'Nothing: the former one stays in force, and the terminal fetches it anew. When it repeats, look at the line.',
    },
    ja: {
      says: '届いた設定がハッシュと一致しません。',
      next: '対処は不要です。以前の設定のまま再取得します。繰り返す場合は回線を調べてください。',
    },
  },
  CONFIGURATION_REVERTED: {
    en: {
      says: 'With the new configuration the server could not be reached: the terminal went back to the last good one.',
      next: 'Look at what was changed of the line (host, port), correct it, and the terminal fetches it by itself.',
    },
    ja: {
      says: '新しい設定ではサーバーに接続できず、直前の正常な設定に戻しました。',
      next: '接続に関する変更(ホスト、ポート)を確認・修正してください。端末が自動で再取得します。',
    },
  },
  CONFIGURATION_WAITS: {
    en: {
      says: 'The configuration is on the terminal and waits for its maintenance window.',
      next: 'Nothing: it is put in force when the window opens.',
    },
    ja: {
      says: '設定は端末に届いており、保守時間帯を待っています。',
      next: '対処は不要です。時間帯になると有効になります。',
    },
  },
  CONFIGURATION_CHANGED_LOCALLY: {
    en: {
      says: 'A technician changed the configuration at the terminal.',
      next: 'Take it over into the terminal’s layer, or change a layer: the next desired configuration replaces it.',
    },
    ja: {
      says: '保守員が端末で設定を変更しました。',
      next: '端末の階層に反映するか、いずれかの階層を変更してください。次の設定で上書きされます。',
    },
  },
  JOB_ORDER_INVALID: {
    en: {
      says: 'A signed order is not readable.',
      next: 'Compare the versions of terminal and server: the kind of job may be newer than the terminal.',
    },
    ja: { says: '署名された指示を読めません。', next: '端末とサーバーの版を確認してください。' },
  },
  JOB_NOT_FOR_THIS_TERMINAL: {
    en: {
      says: 'A signed order names another terminal.',
      next: 'It has no effect here. When it repeats, look for a misrouted downlink at the server.',
    },
    ja: {
      says: '別の端末宛ての指示です。',
      next: 'この端末では実行されません。繰り返す場合はサーバーの配信を調べてください。',
    },
  },
  JOB_EXPIRED: {
    en: {
      says: 'The order’s time had passed before it ran.',
      next: 'Start the job again; check the terminal’s clock when it was sent just now.',
    },
    ja: {
      says: '指示の期限が過ぎています。',
      next: 'もう一度実行してください。直後の場合は端末の時計を確認してください。',
    },
  },
  JOB_INTERRUPTED: {
    en: {
      says: 'The terminal lost power while the job ran; it is not run twice.',
      next: 'Start it again if its effect is still wanted.',
    },
    ja: { says: '実行中に端末の電源が切れました。二重実行はしません。', next: '必要なら、もう一度実行してください。' },
  },
  SALES_UNDELIVERED: {
    en: {
      says: 'Sales, reversals or advices on the terminal are not delivered yet: a wipe would lose them.',
      next: 'Bring its line up and wait; the wipe is tried again by itself.',
    },
    ja: {
      says: '未送信の取引・取消・通知が端末に残っています。消去すると失われます。',
      next: '回線を復旧してお待ちください。消去は自動で再試行されます。',
    },
  },
  WIPE_INCOMPLETE: {
    en: {
      says: 'Something is still on the terminal after the wipe.',
      next: 'Order the wipe again; if that fails too, have the terminal destroyed.',
    },
    ja: {
      says: '消去後も端末にデータが残っています。',
      next: 'もう一度消去を指示してください。再び失敗する場合は端末を物理的に破棄してください。',
    },
  },
  WIPE_NOT_PROVEN: {
    en: {
      says: 'What the terminal swears to is not a proof of this wipe by its own key.',
      next: 'Treat the terminal as one that was not wiped: put it in quarantine, and have it destroyed.',
    },
    ja: {
      says: '端末の申告は、その端末の鍵によるこの消去の証明になっていません。',
      next: '未消去の端末として扱い、隔離したうえで物理的に破棄してください。',
    },
  },
  JOB_LEDGER_FULL: {
    en: {
      says: 'Too many results wait for the server’s acknowledgement; no new order is taken.',
      next: 'They are reported again by itself; look at the server when it lasts.',
    },
    ja: {
      says: '未確認の結果が多く、新しい指示を受けません。',
      next: '自動で再報告します。続く場合はサーバーを確認してください。',
    },
  },
  KEY_NOT_AS_ANNOUNCED: {
    en: {
      says: 'The key in the block is not the one announced: check value, usage or length differ.',
      next: 'Send the key again from the vault; compare the check value there.',
    },
    ja: {
      says: '鍵ブロックの鍵が通知と違います(検査値・用途・長さ)。',
      next: '保管庫の検査値を照合し、鍵を送り直してください。',
    },
  },
  KEY_STILL_NEEDED: {
    en: {
      says: 'The key was not erased: a negative list that is in force here is looked up with it.',
      next: 'Nothing: the server orders it again once the terminal tells of lists under the next key.',
    },
    ja: {
      says: '適用中のネガリストの照合に必要なため、鍵を消去しませんでした。',
      next: '操作は不要です。端末が次の鍵のリストを適用した後、自動で再指示されます。',
    },
  },
  KEY_SLOT_EMPTY: {
    en: {
      says: 'The key slot is empty.',
      next: 'The server loads it by a job after the next hello; check the job’s state.',
    },
    ja: { says: '鍵スロットが空です。', next: '次回の接続後に自動で注入されます。ジョブの状態を確認してください。' },
  },
  ARTEFACT_UNAVAILABLE: {
    en: {
      says: 'An artefact could not be fetched from the device API.',
      next: 'It is fetched again by itself; check the device API when it lasts.',
    },
    ja: {
      says: '端末APIから配布物を取得できません。',
      next: '自動で再取得します。続く場合は端末APIを確認してください。',
    },
  },
  SOFTWARE_IMAGE_INVALID: {
    en: {
      says: 'The software image is not one.',
      next: 'Build it again with "tsunagu software make" and upload it anew.',
    },
    ja: {
      says: 'ソフトウェアイメージの形式が不正です。',
      next: '「tsunagu software make」で作り直し、再登録してください。',
    },
  },
  SOFTWARE_NOT_AS_ANNOUNCED: {
    en: {
      says: 'The software image is not what its order announced (digest, version or counter).',
      next: 'Upload the image anew and order it by the digest that the upload answers with.',
    },
    ja: {
      says: 'ソフトウェアイメージが指示の内容(ダイジェスト、版、カウンタ)と一致しません。',
      next: 'イメージを登録し直し、登録時のダイジェストで指示してください。',
    },
  },
  SOFTWARE_NOT_FOR_MODEL: {
    en: {
      says: 'The software image was made for another model.',
      next: 'Choose the image that names the terminal’s model.',
    },
    ja: { says: '別の機種用のソフトウェアイメージです。', next: 'この端末の機種用のイメージを選んでください。' },
  },
  SOFTWARE_OLDER: {
    en: {
      says: 'The terminal takes no software below its rollback counter.',
      next: 'Build the older version anew with a counter that is not below the terminal’s.',
    },
    ja: {
      says: 'ロールバック防止カウンタより古いソフトウェアは導入できません。',
      next: '端末のカウンタ以上の値で旧版を作り直してください。',
    },
  },
  SOFTWARE_TRIAL_ENDED: {
    en: {
      says: 'The new software hung, fell over or lost power before it proved itself; the terminal runs the old one again.',
      next: 'See the terminal’s log for the boots of the trial; order it anew if power failed, otherwise mend the image.',
    },
    ja: {
      says: '新しいソフトウェアが接続確認の前に停止したか、電源が切れました。旧版に戻りました。',
      next: '試行起動のログを確認してください。電源断であれば再度指示し、そうでなければイメージを修正してください。',
    },
  },
  SOFTWARE_REVERTED: {
    en: {
      says: 'The new software did not reach its server in time; the terminal runs the old one again.',
      next: 'See the terminal’s log for the boots of the trial, mend the image, and order it anew.',
    },
    ja: {
      says: '新しいソフトウェアが時間内にサーバーへ接続できず、旧版に戻りました。',
      next: '端末のログで試行時の起動を確認し、イメージを直して再度指示してください。',
    },
  },
  TERMINAL_TAMPERED: {
    en: {
      says: 'The terminal’s case was opened or broken: its keys are destroyed and it sells nothing.',
      next: 'It is quarantined: no wire lets it in, and a work order is open. Take it out of service and send it to the workshop.',
    },
    ja: {
      says: '端末の筐体が開けられたか破損しました。鍵は消去され、売上はできません。',
      next: '端末は隔離され、全ての接続が拒否されます。修理伝票は起票済みです。使用を中止し、修理拠点へ送ってください。',
    },
  },
  RELAY_CHILD_UNKNOWN: {
    en: { says: 'The parent terminal does not know this child.', next: 'Register the child with this parent.' },
    ja: { says: '親機がこの子機を知りません。', next: '子機をこの親機に登録してください。' },
  },
  RELAY_SERVICE_UNKNOWN: {
    en: {
      says: 'The relay carries the services fleet, device and acquiring only.',
      next: 'Check what the child asked for.',
    },
    ja: { says: '中継できるサービスは fleet、device、acquiring のみです。', next: '子機の要求を確認してください。' },
  },
  RELAY_REQUEST_INVALID: {
    en: {
      says: 'The relay did not understand the request, or it did not come in time.',
      next: 'Check that a terminal of this house is at the other end.',
    },
    ja: {
      says: '中継要求を理解できないか、時間内に届きませんでした。',
      next: '接続元がこのシステムの端末か確認してください。',
    },
  },
  RELAY_FULL: {
    en: { says: 'The parent terminal carries as many connections as it may.', next: 'Attach fewer children or wait.' },
    ja: { says: '親機の中継数が上限に達しています。', next: '子機を減らすか、しばらく待ってください。' },
  },
  RELAY_UNAVAILABLE: {
    en: {
      says: 'The parent terminal’s relay cannot be reached, or cannot reach the server.',
      next: 'Check that the parent runs and is connected.',
    },
    ja: {
      says: '親機の中継に接続できないか、サーバーに届きません。',
      next: '親機が動作し接続されているか確認してください。',
    },
  },
});
