import { defineErrors } from './define.ts';

/** Errors of the bridge room: readers in use, emulated cards, kernel and payment application. */
export const bridgeErrors = defineErrors({
  ACQUIRER_UNREACHABLE: {
    en: {
      says: 'The switch cannot be reached; the request did not leave the terminal.',
      next: 'Check the link of the terminal, then make the sale again.',
    },
    ja: {
      says: 'センターに接続できません。要求電文は送信されていません。',
      next: '端末の回線を確認し、取引をやり直してください。',
    },
  },
  REQUEST_UNWRITABLE: {
    en: {
      says: 'What the card or the sale gave cannot be written as a message to the switch: nothing left the terminal, and nothing will.',
      next: 'Take the payment another way, and report it with the log of the terminal: it names the element.',
    },
    ja: {
      says: 'カードまたは取引の内容を電文にできません。センターには何も送信されていません。',
      next: '別の方法でお支払いいただき、端末ログ(該当する項目番号を記録)を添えて運用担当に報告してください。',
    },
  },
  ACQUIRER_REFUSES_TERMINAL: {
    en: {
      says: 'The switch does not let this terminal in (it is in quarantine or out of service, or its certificate was revoked); it read nothing of the request.',
      next: 'Take no cards at this terminal and call operations: tsunagu lifecycle show SERIAL says why. Until the switch answers again it approves nothing offline either; reversals that wait go then.',
    },
    ja: {
      says: 'センターがこの端末の接続を拒否しました(隔離中・運用外、または証明書失効)。要求は処理されていません。',
      next: 'この端末でのカード取扱いを中止し、運用担当に連絡してください。理由: tsunagu lifecycle show シリアル。センターが再び応答するまでオフライン承認も行いません。未送信の取消電文は接続再開後に送信されます。',
    },
  },
  ACQUIRER_TIMEOUT: {
    en: {
      says: 'The switch did not answer in time.',
      next: 'The sale is reversed by itself; wait until the reversal is acknowledged, then try again.',
    },
    ja: {
      says: '制限時間内にセンターから応答がありません。',
      next: '取消電文は自動で送信されます。完了後にやり直してください。',
    },
  },
  ACQUIRER_ANSWER_UNUSABLE: {
    en: {
      says: 'The answer of the switch is not authentic, not readable, or not the answer to this request.',
      next: 'The sale is reversed by itself. If it repeats, compare the key check values of terminal and server.',
    },
    ja: {
      says: 'センターの応答が認証できない、読めない、または要求と一致しません。',
      next: '自動で取り消します。繰り返す場合は端末とサーバーの鍵のチェック値を照合してください。',
    },
  },
  RATE_NOT_OFFERED: {
    en: {
      says: 'The switch offered no amount in the currency of the card.',
      next: 'The sale goes on in yen. The journal of the switch says why (rate-not-offered).',
    },
    ja: {
      says: 'センターからカードの通貨での提示がありませんでした。',
      next: '売上は円で続きます。理由はスイッチのジャーナル(rate-not-offered)にあります。',
    },
  },
  REVERSAL_NOT_STORED: {
    en: {
      says: 'The terminal could not store the reversal that each sale needs beforehand.',
      next: 'No sale was made. Check free space and state of the terminal’s storage.',
    },
    ja: {
      says: '取引前に必要な取消データを保存できませんでした。',
      next: '取引は行われていません。端末の記憶領域の空きと状態を確認してください。',
    },
  },
  REVERSAL_QUEUE_FULL: {
    en: {
      says: 'Too many reversals wait for the switch.',
      next: 'No sale is made until some are acknowledged: check the link to the switch.',
    },
    ja: {
      says: '未送信の取消電文が上限に達しています。',
      next: '送信されるまで取引できません。センターとの回線を確認してください。',
    },
  },
  REVERSAL_REFUSED: {
    en: {
      says: 'The switch will not take the reversal of this sale, or it can never be sent: whether the sale stands is not known here.',
      next: 'Compare the slip with the card company’s statement; the action code, where there is one, says why it was refused.',
    },
    ja: {
      says: 'この取引の取消をセンターが受け付けないか、送信できません。取引が成立しているかは端末では分かりません。',
      next: '伝票をカード会社の明細と照合してください。応答コードがあれば、それが理由です。',
    },
  },
  CARD_AUTHORITIES_INVALID: {
    en: {
      says: 'The terminal’s file of CA keys, withdrawn certificates and action codes cannot be read.',
      next: 'Mend card-authorities.json in its folder (the README of the `secure` room shows its form), or remove it for the test CA.',
    },
    ja: {
      says: '端末のCA公開鍵・失効証明書・アクションコードのファイルを読めません。',
      next: '端末フォルダーのcard-authorities.jsonを直すか(形式はsecureのREADME)、削除してテストCAに戻してください。',
    },
  },
  STAN_NOT_STORED: {
    en: {
      says: 'The terminal could not store its next trace number.',
      next: 'No sale was made. Check free space and state of the terminal’s storage.',
    },
    ja: {
      says: '次の通番を保存できませんでした。',
      next: '取引は行われていません。端末の記憶領域の空きと状態を確認してください。',
    },
  },
  SALE_IN_PROGRESS: {
    en: { says: 'The terminal is making another sale.', next: 'Wait until it has finished, then try again.' },
    ja: { says: '別の取引を処理中です。', next: '終了を待ってからやり直してください。' },
  },
  CARD_LISTED: {
    en: {
      says: 'The card is on the negative list.',
      next: 'Do not accept the card; follow the merchant’s rule for listed cards.',
    },
    ja: { says: '無効カード（ネガ）に該当します。', next: 'このカードは取り扱わず、加盟店の規定に従ってください。' },
  },
  CARD_UNKNOWN: {
    en: { says: 'There is no emulated card of that name.', next: 'Choose one of the names that the terminal lists.' },
    ja: { says: 'その名前の擬似カードはありません。', next: '端末が示す一覧から選んでください。' },
  },
  READERS_EMULATED: {
    en: {
      says: 'This terminal’s readers are emulated: `reader` and `reader-stripe` stand for a real card at a real reader.',
      next: 'Name one of its emulated cards ("tsunagu terminal SERIAL" lists them), or start the house with "npm start -- --readers SERIAL=usb".',
    },
    ja: {
      says: 'この端末のリーダーは模擬です。「reader」「reader-stripe」は実機リーダーのカードを指します。',
      next: '模擬カード名(「tsunagu terminal シリアル」で一覧)を指定するか、「npm start -- --readers シリアル=usb」で起動してください。',
    },
  },
  READERS_OPTION_INVALID: {
    en: {
      says: 'This is not a place of readers.',
      next: 'Write SERIAL=usb, SERIAL=pcsc or "SERIAL=pcsc:NAME", each terminal once: npm start -- --readers CT5100-0001=usb',
    },
    ja: {
      says: 'リーダーの指定が正しくありません。',
      next: '「シリアル=usb」「シリアル=pcsc」「シリアル=pcsc:名前」を端末ごとに1回指定してください。例: npm start -- --readers CT5100-0001=usb',
    },
  },
  READERS_TERMINAL_UNKNOWN: {
    en: {
      says: 'No terminal with this serial will run in this house.',
      next: 'Take one of those that are named, or more of them with "--terminals".',
    },
    ja: {
      says: 'このシリアルの端末は起動対象にありません。',
      next: '表示された端末から選ぶか、「--terminals」で台数を増やしてください。',
    },
  },
  READERS_PLACE_UNFIT: {
    en: {
      says: 'This model reads stripes only, and pcscd drives no stripe reader: no card could come to it.',
      next: 'Take a model with a chip reader (those that will run are named), or SERIAL=usb for a stripe head.',
    },
    ja: {
      says: 'この機種は磁気カード専用です。pcscdは磁気リーダーを扱わないため、カードを読めません。',
      next: 'ICリーダーのある端末(起動対象を表示しています)を指定するか、磁気ヘッドには「シリアル=usb」を指定してください。',
    },
  },
  READERS_NAME_UNKNOWN: {
    en: {
      says: 'pcscd has no reader of this name.',
      next: 'Take one of the names that it has, whole ("tsunagu bridge watch --pcsc --once"), plug the reader in first, or leave the name out: SERIAL=pcsc takes whichever is there.',
    },
    ja: {
      says: 'pcscdにこの名前のリーダーがありません。',
      next: '表示された名前を省略せずに指定する(「tsunagu bridge watch --pcsc --once」)か、先にリーダーを接続してください。名前を省いた「シリアル=pcsc」はどのリーダーでも使います。',
    },
  },
  CARD_NOT_EMULATED: {
    en: {
      says: 'This terminal has real readers: cards have no names there.',
      next: 'Ask for the card `reader` (or `reader-stripe`), and present one.',
    },
    ja: {
      says: 'この端末は実機のリーダーにつながっており、擬似カードは使えません。',
      next: 'カード名に「reader」(磁気は「reader-stripe」)を指定し、実際のカードを提示してください。',
    },
  },
  CARD_ELSEWHERE: {
    en: {
      says: 'The card lies at another terminal just now.',
      next: 'A card is in one place at a time: wait until it is taken away there.',
    },
    ja: {
      says: 'そのカードは別の端末に置かれています。',
      next: '先にその端末からカードを離してください。',
    },
  },
  CABLE_NOT_MOVED: {
    en: {
      says: 'Nobody who emulates the readers of this terminal answered: the cable was not moved.',
      next: 'Start the house ("npm start") with this terminal; the cable of a real reader is pulled by hand.',
    },
    ja: {
      says: 'この端末の擬似リーダーが動いていないため、ケーブルを抜き差しできませんでした。',
      next: 'この端末を含めて「npm start」で起動してください。実機リーダーのケーブルは手で抜き差しします。',
    },
  },
  MODEL_HAS_NO_READER: {
    en: {
      says: 'This terminal model has no reader for this kind of card.',
      next: 'Use a card that it can read, or a model with such a reader (see the catalogue).',
    },
    ja: {
      says: 'この端末機種にはこの種類のカードのリーダーがありません。',
      next: '読み取れるカードを使うか、対応機種をご利用ください（機種カタログ参照）。',
    },
  },
  AMOUNT_ABOVE_LIMIT: {
    en: {
      says: 'The amount is above the limit of this terminal.',
      next: 'Lower the amount, or raise amountMaxMinor in the configuration.',
    },
    ja: {
      says: '金額がこの端末の上限を超えています。',
      next: '金額を下げるか、設定のamountMaxMinorを引き上げてください。',
    },
  },
  AMOUNT_INVALID: {
    en: { says: 'The amount is not a whole number of yen above zero.', next: 'Give whole yen, 1 or more.' },
    ja: { says: '金額が1以上の整数（円）ではありません。', next: '1円以上の整数で指定してください。' },
  },
  USB_NO_HOST: {
    en: { says: 'This machine has no USB host.', next: 'Use the emulated readers, or a machine with a USB bus.' },
    ja: { says: 'このマシンにはUSBホストがありません。', next: '擬似リーダーか、USBのあるマシンを使ってください。' },
  },
  USB_NOT_FOUND: {
    en: { says: 'The USB device is not there.', next: 'Plug it in again and look at the list of readers.' },
    ja: { says: 'USB機器が見つかりません。', next: '接続し直して、リーダーの一覧を確認してください。' },
  },
  USB_BUSY: {
    en: {
      says: 'The USB device is in use by another process.',
      next: 'Stop the other program (pcscd, for one); it is never taken away by force.',
    },
    ja: {
      says: 'USB機器は別のプロセスが使用中です。',
      next: '他のプログラム（pcscdなど）を停止してください。強制的には奪いません。',
    },
  },
  USB_ACCESS_DENIED: {
    en: { says: 'This user may not open the USB device.', next: 'Add a udev rule for it, or run as a user who may.' },
    ja: {
      says: 'このユーザーにはUSB機器を開く権限がありません。',
      next: 'udevルールを追加するか、権限のあるユーザーで実行してください。',
    },
  },
  USB_TIMEOUT: {
    en: { says: 'The USB device did not answer in time.', next: 'Try again; if it repeats, replug the reader.' },
    ja: { says: 'USB機器が時間内に応答しません。', next: '再試行し、続く場合はリーダーを接続し直してください。' },
  },
  USB_STALLED: {
    en: { says: 'The USB device refused the request.', next: 'Check that the reader is of a kind that is supported.' },
    ja: { says: 'USB機器が要求を拒否しました。', next: '対応しているリーダーか確認してください。' },
  },
  USB_UNPLUGGED: {
    en: { says: 'The USB device was unplugged.', next: 'Plug it in again, then make the sale again.' },
    ja: { says: 'USB機器が取り外されました。', next: '接続し直してから、取引をやり直してください。' },
  },
  USB_TRANSFER_FAILED: {
    en: { says: 'A USB transfer failed.', next: 'Try another cable or port; then replug the reader.' },
    ja: { says: 'USB転送に失敗しました。', next: 'ケーブルやポートを替え、リーダーを接続し直してください。' },
  },
  READER_UNKNOWN: {
    en: { says: 'No driver knows this device as a reader.', next: 'See the list of supported readers.' },
    ja: { says: 'この機器に対応するリーダードライバーがありません。', next: '対応リーダーの一覧を確認してください。' },
  },
  READER_SEVERAL_CARDS: {
    en: {
      says: 'There are several cards in the field.',
      next: 'Take one card out of the wallet and present it alone.',
    },
    ja: { says: '複数のカードが検出されました。', next: 'カードを1枚だけ財布から出して、かざしてください。' },
  },
  READER_CARD_UNSUPPORTED: {
    en: {
      says: 'The card in the field speaks a protocol that this reader driver does not take.',
      next: 'Present another card, or insert this one.',
    },
    ja: {
      says: 'このカードの通信方式にリーダーが対応していません。',
      next: '別のカードをかざすか、このカードを挿入してください。',
    },
  },
  TRANSMISSION_BROKEN: {
    en: {
      says: 'The card broke its transmission protocol (T=0, T=1 or ISO/IEC 14443-4), and repeating did not help.',
      next: 'Clean the contacts or hold the card still, and present it again.',
    },
    ja: {
      says: 'カードの伝送プロトコル（T=0、T=1、ISO/IEC 14443-4）が乱れ、再送でも回復しません。',
      next: '端子を清掃するかカードを静止させ、再度提示してください。',
    },
  },
  PPS_REFUSED: {
    en: {
      says: 'Card and reader have no protocol or speed in common.',
      next: 'Try another reader; the protocols that the card offers are named.',
    },
    ja: {
      says: 'カードとリーダーに共通のプロトコルまたは速度がありません。',
      next: '別のリーダーを試してください。カードの対応プロトコルを表示しています。',
    },
  },
  PIN_PAD_CANCELLED: {
    en: {
      says: 'PIN entry was cancelled on the pad.',
      next: 'Ask the cardholder to enter the PIN again, or end the sale.',
    },
    ja: { says: 'PIN入力が取り消されました。', next: '再入力をお願いするか、取引を終了してください。' },
  },
  PIN_PAD_TIMEOUT: {
    en: { says: 'Nobody entered a PIN in time.', next: 'Ask the cardholder to enter the PIN, then start again.' },
    ja: { says: 'PINが時間内に入力されませんでした。', next: 'PINの入力をお願いして、やり直してください。' },
  },
  PIN_PAD_REFUSED: {
    en: {
      says: 'The reader announces a PIN pad, and does not take a PIN.',
      next: 'The sale goes on as without a pad. Try a reader with keys, or its newest firmware.',
    },
    ja: {
      says: 'リーダーはPINパッド対応を示していますが、PIN入力を受け付けません。',
      next: '取引はPINパッドなしとして続きます。キー付きのリーダーか、最新のファームウェアをお試しください。',
    },
  },
  PIN_PAD_MISMATCH: {
    en: {
      says: 'The two entries of the new PIN differ.',
      next: 'Ask the cardholder to enter the new PIN twice again.',
    },
    ja: { says: '新しいPINの2回の入力が一致しません。', next: '新しいPINをもう一度2回入力してください。' },
  },
  PIN_PAD_LENGTH: {
    en: {
      says: 'The PIN that was entered is too short or too long.',
      next: 'Ask the cardholder for the length of the PIN.',
    },
    ja: { says: '入力されたPINの桁数が範囲外です。', next: 'PINの桁数を確認して、再入力してください。' },
  },
  PCSC_UNAVAILABLE: {
    en: {
      says: 'No PC/SC daemon answers on this machine.',
      next: 'Install and start pcscd (Debian: apt-get install pcscd libccid), or use the reader over USB.',
    },
    ja: {
      says: 'このマシンでPC/SCデーモンが応答しません。',
      next: 'pcscdを導入して起動するか（Debian: apt-get install pcscd libccid）、USB経由でリーダーを使ってください。',
    },
  },
  PCSC_PROTOCOL: {
    en: {
      says: 'The PC/SC daemon answered something that its protocol does not allow, or speaks another version.',
      next: 'The version is named if it is known; use pcscd 1.8 or later.',
    },
    ja: {
      says: 'PC/SCデーモンの応答またはプロトコル版数が想定外です。',
      next: '分かる場合は版数を表示しています。pcscd 1.8以降を使ってください。',
    },
  },
  PCSC_REFUSED: {
    en: {
      says: 'The PC/SC daemon refused the request.',
      next: 'Its own code is named; another program may hold the reader, or polkit may deny access.',
    },
    ja: {
      says: 'PC/SCデーモンが要求を拒否しました。',
      next: 'デーモンのコードを表示しています。他のプログラムの使用中かpolkitの拒否を確認してください。',
    },
  },
  READER_SEQUENCE_WRONG: {
    en: {
      says: 'The reader answered another command than the one that was sent.',
      next: 'The reader was reset; if it repeats, replug it and report its firmware version.',
    },
    ja: {
      says: 'リーダーが別のコマンドへの応答を返しました。',
      next: 'リセット済みです。続く場合は接続し直し、版を報告してください。',
    },
  },
  READER_ANSWER_WRONG: {
    en: {
      says: 'The reader answered with a message that does not belong to the command.',
      next: 'The reader was reset; if it repeats, replug it and report its firmware version.',
    },
    ja: {
      says: 'リーダーの応答の種類がコマンドと合いません。',
      next: 'リセット済みです。続く場合は接続し直し、版を報告してください。',
    },
  },
  READER_TIMEOUT: {
    en: { says: 'The reader did not answer in time.', next: 'Present the card again; then replug the reader.' },
    ja: { says: 'リーダーが時間内に応答しません。', next: 'カードを再度提示し、続く場合は接続し直してください。' },
  },
  READER_REFUSED: {
    en: {
      says: 'The reader could not carry out the command.',
      next: 'The reader’s own error is named; try the card again.',
    },
    ja: { says: 'リーダーがコマンドを実行できませんでした。', next: 'エラー名を確認し、カードをやり直してください。' },
  },
  READER_CARD_ABSENT: {
    en: { says: 'There is no card in the reader.', next: 'Present the card and leave it until the sale has ended.' },
    ja: { says: 'リーダーにカードがありません。', next: '取引が終わるまでカードを提示してください。' },
  },
  READER_CARD_MUTE: {
    en: { says: 'The card does not answer.', next: 'Turn or clean the card and present it again.' },
    ja: { says: 'カードが応答しません。', next: 'カードの向きと汚れを確認し、再度提示してください。' },
  },
  STRIPE_UNREADABLE: {
    en: { says: 'Track 2 of the magnetic stripe could not be read.', next: 'Swipe the card again, evenly.' },
    ja: { says: '磁気ストライプのトラック2を読み取れません。', next: '一定の速さでもう一度通してください。' },
  },
  NO_COMMON_APPLICATION: {
    en: { says: 'Card and terminal have no payment application in common.', next: 'Use another card.' },
    ja: { says: 'カードと端末に共通する決済アプリケーションがありません。', next: '別のカードを使ってください。' },
  },
  CARD_BLOCKED: {
    en: { says: 'The card was blocked by its issuer.', next: 'Use another card; the cardholder asks the issuer.' },
    ja: { says: 'カードは発行会社により閉塞されています。', next: '別のカードを使い、発行会社に確認してください。' },
  },
  CARD_REFUSED_COMMAND: {
    en: {
      says: 'The card refused a command that every sale needs.',
      next: 'Try again; then use another card. The status word is shown.',
    },
    ja: {
      says: 'カードが取引に必要なコマンドを拒否しました。',
      next: '再試行し、続く場合は別のカードを使ってください。ステータスワードは示されています。',
    },
  },
  CARD_ANSWER_WRONG: {
    en: {
      says: 'The card answered something that does not belong to the command.',
      next: 'Use another card; this one is faulty.',
    },
    ja: { says: 'カードの応答がコマンドに対応していません。', next: '別のカードを使ってください（カード不良）。' },
  },
  CARD_DECLINED: {
    en: { says: 'The card declined the sale.', next: 'Use another card; the cardholder asks the issuer.' },
    ja: { says: 'カードが取引を拒否しました。', next: '別のカードを使い、発行会社に確認してください。' },
  },
  CARD_WITHDREW: {
    en: {
      says: 'The issuer approved, but the card did not accept its answer.',
      next: 'The sale is reversed by itself. Use another card.',
    },
    ja: {
      says: '発行会社は承認しましたが、カードが応答を受け入れませんでした。',
      next: '自動で取り消します。別のカードを使ってください。',
    },
  },
  TERMINAL_DECLINED: {
    en: {
      says: 'The terminal declined the sale by its own rules and the card’s.',
      next: 'The terminal verification results (TVR) say why: look at them with the EMV workbench.',
    },
    ja: {
      says: '端末とカードの規則により取引を拒否しました。',
      next: '理由は端末検証結果（TVR）にあります。EMVワークベンチで確認してください。',
    },
  },
  CARDHOLDER_NOT_VERIFIED: {
    en: {
      says: 'This amount needs a verification of the cardholder that card and terminal do not share.',
      next: 'Insert the card instead of holding it to the reader, or use another card.',
    },
    ja: {
      says: 'この金額に必要な本人確認を、カードと端末の組合せでは行えません。',
      next: 'かざす代わりに挿入するか、別のカードを使ってください。',
    },
  },
  CARD_NEEDS_CHIP: {
    en: { says: 'This card has a chip, which must be used here.', next: 'Insert the card instead of swiping it.' },
    ja: { says: 'ICチップ付きカードです。', next: '磁気ではなくICで取引してください（カードを挿入）。' },
  },
  CARD_EXPIRED: {
    en: { says: 'The card has expired.', next: 'Use another card.' },
    ja: { says: 'カードの有効期限が切れています。', next: '別のカードを使ってください。' },
  },
  CARD_NOT_AUTHENTIC: {
    en: {
      says: 'The card could not prove that it is genuine.',
      next: 'Do not accept it; if many cards fail, compare the table of CA keys with the scheme’s.',
    },
    ja: {
      says: 'カードが真正であることを確認できません。',
      next: '取り扱わないでください。多発する場合はCA公開鍵テーブルを照合してください。',
    },
  },
  SERVICE_NOT_ALLOWED: {
    en: { says: 'The card does not allow this kind of transaction here.', next: 'Use another card.' },
    ja: { says: 'このカードではこの種類の取引を行えません。', next: '別のカードを使ってください。' },
  },
  CARDHOLDER_CANCELLED: {
    en: { says: 'The cardholder ended the sale.', next: 'Nothing was sold; begin again if it is wanted.' },
    ja: { says: '会員が取引を中止しました。', next: '取引は行われていません。必要ならやり直してください。' },
  },
  PIN_TIMEOUT: {
    en: { says: 'No PIN was entered in time.', next: 'Begin again, and enter the PIN when it is asked for.' },
    ja: { says: '制限時間内に暗証番号が入力されませんでした。', next: 'やり直し、求められたら入力してください。' },
  },
  PIN_TOO_SHORT: {
    en: {
      says: 'The PIN that was entered has fewer digits than cards of this scheme have.',
      next: 'Begin again, and enter all of it (six digits for UnionPay). The card counts no wrong PIN.',
    },
    ja: {
      says: '入力された暗証番号の桁数が、このブランドの最小桁数に足りません。',
      next: 'やり直し、全桁(銀聯は6桁)を入力してください。暗証番号の誤り回数には数えません。',
    },
  },
  CARD_OTHER_INTERFACE: {
    en: { says: 'This sale cannot be made by holding the card to the reader.', next: 'Insert the card.' },
    ja: { says: 'この取引はかざしては行えません。', next: 'カードを挿入してください。' },
  },
  CARD_PRESENT_AGAIN: {
    en: {
      says: 'The card or phone must be held to the reader once more.',
      next: 'Look at the phone, confirm there if it asks, and present it again.',
    },
    ja: { says: 'もう一度かざす必要があります。', next: 'スマートフォンの画面を確認し、再度かざしてください。' },
  },
  TRACE_UNKNOWN: {
    en: {
      says: 'The terminal has no trace of that payment.',
      next: 'It keeps the last sixteen; give the STAN of one of these, or none for the last.',
    },
    ja: {
      says: 'その取引のトレースは端末にありません。',
      next: '直近16件が残ります。その通番を指定するか、省略してください。',
    },
  },
  TRACE_UNREADABLE: {
    en: {
      says: 'The file or document is no trace of a payment kernel.',
      next: 'Give a file that `tsunagu trace --json` wrote, or the serial number of a terminal.',
    },
    ja: {
      says: '決済カーネルのトレースではありません。',
      next: '`tsunagu trace --json`の出力ファイルか、端末のシリアル番号を指定してください。',
    },
  },
  SALE_FAILED: {
    en: {
      says: 'The sale ended by a fault of the terminal’s own software.',
      next: 'Try again, and report the log of the terminal.',
    },
    ja: {
      says: '端末ソフトウェアの不具合で取引が終了しました。',
      next: '再試行し、端末のログを添えて報告してください。',
    },
  },
});
