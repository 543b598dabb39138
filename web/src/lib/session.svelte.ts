/** Who is logged in. */
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

class Session {
  state: State = $state.raw({ is: "opening" });
  /** Whose session ran out, and where they were: they may go on there. Never on the disk, nor in the address bar. */
  #left: { user: string; address: string } | null = null;
  #forgetters: (() => void | Promise<void>)[] = [];

  /** What is to be forgotten with the session: caches of what the person has seen. */
  onForget(forgetter: () => void | Promise<void>): void {
    this.#forgetters.push(forgetter);
  }

  get user(): tokens.User | null {
    return this.state.is === "in" ? this.state.user : null;
  }

  /** Take up the session that this browser has, if any. */
  async open(): Promise<void> {
    tokens.onEnd((why) => {
      if (why === "somebody else") void this.#begin();
      else if (this.state.is === "in") {
        this.#left = { user: this.state.user.id, address: location.hash };
        void this.#leave("Your session has ended. Log in again to go on.");
      }
    });
    if (!tokens.isRemembered()) {
      this.state = { is: "out", note: null };
      return;
    }
    this.state = { is: "opening" };
    try {
      const answer = await tokens.restore();
      if (answer) this.state = { is: "in", user: answer.user };
      // What was kept of it is forgotten, too. Whose it was is not known any more, so a page is gone to again once somebody
      // has logged in, but not what it was asked, such as the words of a search.
      else await this.#leave(null, location.hash.replace(/\?.*$/s, "") || undefined);
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
    await this.#leave(null);
  }

  /** The person's name or address is another one now. */
  changed(user: tokens.User): void {
    this.state = { is: "in", user };
  }

  /** The session is over on the server; `note` says why. */
  async end(note: string): Promise<void> {
    await this.#leave(note);
  }

  #enter(answer: tokens.LoggedIn): void {
    tokens.take(answer);
    if (this.#left?.user === answer.user.id) router.go(this.#left.address, { replace: true });
    this.#left = null;
    this.state = { is: "in", user: answer.user };
  }

  async #leave(note: string | null, to?: string): Promise<void> {
    tokens.forget();
    this.state = { is: "out", note };
    await Promise.all([router.leave(to), this.#forget()]);
  }

  /** A page of somebody else, who has logged in here: nothing of this one is left. */
  async #begin(): Promise<void> {
    this.state = { is: "opening" };
    await Promise.all([router.leave(), this.#forget()]);
    location.reload();
  }

  /** All of it, also where some of it fails, and whichever parts were loaded: the next one who sits here would see it. */
  async #forget(): Promise<void> {
    await Promise.allSettled(this.#forgetters.map(async (forget) => forget()));
    await Promise.allSettled([forgetCaches(), forgetDatabases(), forgetFiles()]);
  }
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
  for (const name of names) await folder.removeEntry(name, { recursive: true });
}

export const session = new Session();
