/** Who is logged in. */
import { api } from "./api";
import { asProblem, type Problem } from "./problems";
import * as tokens from "./tokens";

type State =
  | { is: "opening" }
  | { is: "unreachable"; problem: Problem }
  | { is: "out"; note: string | null }
  | { is: "in"; user: tokens.User };

class Session {
  state: State = $state.raw({ is: "opening" });
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
    tokens.onEnd(() => {
      if (this.state.is === "in") void this.#leave("Your session has ended. Log in again to go on.");
    });
    if (!tokens.isRemembered()) {
      this.state = { is: "out", note: null };
      return;
    }
    this.state = { is: "opening" };
    try {
      const answer = await tokens.restore();
      this.state = answer ? { is: "in", user: answer.user } : { is: "out", note: null };
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

  #enter(answer: tokens.LoggedIn): void {
    tokens.take(answer);
    this.state = { is: "in", user: answer.user };
  }

  async #leave(note: string | null): Promise<void> {
    tokens.forget();
    this.state = { is: "out", note };
    // All of them, also where one fails: what is left over would be seen by whoever sits here next.
    await Promise.allSettled(this.#forgetters.map(async (forget) => forget()));
  }
}

export const session = new Session();
