// The token that `ct replay` puts into the address it prints. It leaves the address at once and is
// kept for the tab; another tab of the same server may ask for it.

const KEY = "ct-token";
const PATIENCE = 300; // milliseconds that another tab has to answer

/** Take the token out of an address of the form `#token=…`, and what is left of the fragment. */
export function splitToken(hash: string): { token: string; rest: string } {
  const match = /(?:^#|&)token=([^&]*)/.exec(hash);
  if (!match) return { token: "", rest: hash };
  const rest = hash.replace(match[0], match[0].startsWith("#") ? "#" : "").replace(/^#&/, "#");
  return { token: decodeURIComponent(match[1] ?? ""), rest: rest === "#" ? "" : rest };
}

export async function findToken(): Promise<string> {
  const { token, rest } = splitToken(location.hash);
  if (token !== "") {
    history.replaceState(null, "", location.pathname + location.search + rest);
    setTimeout(() => remember(token)); // what needs the token goes first
    return token;
  }
  const known = sessionStorage.getItem(KEY) ?? (await askOtherTabs());
  if (known !== "") remember(known);
  return known;
}

function remember(token: string) {
  sessionStorage.setItem(KEY, token);
  answerOtherTabs(token);
}

// A channel reaches pages of this very origin only.
function answerOtherTabs(token: string) {
  const channel = new BroadcastChannel(KEY);
  channel.onmessage = (message) => {
    if (message.data === "who knows it?") channel.postMessage({ token });
  };
}

function askOtherTabs(): Promise<string> {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(KEY);
    const end = (token: string) => {
      channel.close();
      resolve(token);
    };
    channel.onmessage = (message) => {
      const token: unknown = (message.data as { token?: unknown } | null)?.token;
      if (typeof token === "string") end(token);
    };
    channel.postMessage("who knows it?");
    setTimeout(() => end(""), PATIENCE);
  });
}
