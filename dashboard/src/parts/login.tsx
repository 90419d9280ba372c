// The page before a log-in. It shows nothing of tests, which it cannot know.
import { useState } from "preact/hooks";

import { ApiError, logIn, sentence } from "../api/client";

export function LogIn() {
  const [token, setToken] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    setFault(null);
    try {
      await logIn(token.trim());
    } catch (error) {
      setFault(error instanceof ApiError && error.status === 401 ? "This is not the orchestrator's token." : sentence(error));
      setBusy(false);
    }
  };
  return (
    <section class="card log-in" aria-labelledby="log-in-title">
      <h1 id="log-in-title">Log in</h1>
      <p class="dim">
        This orchestrator asks for its token: the content of the file that <code>[http] token_file</code> names.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          value={token}
          aria-invalid={fault !== null}
          aria-describedby={fault ? "token-fault" : undefined}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        {fault && (
          <p class="fault" id="token-fault" role="alert">
            {fault}
          </p>
        )}
        <button class="primary" disabled={busy}>
          {busy ? "Logging in…" : "Log in"}
        </button>
      </form>
    </section>
  );
}
