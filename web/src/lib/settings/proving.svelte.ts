/**
 * Proofs that it is the person, for requests of functions that know no passwords.
 *
 * One is kept for as long as it is good and nothing else is typed: a code works once, and who only has to mend the rest
 * of the form is not asked for another.
 */
import { api } from "../api";

/** So many milliseconds before its end a proof is not used any more. */
const SPARE = 10_000;

export class Proving {
  password = $state("");
  code = $state("");
  #given: { proof: string; typed: string; until: number } | null = null;

  /** What a request takes that checks password and code itself. */
  get body(): { password: string; code: string | null } {
    return { password: this.password, code: this.code.trim() || null };
  }

  /** For what a request takes as `proof`. Throws `Problem`. */
  async proof(): Promise<string> {
    const typed = JSON.stringify(this.body);
    if (this.#given === null || this.#given.typed !== typed || Date.now() > this.#given.until) {
      const { proof, expires_in } = await api.post("/auth/proof", { body: this.body });
      this.#given = { proof, typed, until: Date.now() + expires_in * 1000 - SPARE };
    }
    return this.#given.proof;
  }

  forget(): void {
    this.password = this.code = "";
    this.#given = null;
  }
}
