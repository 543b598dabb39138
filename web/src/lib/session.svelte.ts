/**
 * Who is logged in. A page is one person's from when they log in to when they leave: then it is loaded anew, so that
 * nothing which it had in memory, or was still doing, reaches whoever sits here next.
 */
import { api } from "./api";
import { asProblem, type Problem } from "./problems";
import { router } from "./router.svelte";
import * as tokens from "./tokens";

type State =
  | { is: "opening" }
  | { is: "unreachable"; problem: Problem }
  | { is: "out"; note: string | null }
  | { is: "in"; user: tokens.User };

/** How what pages keep on the disk is called: ciphertext in caches, names of what is unfinished in databases, and parts of
 * an export that wait to be saved in folders. */
const KEPT = "photovault-";

/** What a page leaves to the one in its place, which takes it out of the tab's storage at once. */
const LEFT = "photovault.left";

interface Left {
  /** Why nobody is logged in any more. */
  note: string | null;
  /** Whose session ran out, and where they were: they may go on there, and nobody else. */
  of: { user: string; address: string } | null;
}

class Session {
  state: State = $state.raw({ is: "opening" });
  /** In memory alone from here on: neither on the disk nor in the address bar. */
  #left: Left["of"] = null;

  constructor() {
    tokens.onEnd((why) => {
      if (this.state.is !== "in") return;
      const of = { user: this.state.user.id, address: location.hash };
      void this.#leave(
        why === "ended" ? { note: "Your session has ended. Log in again to go on.", of } : { note: null, of: null }, // somebody else has logged in here
      );
    });
  }

  get user(): tokens.User | null {
    return this.state.is === "in" ? this.state.user : null;
  }

  /** Take up the session that this browser has, if any. */
  async open(): Promise<void> {
    this.state = { is: "opening" };
    const left = taken();
    this.#left ??= left?.of ?? null;
    // The page before may have written something after it had forgotten everything.
    if (left || !tokens.isRemembered()) await forgetKept();
    if (!tokens.isRemembered()) {
      this.state = { is: "out", note: left?.note ?? null };
      return;
    }
    try {
      const answer = await tokens.restore();
      if (answer) {
        this.state = { is: "in", user: answer.user };
        return;
      }
      // Whose it was is not known any more, so a page is gone to again once somebody has logged in, but not what it was
      // asked, such as the words of a search.
      await Promise.all([router.leave(location.hash.replace(/\?.*$/s, "") || undefined), forgetKept()]);
      this.state = { is: "out", note: null };
    } catch (error) {
      this.state = { is: "unreachable", problem: asProblem(error) };
    }
  }

  /** `code` where two-step log-in is on. Without it a `Problem` of the kind "second-factor-needed" is thrown. */
  async logIn(email: string, password: string, code?: string): Promise<void> {
    this.#enter(await api.post("/auth/login", { body: { email, password, code: code ?? null, cookie: true } }));
  }

  async signUp(email: string, password: string, name: string): Promise<void> {
    this.#enter(await api.post("/auth/signup", { body: { email, password, name, cookie: true } }));
  }

  /** End the session here. Throws `Problem` when the server could not be told: then it is still there. */
  async logOut(): Promise<void> {
    await api.post("/auth/logout");
    await this.end("You are logged out.");
  }

  /** The person's name or address is another one now. */
  changed(user: tokens.User): void {
    this.state = { is: "in", user };
  }

  /** The session is over on the server; `note` says why. */
  async end(note: string): Promise<void> {
    tokens.forget();
    await this.#leave({ note, of: null });
  }

  #enter(answer: tokens.LoggedIn): void {
    tokens.take(answer);
    if (this.#left?.user === answer.user.id) router.go(this.#left.address, { replace: true });
    this.#left = null;
    this.state = { is: "in", user: answer.user };
  }

  /** Forget what is kept here, and begin with an empty page. */
  async #leave(left: Left): Promise<void> {
    this.state = { is: "opening" };
    try {
      sessionStorage.setItem(LEFT, JSON.stringify(left));
    } catch {
      // A full or forbidden storage: the door then does not say why. What matters is that this page ends.
    }
    await Promise.allSettled([router.leave(), forgetKept()]);
    location.reload();
  }
}

function taken(): Left | null {
  const left = sessionStorage.getItem(LEFT);
  sessionStorage.removeItem(LEFT);
  return left === null ? null : (JSON.parse(left) as Left);
}

/** All of it, also where some of it fails: the next one who sits here would see it. */
async function forgetKept(): Promise<void> {
  await Promise.allSettled([forgetCaches(), forgetDatabases(), forgetFiles()]);
}

async function forgetCaches(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith(KEPT)) await caches.delete(name);
}

async function forgetDatabases(): Promise<void> {
  for (const { name } of await indexedDB.databases()) if (name?.startsWith(KEPT)) indexedDB.deleteDatabase(name);
}

async function forgetFiles(): Promise<void> {
  const folder = await navigator.storage.getDirectory();
  const names: string[] = [];
  for await (const name of folder.keys()) if (name.startsWith(KEPT)) names.push(name);
  await Promise.allSettled(names.map((name) => folder.removeEntry(name, { recursive: true })));
}

export const session = new Session();
