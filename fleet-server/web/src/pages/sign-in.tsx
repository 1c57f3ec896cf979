import { useSignal } from '@preact/signals';
import { session } from '@tsunagu/protocols/fleet';
import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { ask, faultText } from '../api.ts';
import { Alert } from '../parts/index.tsx';
import { connect, isSignedIn } from '../live.ts';
import { formText } from '../parts/form-text.ts';
import { t } from '../text/index.ts';

/** Spends the token of the link. It stands behind the `#`, which is never sent, logged or passed on by a browser. */
export function SignInPage() {
  const { route } = useLocation();
  const failure = useSignal<string | undefined>(undefined);
  const isWorking = useSignal(false);

  const spend = async (
    body: { readonly token: string } | { readonly name: string; readonly passphrase: string },
  ): Promise<void> => {
    isWorking.value = true;
    failure.value = undefined;
    try {
      await ask(session, '/api/v1/sessions', { method: 'POST', body });
      isSignedIn.value = true;
      connect();
      route('/', true);
    } catch (error) {
      failure.value = faultText(error);
    } finally {
      isWorking.value = false;
    }
  };

  useEffect(() => {
    const takeToken = (): void => {
      const token = location.hash.slice(1);
      if (token === '') return;
      history.replaceState(null, '', '/sign-in');
      void spend({ token });
    };
    takeToken();
    // A link that is opened over this very page changes nothing but what follows the "#".
    addEventListener('hashchange', takeToken);
    return () => removeEventListener('hashchange', takeToken);
  }, []);

  return (
    <main id="content" class="sign-in">
      <form
        class="panel"
        onSubmit={(event) => {
          event.preventDefault();
          const token = new FormData(event.currentTarget).get('token');
          if (typeof token === 'string') void spend({ token: token.trim().replace(/^.*#/, '') });
        }}
      >
        <img src="/icon.svg" alt="" width="56" height="56" />
        <h1>{t('signIn.title')}</h1>
        {isWorking.value ? (
          <p role="status">{t('signIn.working')}</p>
        ) : (
          <>
            <p class="quiet">{t('signIn.explain')}</p>
            <Alert text={failure.value} />
            <label>
              {t('signIn.token')}
              <input name="token" type="text" required autoComplete="off" spellcheck={false} />
            </label>
            <button type="submit" class="primary">
              {t('signIn.send')}
            </button>
          </>
        )}
      </form>
      {!isWorking.value && (
        <form
          class="panel"
          data-testid="passphrase"
          onSubmit={(event) => {
            event.preventDefault();
            void spend({
              name: formText(event.currentTarget, 'name'),
              passphrase: formText(event.currentTarget, 'passphrase'),
            });
          }}
        >
          <h2>{t('signIn.person')}</h2>
          <label>
            {t('access.name')}
            <input name="name" required maxLength={40} autoComplete="username" />
          </label>
          <label>
            {t('access.passphrase')}
            <input name="passphrase" type="password" required maxLength={256} autoComplete="current-password" />
          </label>
          <button type="submit">{t('signIn.send')}</button>
        </form>
      )}
    </main>
  );
}
