import type { Texts } from './en.ts';
import { identityJa } from './identity-ja.ts';
import { keysJa } from './keys-ja.ts';
import { lifeJa } from './life-ja.ts';
import { campaignJa } from './campaign-ja.ts';
import { switchJa } from './switch-ja.ts';
import { switchRulesJa } from './switch-rules-ja.ts';
import { validityJa } from './validity-ja.ts';
import { workshopJa } from './workshop-ja.ts';

/** CLIの日本語テキスト。 */
export const ja: Texts = {
  campaign: campaignJa,
  workshop: workshopJa,
  ...switchRulesJa,
  identity: identityJa,
  keys: keysJa,
  life: lifeJa,
  switch: switchJa,
  validity: validityJa,
  next: '対処:',
  none: '-',
  yen: (amount) => `${amount < 0 ? '-' : ''}¥${Math.abs(amount).toLocaleString('ja-JP')}`,
  ago: (seconds) =>
    seconds < 60
      ? `${seconds}秒`
      : seconds < 3_600
        ? `${Math.floor(seconds / 60)}分`
        : seconds < 86_400
          ? `${Math.floor(seconds / 3_600)}時間`
          : `${Math.floor(seconds / 86_400)}日`,
  columns: {
    serial: '端末',
    model: '機種',
    place: '設置場所',
    link: '回線',
    keys: '鍵',
    configuration: '設定',
    negative: 'ネガ',
    lastSale: '直近の売上',
  },
  link: { ready: '接続中', lost: '切断(異常)', disconnected: '停止中', never: '未接続' },
  keysDestroyed: '破棄済',
  keysLoaded: (have) => (have === 0 ? 'なし' : `${have}本`),
  inSync: (version) => `v${version}`,
  behind: (reported, desired) => `v${reported} (配信待ち v${desired})`,
  negativeAge: (version, age, current) => (version === 0 ? 'なし' : `v${version} ${current ? '' : '未更新 '}${age}`),
  outcome: { approved: '承認', declined: '拒否', refused: '端末拒否', reversed: '取消済', failed: '失敗' },
  steps: {
    'card-presented': 'カード提示',
    'application-selected': 'アプリケーション選択',
    'card-read': 'カード読取',
    'negative-checked': 'ネガ照合',
    'cryptogram-made': 'カードが暗号文を生成',
    'rate-offered': '自国通貨を提示',
    'rate-chosen': 'お客様の選択',
    'rate-not-offered': '自国通貨の提示なし(円での取引)',
    'request-sent': 'スイッチへ送信',
    'answer-received': '応答受信',
    'card-elsewhere': '別の読取方法へ',
    'card-again': 'もう一度カードを置いてください',
    'card-settled': 'カードの未確定処理を確定',
    'card-completed': 'カード処理完了',
    'reversal-queued': '取消電文を登録',
    finished: '終了',
  },
  timeline: {
    registered: '台帳に登録',
    enrolled: '端末登録',
    'certificate-renewed': '証明書更新',
    'claim-reissued': '登録情報再発行',
    'lifecycle-moved': 'ライフサイクル移動',
    wiped: '消去済み(新しい登録票が必要)',
    'handed-over': '受渡し',
    swap: '交換',
    inspection: '点検',
    'work-order': '整備指示',
    'certificate-revoked': '証明書失効',
    hello: '起動通知',
    connected: '接続',
    lost: '回線断',
    'configuration-changed': '設定変更',
    'configuration-reported': '設定反映',
    'key-loaded': '鍵設定',
    'key-released': '鍵配布ホストの解除・結び替え',
    'key-erased': '旧鍵を消去',
    'negative-applied': 'ネガ適用',
    'job-queued': 'ジョブ登録',
    'job-finished': 'ジョブ終了',
    sale: '売上',
    alarm: '警報',
  },
  detail: {
    model: '機種',
    place: '設置場所',
    parent: '親機',
    children: '子機',
    replaces: '旧端末(RMA)',
    replacedBy: '交換品(RMA)',
    link: '回線',
    software: 'ソフトウェア',
    certificate: '証明書',
    keys: '鍵',
    configuration: '設定',
    negative: 'ネガ',
    cards: 'エミュレートされたカード',
    lastSale: '直近の売上',
    timeline: '履歴',
    until: '有効期限',
  },
  sale: {
    title: (serial, amount, card) => `${serial}  ${amount}  ${card}`,
    result: (outcome, parts) => [outcome, ...parts].join('  '),
    lastFour: (digits) => `カード下4桁 ${digits}`,
    approval: (code) => `承認番号 ${code}`,
    action: (code, words) => `アクションコード ${code}${words === undefined ? '' : `（${words}）`}`,
    took: (ms) => `${Math.round(ms)} ミリ秒`,
    stan: (stan) => `端末通番 ${stan}`,
    follow: (original) => `元通番 ${original}`,
    balance: (amount) => `利用可能額 ${amount}`,
    points: (count) => `${count.toLocaleString('ja-JP')}ポイント`,
    left: (amount) => `カード残額 ${amount}`,
    historyColumns: { on: '利用日', process: '種別', terminal: '端末', serial: '連番', balance: '残額' },
    offline: 'オフライン承認',
    queued: 'センター未送信',
  },
  payment: {
    kinds: {
      sale: '売上',
      void: '取消',
      refund: '返品',
      preauth: 'オーソリ',
      complete: '承認後売上',
      balance: '残高照会',
      charge: 'チャージ',
      issue: 'カード発行',
      history: '利用履歴',
    },
    title: (serial, parts) => [serial, ...parts].join('  '),
  },
  totals: {
    title: (serial, day, isClosed) => `${serial}  営業日 ${day}${isClosed ? '(締め済)' : ''}`,
    columns: { scheme: 'カード会社', kind: '取引区分', count: '件数', amount: '金額' },
    net: (amount) => `差引合計 ${amount}`,
    waiting: (count) => `センター未送信 ${count} 件`,
    refused: (stan, actionCode) =>
      `端末通番 ${stan} の通知はセンターが受け付けませんでした(応答コード ${actionCode})。係員の確認が必要です。`,
  },
  carry: {
    until: '期限(UTC)',
    left: (serial, kinds) => `${serial}: サーバー接続が必要なため持参できません: ${kinds}`,
    fetched: (file) =>
      `${file}: 期限までに端末へ持参し、端末が返したファイルを「tsunagu job deliver」で登録してください。どの経路で届いても実行は一度だけです。`,
    handed: (serial, reports, orders, file) =>
      reports === orders
        ? `${serial} の結果 ${reports} 件: ${file}。次に: tsunagu job deliver ${file}`
        : `${serial} の結果 ${orders} 件中 ${reports} 件: ${file}。残りは同じファイルを再度投入してください。`,
  },
  job: {
    language: 'ja',
    columns: {
      id: 'ジョブ',
      type: '種類',
      kind: '内容',
      state: '状態',
      attempt: '試行',
      created: '指示日時(UTC)',
      fault: '障害',
    },
    states: {
      held: '承認待ち',
      queued: '待機中',
      offered: '通知済み',
      running: '実行中',
      succeeded: '完了',
      failed: '失敗',
      'timed-out': '時間切れ',
      cancelled: '中止',
    },
    cancelling: '(取消依頼中)',
    late: '(期限後)',
    secondPerson: '別の担当者の承認が必要',
    held: (id: string) => `別の担当者の承認が必要です: tsunagu job approve ${id}`,
    outlook: {
      fault: (code, says, attempt) => (attempt > 0 ? `${attempt}回目の結果 ${code}: ${says}` : `${code}: ${says}`),
      queued: (attempt, max, from, until, isAgain) =>
        `${isAgain ? '自動で再試行します: ' : ''}${max}回中${attempt}回目を、${from ? `${from} 以降に` : ''}端末が問い合わせた時に渡します。期限 ${until}。`,
      offered: (attempt, max, until) =>
        `${max}回中${attempt}回目を端末に渡しました。応答があるまで繰り返し渡します。期限 ${until}。`,
      running: (attempt, max, until) =>
        `${max}回中${attempt}回目を端末が実行中です。期限 ${until}。長く報告がない場合も時間切れになります。`,
      failed: (attempt, max, id) =>
        `${attempt < max ? 'この障害は自動では再試行しません。' : `全${max}回の試行が終わりました。`}もう一度指示するには: tsunagu job retry ${id}`,
      timedOut: (id) =>
        `自動では再試行しません。後から届いた結果は有効です。もう一度指示するには: tsunagu job retry ${id}`,
      cancelling: '取消を端末に依頼しています。まだ効果がなければ中止になり、効果があればその結果で終わります。',
      cancel: {
        'at-once': (id) => `端末はまだ実行していません。tsunagu job cancel ${id} で直ちに取り消せます。`,
        asked: (id) =>
          `端末に渡っています。tsunagu job cancel ${id} は端末に取消を依頼します。まだ効果がなければ中止になり、効果があればその結果で終わります。`,
      },
    },
  },
  software: {
    made: (path, bytes) => `${path}: 模擬端末用イメージ ${bytes.toLocaleString('ja-JP')} バイト`,
    installing: (serial, version, digest) => `${serial}  ソフトウェア ${version}  ${digest} …`,
    installed: (serial, version) => `${serial} は ${version} で動作し、接続を確認しました。`,
    role: (role, version, expires) => `${role.padEnd(10)} 版 ${version}、期限 ${expires}`,
    holders: (role, version, expires, threshold, keys, here) =>
      `${role.padEnd(10)} 版 ${version}、期限 ${expires}、鍵 ${keys} 個中 ${threshold} 個の署名が必要、${here === 'server' ? 'サーバーが自動署名' : `うち ${here} 個がこのフォルダー`}`,
    runsOut: (role, date, isOver, isOnline) =>
      `${date} に${isOver ? '期限が切れました' : '期限が切れます'}。${isOnline ? 'サーバーが自動で署名するはずのものです。サーバーのログを確認してください' : `鍵を用意して tsunagu software renew ${role} を実行してください`}${isOver && !isOnline ? '。それまで端末はソフトウェアを受け取りません' : ''}`,
    drafted: (path) =>
      `${path}: 他の鍵保持者が署名(tsunagu software sign)した後、tsunagu software submit で公開してください。`,
    signed: (path, keys) => `${path}: 署名しました(${keys})`,
    attested: (digest, passed, readers) =>
      `${digest}  検証証明を登録しました: リーダー ${readers} 台、手順 ${passed} 件成功、失敗なし。`,
    columns: {
      model: '機種',
      version: '版',
      counter: 'カウンター',
      size: 'バイト数',
      attested: '検証証明',
      digest: 'ダイジェスト',
    },
  },
  tampered: (serial, sensor) => `${serial} のセンサー(${sensor})が反応しました。鍵は消去され、売上はできません。`,
  trouble: { title: '要確認', runs: '動作中', stands: '停止中' },
  recounted: (serial) => `${serial}の起動回数は次の接続から数え直します。`,
  nothingListed: 'ありません。',
  revocation: (isHeld, isDry) =>
    isHeld ? (isDry ? '第二者の承認が必要' : '第二者の承認待ち') : isDry ? '失効の対象' : '失効済み',
  revocationHeld: (approval) =>
    approval === ''
      ? 'この台数の失効には第二者の承認が必要です。'
      : `まだ失効していません。第二者(管理者)が内容を確認(tsunagu approvals show ${approval})のうえ、承認してください: tsunagu approvals approve ${approval}`,
  optionMeant: (meant) => `もしかして: ${meant}。一覧は --help で確認できます。`,
  optionExample: (example) => `例: ${example}。一覧は --help で確認できます。`,
  inputInvalid: (field) =>
    field === ''
      ? '値をコマンドの --help と照らし合わせてください。'
      : `「${field}」の値をコマンドの --help と照らし合わせてください。存在するものは「tsunagu job list」などの一覧で確認できます。`,
  roleNeeded: (permission, roles) =>
    `「${permission}」の権限が必要です(役割: ${roles.join('、') || 'なし'})。管理者が担当者を追加できます: tsunagu people add 名前 --role ${roles[0] ?? '役割'}。その担当者でサインインし、TSUNAGU_TOKENを設定してください。`,
  edgesFrom: (state, next) =>
    next.length > 0 ? `${state} から移れる状態: ${next.join('、')}` : `${state} は最後の状態で、遷移先はありません。`,
  revoked: (serial) => `${serial} の証明書を失効させ、接続を切断しました。`,
  negative: {
    added: (lastFour, version, seq) =>
      `下4桁 ${lastFour} のカードを無効登録しました: バージョン ${version}、緊急登録 ${seq}。`,
    already: (lastFour) => `下4桁 ${lastFour} のカードは登録済みです。`,
    columns: {
      list: 'リスト',
      codec: '方式',
      terminals: '端末',
      exposed: 'リスク額',
      lastFour: 'カード',
      reason: '理由',
      source: '登録元',
      added: '登録日時',
      version: '版',
      cards: '件数',
      bytes: 'バイト',
      issued: '発行日時',
    },
    published: (version, count) => `版 ${version} を発行しました: ${count} 件。`,
    imported: (added, removed, kept, refused) =>
      `追加 ${added} 件、削除 ${removed} 件、継続 ${kept} 件、不正な行 ${refused} 行`,
    refusedLine: (line, why) => `${line} 行目: ${why} が不正です`,
    withheld: (cards) =>
      `解除待ち ${cards} 件(まだ登録されています): 別の担当者が tsunagu negative publish --second-signature で署名してください`,
    exposure: (yen) => `未更新端末のリスク額: ¥${yen.toLocaleString('ja-JP')}`,
    diff: (from, to, added, removed, delta, whole) =>
      `版 ${from} → ${to}: 追加 ${added} 件、削除 ${removed} 件。全件 ${whole} バイトに対し差分 ${delta} バイト`,
    isListed: (lastFour) => `下4桁 ${lastFour} のカードは登録されています:`,
    isNotListed: (lastFour) => `下4桁 ${lastFour} のカードは登録されていません。`,
    refusedByRange:
      'ただし端末では引き続き拒否されます: 無効番号帯に入っています。このカードだけ通すには tsunagu negative allow を使います。',
    removalWaits:
      'ただし端末では引き続き拒否されます: 解除が第二署名待ちです(別の担当者が tsunagu negative publish --second-signature)。',
    refusedByChance:
      'ただし端末では引き続き拒否されます: 登録カードと偶然に一致しています。通すには tsunagu negative allow を使います。',
    listedBy: (source, reason, at, version) =>
      `  登録元 ${source}: ${reason}、${at} から、${version === null ? '緊急登録' : `版 ${version}`}`,
    proven: (lastFour, serial, at, answer, reason, by) =>
      `証明は成立します。下4桁 ${lastFour}、端末 ${serial}、${at}: ${answer}${reason && ` (${reason})`}、根拠 ${by}。`,
    provenBy: (version, seq, saidAt, keys) =>
      `適用中: 版 ${version}、緊急登録 ${seq} (${saidAt} に端末が報告)。ルート鍵: ${keys}`,
    state: (version, seq, current, behind) =>
      `バージョン ${version}、緊急登録 ${seq} まで。最新の端末 ${current} 台、未更新 ${behind} 台`,
  },
  negativeKeys: {
    made: (id, file) => `鍵 ${id} を作成し ${file} に封印しました。ファイルとパスフレーズは別々に保管してください。`,
    root: (version, notAfter, threshold) =>
      `ルート ${version}、有効期限 ${notAfter}。次のルートにはルート鍵 ${threshold} 本の署名が必要です。`,
    key: (id, role, mark) =>
      `  ${id}  ${role.padEnd(9)}  ${{ '': '', signed: '署名済', before: '署名済(前のルート)', held: 'サーバー保有' }[mark]}`,
    next: (version) => `ルート ${version} は次の版とともに有効になります。`,
    waits: (version, count, before) => `第${version}版が署名待ちです: ${count}件(現行 ${before}件)。`,
    waitsFor: '新しい版はサーバー外のリスト鍵の署名を待っています: tsunagu negative sign',
    nothingWaits: '署名待ちの版はありません。',
    oneMore: '署名しました。発行にはもう1本のリスト鍵の署名が必要です。',
  },
  config: {
    columns: {
      setting: '項目',
      name: '名称',
      value: '値',
      reported: '反映済み',
      from: '設定元',
      layer: '階層',
      version: '版',
      at: '変更日時',
      by: '変更者',
      reason: '変更理由',
      count: '項目数',
      changes: '変更内容',
      serial: 'シリアル',
      model: '機種',
      why: '理由',
      since: '発生時刻',
      behind: '未反映の階層',
      bounds: '範囲',
      needs: '必要な機能',
    },
    layers: {
      factory: '出荷時',
      defaults: '既定',
      model: '機種',
      merchant: '加盟店',
      shop: '店舗',
      campaign: '配信',
      terminal: '端末',
    },
    drifts: {
      unfetched: '未取得',
      offline: '未接続',
      waiting: '保守時間帯待ち',
      refused: '端末が拒否',
      reverted: '正常な設定に復帰',
      local: '端末で変更',
      model: '機種の対象外あり',
    },
    written: (layer: string, version: number, terminals: number) =>
      `${layer}はv${version}です。${terminals}台が対象です。`,
    unable: (terminals: number, model: string, setting: string, needs: string) =>
      `  ${model} ${terminals}台には「${setting}」を反映しません(${needs}がありません)`,
    same: '差異はありません。',
    unset: '設定なし',
    inSync: (inSync: number, all: number) => `${all}台中${inSync}台が設定どおりです。`,
    asDesired: '設定どおりです。',
    isDrifting: (reason: string, code: string, since: string) => `設定と異なります: ${reason}${code}(${since}から)`,
    decides: (value: string, layer: string) => `${value}(${layer}の設定)`,
    lacks: (needs: string) => `なし(機種に${needs}がありません)`,
    inForce: (value: string) => `反映済みの値: ${value}`,
    serviced: (serial: string, by: string) =>
      `${by}が${serial}の保守メニューに入力しました。結果は「tsunagu config drift」で確認できます。`,
  },
  outage: {
    began: (link) =>
      `${link} のイシュアを停止しました。状態: tsunagu switch links  復旧: tsunagu emulate outage ${link} --end`,
    over: (link) => `${link} のイシュアを復旧させました。スイッチは30秒以内に自動で開局します。`,
  },
  start: {
    title: 'Tsunagu つなぐ',
    preparing: (what) => `${what}を起動しています …`,
    waiting: (what, seconds, progress, logs) =>
      `  ${what}の起動を待っています: ${progress ? `${progress.of}台中${progress.count}台が起動済み、` : ''}${seconds}秒経過。ログ ${logs}、Ctrl-Cで停止`,
    parts: {
      server: '端末管理サーバーとスイッチ',
      cardCompany: '模擬イシュア',
      terminals: (n) => `模擬端末 ${n} 台`,
    },
    running: '起動しました:',
    notWell: (n: number) => `正常に動いていない端末: ${n}台`,
    line: {
      fleet: (port, ws) => `端末管理 (MQTT/TLS)        ポート ${port}、WebSocket ${ws}`,
      device: (port) => `端末API (HTTPS)            ポート ${port}`,
      acquiring: (port) => `スイッチ (ISO 8583/TLS)    ポート ${port}`,
      issuers: (ports) => `模擬イシュア               ${ports}`,
      metrics: (url) => `メトリクス                 ${url}`,
      terminals: (n) => `模擬端末                   ${n} 台`,
      data: (folder) => `データとログ               ${folder}`,
    },
    keysHere: {
      title: '人が保管すべき鍵がこの機械にあります。次のコマンドで取り出してください:',
      ca: '認証局のルート         ',
      software: 'ソフトウェアのroot     ',
      negative: 'ネガのルートとリスト   ',
    },
    dashboard: 'ダッシュボード:',
    signIn: '一度だけ使えるログインリンク:',
    tryNext: '別のウィンドウで試せるコマンド:',
    stop: 'Ctrl-C ですべて停止します。',
    died: (what, seconds, logs) =>
      `${what}が予期せず終了しました。${seconds}秒後に再起動します。他はそのまま動き続けます。原因はログにあります: ${logs}`,
    returned: (what) => `${what}が再び動き始めました。`,
    stopping: '停止しています …',
    stopped: 'すべて停止しました。データは保存されています。「npm start -- --fresh」で最初から始められます。',
  },
  tui: {
    title: 'つなぐ',
    live: '接続中',
    offline: '切断',
    stale: (age) => `更新停止 ${age}`,
    filter: '絞り込み',
    empty: '端末はまだありません。',
    noMatch: '条件に合う端末がありません。',
    loading: '読み込み中 …',
    terminals: (shown, all) => (shown === all ? `端末 ${all} 台` : `端末 ${shown} / ${all} 台`),
    help: {
      move: '移動',
      open: '開く',
      back: '戻る',
      sale: 'テスト売上',
      filter: '絞り込み',
      language: 'English',
      quit: '終了',
      help: 'キー一覧',
      refresh: '更新',
    },
    helpTitle: 'キー一覧',
    chooseCard: 'テスト売上: カードを選択',
    amount: '金額(円)',
    method: (method, isDivided) => `p: 支払区分  ${method}${isDivided ? '  (n: 分割回数)' : ''}`,
    own: (isOn) => `[${isOn ? 'x' : ' '}] o: 提示されたら自国通貨で支払う`,
    noCards: 'この端末に模擬カードはありません。実物のカードを提示してください。',
    start: 'Enterで売上を開始',
    saleRunning: '処理中 …',
  },
  wire: {
    nothingKnown: '当てはまる形式がありません。',
    columns: { bytes: '位置', name: '項目', value: '値' },
    lengthBytes: (count) => `${count}バイト`,
    alsoFits: (names) => `他に当てはまる方言: ${names.join('、')}`,
    brokenOff: '途中で読めなくなりました:',
    masked: '伏せた値は --reveal で表示します。',
  },
  people: {
    columns: { id: 'ID', name: '名前', roles: '役割', state: '' },
    ended: '終了',
    signedIn: (name) => `${name} さんとして12時間使えるトークンです: TSUNAGU_TOKEN=… npx tsunagu …`,
    added: (name, url) => `${name} さんがサインインできます。次のリンクは15分以内に1回だけ使えます:\n${url}`,
  },
  tokens: {
    columns: { id: 'ID', name: '名前', roles: '権限', places: '設置場所', used: '最終使用', ends: '期限' },
    revoked: '失効',
    never: 'なし',
    shownOnce: 'トークンの表示は今回限りです。使う機械だけが読める場所に保管してください。',
    ended: (name) => `トークン ${name} を失効させました。`,
  },
  webhooks: {
    columns: {
      id: 'ID',
      name: '名前',
      url: '送信先',
      events: 'イベント',
      state: '状態',
      failing: '失敗開始',
      nextAttempt: '次回試行',
      message: 'メッセージ',
      serial: '端末番号',
      kind: '種類',
      attempts: '試行',
      next: '次回 / 終了',
      fault: '最後の応答',
    },
    states: { active: '有効', paused: '停止中' },
    deliveryStates: { pending: '待機', delivered: '配信済み', dead: '配信不能' },
    all: 'すべて',
    shownOnce: '署名鍵の表示は今回限りです。',
    replaying: (name) => `${name} に再送します。`,
    trying: (name) =>
      `${name} への送信を試行します。結果は tsunagu webhooks または webhooks deliveries ID で確認できます。`,
    rotated: '署名鍵の表示は今回限りです。以前の鍵でも1日間は並行して署名されます。',
    removed: (id) => `Webhook ${id} と送信待ちのメッセージを削除しました。`,
  },
  audit: {
    columns: { seq: '番号', at: '日時', actor: '実行者', action: '操作', subject: '対象', outcome: '結果' },
    outcomes: { done: '実行', refused: '拒否', failed: '失敗' },
    read: (count, first, last) => `${count} 件（番号 ${first}〜${last}）。`,
    line: (line) => `${line} 行目`,
    findings: {
      unreadable: (where) => `読取不能: ${where} 番があるべき行。`,
      changed: (where) => `改変: ${where} 番が書き込まれた内容と異なります。`,
      removed: (where) => `削除: ${where} 番がありません。`,
      inserted: (where) => `挿入: ${where} 番が重複しています。`,
      reordered: (where) => `順序違い: ${where} 番が別の位置にあります。`,
      rewritten: (where) => `書き換え: ${where} 番が署名済みヘッドと一致しません。`,
      truncated: (where) => `切り詰め: 署名済みの ${where} 番がありません。`,
      'head-invalid': (where) => `${where} 番の後のヘッドは、このログの鍵で署名されていません。`,
      'tenant-differs': (where) => `${where} 番のヘッドは別のフリートのものです。`,
    },
    head: (seq, at, kid) => `${seq} 番まで ${at} に鍵 ${kid} で署名済み。`,
    noHead: '署名済みヘッドがありません。',
    otherKey: (kid) => `指定と異なる鍵 ${kid} で署名されています。`,
    unsigned: (count) => `末尾の ${count} 件はまだ署名されていません。`,
    headsBefore: (count) => `${count} 個のヘッドは先頭より前のもので、この範囲は検証できません。`,
    compareKey: (kid) =>
      `鍵はファイルに含まれていたものです。${kid} を既知の鍵と照合するか、--key で指定してください。`,
    endUnknown: (last) =>
      `${last} 番より後が切り取られていないかは、別に保管したヘッド(--heads、tsunagu audit head または audit-heads.jsonl)でのみ確認できます。`,
    whole: 'ログは完全です。',
    notWhole: 'ログは完全ではありません。',
  },
};
